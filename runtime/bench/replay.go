package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-dev/troupe/bus"
	"github.com/troupe-dev/troupe/runtime"
	"github.com/troupe-dev/troupe/runtime/record"
)

// troupeReplay replays as fast as it goes to an observer over TCP, which has
// to have been told of every tick.
func troupeReplay(ctx context.Context, l *lab, s size) ([]float64, error) {
	p, err := l.kept(ctx, s)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	begun := time.Now()
	w := &watching{heard: make(chan int, 1), fail: cancel}
	out, err := runtime.Replay(ctx, runtime.ReplayOptions{
		Data: p.data, Run: p.run, BusListen: "127.0.0.1:0", To: -1, Wait: true, Command: "bench", Watch: w,
	})
	took := time.Since(begun)
	heard := 0
	if w.conn != nil {
		heard = <-w.heard // it ends with the bus, or was cut off by it
		_ = w.conn.Close()
	}
	switch {
	case w.err != nil:
		return nil, fmt.Errorf("cannot listen to the replay: %w", w.err)
	case err != nil:
		return nil, err
	case out.Ticks != p.ticks || heard < p.ticks:
		return nil, fmt.Errorf("%d of %d ticks were replayed, and %d messages heard", out.Ticks, p.ticks, heard)
	}
	return perSecond(p.ticks, took), nil
}

// A watching is an observer of a replay. It speaks as much of NATS as it takes
// to listen: a client library is the bus's alone.
type watching struct {
	conn  net.Conn
	err   error
	fail  func()   // ends the replay, which would wait
	heard chan int // messages, once it has ended
}

// Starting subscribes, which is what the replay waits for.
func (w *watching) Starting(o runtime.Opening) {
	conn, err := net.Dial("tcp", o.Bus)
	if err != nil {
		w.err = err
		w.fail()
		return
	}
	w.conn = conn
	go func() { w.heard <- listen(conn) }()
	login, err := json.Marshal(map[string]any{"user": o.Observer.User, "pass": o.Observer.Password, "verbose": false, "pedantic": false})
	if err == nil {
		_, err = fmt.Fprintf(conn, "CONNECT %s\r\nSUB %s 1\r\n", login, bus.All(o.Run))
	}
	if err != nil {
		w.err = err
		w.fail()
	}
}

func (w *watching) Ticked(*record.Record, *record.Summary) {}
func (w *watching) Happened(record.Fact)                   {}

// listen counts the messages on a connection until it is closed.
func listen(conn net.Conn) (messages int) {
	r := bufio.NewReaderSize(conn, 1<<16)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return messages
		}
		words := strings.Fields(line)
		switch {
		case len(words) > 0 && words[0] == "PING":
			_, _ = io.WriteString(conn, "PONG\r\n")
		case len(words) > 3 && words[0] == "MSG": // MSG subject sid bytes
			size, err := strconv.Atoi(words[len(words)-1])
			if err == nil {
				_, err = r.Discard(size + 2)
			}
			if err != nil {
				return messages
			}
			messages++
		}
	}
}
