package socket

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve answers at a socket that it gives the path of, until the test ends.
func serve(t *testing.T, owner int, h Handler) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	s, err := Listen(path, owner, nil, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return path
}

func dial(t *testing.T, path string) *Client {
	t.Helper()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &Client{c, bufio.NewReader(c)}
}

func echo(_ context.Context, r *Request, reply func(*Reply) error) error {
	if r.Op == "refuse" {
		return errors.New("no")
	}
	return reply(&Reply{OK: true, Missing: []string{r.Message}})
}

func TestServer(t *testing.T) {
	path := serve(t, os.Geteuid(), echo)
	c := dial(t, path)
	for _, id := range []string{`1`, `"x"`, `{"a":1}`} {
		reply, err := c.Ask(&Request{ID: json.RawMessage(id), Message: id}, nil)
		if err != nil || string(reply.ID) != id || reply.Missing[0] != id {
			t.Errorf("got %+v, %v", reply, err)
		}
	}
	if _, err := c.Ask(&Request{Op: "refuse"}, nil); !errors.Is(err, ErrRefused) || err.Error() != "no" {
		t.Errorf("got %v", err)
	}
	if _, err := c.conn.Write([]byte("nonsense\n")); err != nil {
		t.Fatal(err)
	}
	if text, err := c.in.ReadString('\n'); err != nil || !strings.Contains(text, "this is no request") {
		t.Errorf("got %q, %v", text, err)
	}
	large := strings.Repeat("x", 1<<20)
	if reply, err := c.Ask(&Request{Message: large}, nil); err != nil || reply.Missing[0] != large {
		t.Errorf("a large request: %v", err)
	}
}

// Who writes too much, or nothing, or too many connections, is no trouble for
// others.
func TestServerFlooded(t *testing.T) {
	path := serve(t, os.Geteuid(), echo)
	idle := dial(t, path)
	if _, err := idle.conn.Write([]byte(strings.Repeat("x", 100<<10))); err != nil { // it holds the place for large ones
		t.Fatal(err)
	}
	long := dial(t, path)
	go func() { _, _ = long.conn.Write([]byte(strings.Repeat("x", MaxLine+100<<10))) }()
	other := dial(t, path)
	if _, err := other.Ask(&Request{}, nil); err != nil {
		t.Errorf("a small request waits for a large one: %v", err)
	}
	if err := idle.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := long.in.ReadByte(); err == nil {
		t.Error("a line of any length is taken")
	}
	var all []*Client
	for range 2 * maxClients {
		all = append(all, dial(t, path))
	}
	text, err := all[len(all)-1].in.ReadString('\n')
	if err != nil || !strings.Contains(text, "a process may have 32 connections") {
		t.Errorf("got %q, %v", text, err)
	}
	if _, err := other.Ask(&Request{}, nil); err != nil {
		t.Errorf("who was there before: %v", err)
	}
}

// What a connection waits for ends with it.
func TestServerHangUp(t *testing.T) {
	begun, ended := make(chan bool, 1), make(chan bool, 1)
	path := serve(t, os.Geteuid(), func(ctx context.Context, _ *Request, _ func(*Reply) error) error {
		begun <- true
		<-ctx.Done()
		ended <- true
		return ctx.Err()
	})
	c := dial(t, path)
	if _, err := c.conn.Write([]byte("{}\n")); err != nil {
		t.Fatal(err)
	}
	<-begun
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	<-ended
}

// The kernel says who asks: a socket is for one user.
func TestServerKnowsItsUser(t *testing.T) {
	if os.Geteuid() != 0 {
		if _, err := Listen(filepath.Join(t.TempDir(), "s"), os.Geteuid()+1, nil, echo); !errors.Is(err, os.ErrPermission) {
			t.Errorf("a socket for another user: %v", err)
		}
		return
	}
	c := dial(t, serve(t, 12345, echo)) // root may open it, and is another
	text, err := io.ReadAll(c.in)
	if err != nil || !strings.Contains(string(text), "this socket is for the user 12345") {
		t.Errorf("got %q, %v", text, err)
	}
}
