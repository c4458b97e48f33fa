package observe

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// A hall is a listener whose connections are pipes: the time that passes in them is
// that of the test.
type hall struct {
	came   chan net.Conn
	closed chan struct{}
}

func (h *hall) Accept() (net.Conn, error) {
	select {
	case c := <-h.came:
		return c, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

func (h *hall) Close() error {
	close(h.closed)
	return nil
}

func (h *hall) Addr() net.Addr { return &net.UnixAddr{} }

// A monologue is a store that has one run, of which there is nothing to tell but
// that it lives, or a long result.
type monologue struct {
	*Store
	result json.RawMessage
	ended  chan error // the stream
}

func (m *monologue) Result(context.Context, string) (json.RawMessage, error) { return m.result, nil }

func (m *monologue) Stream(ctx context.Context, _ string, _ Mark, w io.Writer) error {
	_, err := waiting(ctx, w, func(idle context.Context) (struct{}, error) {
		<-idle.Done()
		return struct{}{}, idle.Err()
	})
	m.ended <- err
	return err
}

// A caller is a connection to a monologue's listener, by who may do all.
type caller struct {
	net.Conn
	t *testing.T
	m *monologue
}

// calls has a test make a request in a time of its own.
func calls(t *testing.T, request string, do func(c *caller)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		tokens, err := MakeTokens(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		m := &monologue{Store: &Store{Data: t.TempDir()}, result: []byte(`"` + string(bytes.Repeat([]byte("x"), 1<<20)) + `"`), ended: make(chan error, 1)}
		metrics, _ := measured(market())
		l := &hall{make(chan net.Conn), make(chan struct{})}
		stop := ServeTCP(l, Public{Runs: m, Tokens: tokens, Metrics: metrics, Unready: func() string { return "" }})
		defer stop()
		near, far := net.Pipe()
		defer func() { _ = near.Close() }()
		l.came <- far
		c := &caller{near, t, m}
		method, rest, _ := bytes.Cut([]byte(request), []byte(" "))
		path, rest, _ := bytes.Cut(rest, []byte("\n"))
		if _, err := fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: troupe\r\nAuthorization: Bearer %s\r\n%s", method, path, tokens.values[Control], rest); err != nil {
			t.Fatal(err)
		}
		do(c)
	})
}

// answer reads the answer's status and body.
func (c *caller) answer() (status int, body []byte, err error) {
	res, err := http.ReadResponse(bufio.NewReaderSize(c, 16), nil)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err = io.ReadAll(res.Body)
	return res.StatusCode, body, err
}

// A body must be there in time, all of it.
func TestStalledBody(t *testing.T) {
	calls(t, "POST /v1/runs/r/messages\nContent-Length: 100\r\n\r\n{", func(c *caller) {
		stalled, sent := make(chan struct{}), make(chan struct{})
		go func() { // a blank now and then does not help
			defer close(sent)
			for {
				select {
				case <-time.After(bodyPatience / 7):
					if _, err := c.Write([]byte(" ")); err != nil {
						return
					}
				case <-stalled:
					return
				}
			}
		}()
		begun := time.Now()
		status, body, err := c.answer()
		close(stalled)
		<-sent
		if status != http.StatusRequestTimeout || err != nil {
			c.t.Errorf("it is answered %d %s, %v", status, body, err)
		}
		if took := time.Since(begun); took != bodyPatience {
			c.t.Errorf("it is answered after %s", took)
		}
	})
}

// What a stream sends must be taken in, or it is over.
func TestStalledStream(t *testing.T) {
	calls(t, "GET /v1/runs/r/events\nAccept: text/event-stream\r\n\r\n", func(c *caller) {
		begun := time.Now()
		if err := <-c.m.ended; err == nil {
			c.t.Error("the stream ends by itself")
		}
		if took := time.Since(begun); took < heartbeat+writePatience || took > 2*heartbeat+writePatience {
			c.t.Errorf("it is cut off after %s", took)
		}
	})
}

// Who reads a stream may do so for as long as they like.
func TestPatientReader(t *testing.T) {
	calls(t, "GET /v1/runs/r/events\nAccept: text/event-stream\r\n\r\n", func(c *caller) {
		lines := bufio.NewScanner(c)
		begun, beats := time.Now(), 0
		for time.Since(begun) <= time.Hour && lines.Scan() {
			if lines.Text() == ":" {
				beats++
			}
		}
		if want := int(time.Hour / heartbeat); beats != want {
			c.t.Errorf("there were %d signs of life in %s, want %d", beats, time.Since(begun), want)
		}
		_ = c.Close()
		if err := <-c.m.ended; err == nil {
			c.t.Error("the stream ends by itself")
		}
	})
}

// A slowly is a reader that takes in a part now and then.
type slowly struct {
	net.Conn
	every time.Duration
	part  int
	taken int
}

func (s *slowly) Read(b []byte) (int, error) {
	if s.taken += len(b); s.taken > s.part {
		s.taken = 0
		time.Sleep(s.every)
	}
	return s.Conn.Read(b)
}

// A long answer may take long, as long as some of it is taken in.
func TestSlowReader(t *testing.T) {
	for every, whole := range map[time.Duration]bool{writePatience / 3: true, 2 * writePatience: false} {
		calls(t, "GET /v1/runs/r/result\n\r\n", func(c *caller) {
			c.Conn = &slowly{Conn: c.Conn, every: every, part: 64 << 10}
			begun := time.Now()
			_, body, err := c.answer()
			if whole && (err != nil || len(body) != len(c.m.result)+1) {
				c.t.Errorf("after %s it has %d bytes of %d, %v", time.Since(begun), len(body), len(c.m.result), err)
			}
			if !whole && err == nil {
				c.t.Errorf("%d bytes are waited for, for %s", len(body), time.Since(begun))
			}
		})
	}
}
