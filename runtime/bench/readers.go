package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/troupe-dev/troupe/runtime"
	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/runtime/record"
)

// readersPace is how many ticks a second a run has that is read.
const readersPace = 20

// read is a game of so many ticks with so many readers.
func read(readers, ticks int) size {
	return size{agents: 10, ticks: ticks, messages: 1, readers: readers, name: fmt.Sprint(readers)}
}

func floorReaders(ctx context.Context, l *lab, s size) ([]float64, error) {
	s.readers = 0
	return troupeReaders(ctx, l, s)
}

func troupeReaders(ctx context.Context, l *lab, s size) (figures []float64, err error) {
	path, err := l.write(l.of(s))
	if err != nil {
		return nil, err
	}
	p, err := expand(path)
	if err != nil {
		return nil, err
	}
	l.runs++
	a := &audience{size: s.readers, trace: trace{data: filepath.Join(l.dir, fmt.Sprintf("d%d", l.runs)), plan: p}}
	defer func() { err = errors.Join(err, a.leave(), a.forget()) }()
	res, err := runtime.Run(ctx, p, runtime.Options{
		Data: a.data, Scenario: path, Command: "bench", Kill: l.kill, Watch: a, Listen: "127.0.0.1:0", Speed: readersPace,
	})
	switch {
	case err != nil:
		return nil, err
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case res.Status != observe.Finished:
		return nil, fmt.Errorf("the run was %s", res.Status)
	}
	slices.Sort(a.spent)
	return []float64{a.rate(), float64(a.spent[len(a.spent)*99/100].Microseconds()) / 1000}, nil
}

// An audience watches a run with readers of its events over TCP, of which every
// other one never reads.
type audience struct {
	trace
	size  int
	spent []time.Duration // by each tick

	conns []net.Conn
	mu    sync.Mutex
	heard []int // bytes, by each that read to the end
	err   error // the first thing that went wrong
	wg    sync.WaitGroup
}

// Starting implements runtime.Watcher.
func (a *audience) Starting(o runtime.Opening) {
	a.trace.Starting(o)
	token, err := os.ReadFile(filepath.Join(observe.TokenDir(a.data), observe.Observe.String()))
	a.fail(err)
	// Of HTTP/1.0 an answer is the same bytes for all.
	request := fmt.Sprintf("GET /v1/runs/%s/events HTTP/1.0\r\nHost: %s\r\nAccept: text/event-stream\r\nAuthorization: Bearer %s\r\n\r\n",
		o.Run, o.Listen, strings.TrimSpace(string(token)))
	for i := range a.size {
		conn, err := net.Dial("tcp", o.Listen)
		if err != nil {
			a.fail(err)
			return
		}
		a.conns = append(a.conns, conn)
		if i%2 == 1 {
			a.fail(conn.(*net.TCPConn).SetReadBuffer(4 << 10))
		}
		_, err = io.WriteString(conn, request)
		a.fail(err)
		if i%2 == 0 {
			a.wg.Go(func() { a.read(conn) })
		}
	}
}

// Ticked implements runtime.Watcher.
func (a *audience) Ticked(rec *record.Record, sum *record.Summary) {
	a.trace.Ticked(rec, sum)
	e := rec.Annex.Elapsed
	a.spent = append(a.spent, e.Ask+e.Step+e.Commit)
}

// read reads to the end.
func (a *audience) read(conn net.Conn) {
	var tail []byte
	n, room := 0, make([]byte, 32<<10)
	for {
		got, err := conn.Read(room)
		n += got
		tail = append(tail, room[:got]...)
		tail = append(tail[:0], tail[max(0, len(tail)-1000):]...)
		if err == nil {
			continue
		}
		if !errors.Is(err, io.EOF) {
			a.fail(err)
		} else if !bytes.Contains(tail, []byte("\nevent: end\n")) {
			a.fail(fmt.Errorf("a reader's stream broke off: %.200q", tail))
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.heard = append(a.heard, n)
		return
	}
}

func (a *audience) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err == nil {
		a.err = err
	}
}

// leave hangs up, and says what readers missed.
func (a *audience) leave() error {
	for i, conn := range a.conns {
		if i%2 == 1 {
			_ = conn.Close()
		}
	}
	a.wg.Wait()
	for _, conn := range a.conns {
		_ = conn.Close()
	}
	if len(a.heard) > 0 && slices.Min(a.heard) != slices.Max(a.heard) {
		a.fail(fmt.Errorf("readers were told from %d to %d bytes of the same run", slices.Min(a.heard), slices.Max(a.heard)))
	}
	return a.err
}
