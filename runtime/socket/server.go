package socket

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// patience is how long a client may take to write the rest of a large request,
// and to read a line of a reply.
const patience = 10 * time.Second

// A Handler answers one request. What it replies last says ok or has an error;
// an error of its own is that reply. ctx ends with the connection or the server.
// It is called from many goroutines, for one connection by one at a time.
type Handler func(ctx context.Context, r *Request, reply func(*Reply) error) error

// A Server is one process's socket.
type Server struct {
	path   string
	owner  int                // uid of who may connect
	kin    func(pid int) bool // which of that user's processes may; nil for all
	handle Handler
	l      net.Listener
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	large  chan struct{} // held by whoever has a large request

	mu    sync.Mutex
	conns map[net.Conn]bool // nil once it is closed
}

// Listen opens a socket that the user owner alone can use, and this process's
// own user where they are the same. Where others have that user too, kin says of
// a process whether it may; nil lets all. It is called from many goroutines. A
// file that is left there is replaced.
func Listen(path string, owner int, kin func(pid int) bool, h Handler) (*Server, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("cannot open the agents' socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("cannot open the agents' socket: %w", err)
	}
	err = os.Chmod(path, 0o600)
	if err == nil && owner != os.Geteuid() {
		err = os.Chown(path, owner, -1)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open the agents' socket: %w", err), l.Close())
	}
	s := &Server{path: path, owner: owner, kin: kin, handle: h, l: l, conns: map[net.Conn]bool{}, large: make(chan struct{}, 1)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.wg.Go(s.accept)
	return s, nil
}

// Close ends the socket and all that is asked through it.
func (s *Server) Close() {
	s.cancel()
	_ = s.l.Close()
	s.mu.Lock()
	for c := range s.conns {
		_ = c.Close()
	}
	s.conns = nil
	s.mu.Unlock()
	s.wg.Wait()
}

func (s *Server) accept() {
	for {
		c, err := s.l.Accept()
		switch {
		case s.ctx.Err() != nil:
			if err == nil {
				_ = c.Close()
			}
			return
		case err != nil: // out of descriptors, most likely
			select {
			case <-time.After(50 * time.Millisecond):
			case <-s.ctx.Done():
			}
			continue
		}
		if why := s.admit(c); why != "" {
			_ = c.SetWriteDeadline(time.Now().Add(time.Millisecond)) // it fits into the socket's buffer
			_ = json.NewEncoder(c).Encode(&Reply{Error: why})
			_ = c.Close()
			continue
		}
		s.wg.Go(func() { s.serve(c) })
	}
}

// admit says why a connection is refused.
func (s *Server) admit(c net.Conn) string {
	uid, pid, err := peer(c)
	switch {
	case err != nil:
		return "cannot find out who asks: " + err.Error()
	case uid != s.owner:
		return fmt.Sprintf("this socket is for the user %d", s.owner)
	case s.kin != nil && !s.kin(pid):
		return "this socket is for an agent's process, and for what descends from it: this one does not, or has left its session and lost its parent"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.conns) >= maxClients {
		return fmt.Sprintf("a process may have %d connections", maxClients)
	}
	if s.conns != nil {
		s.conns[c] = true
	}
	return ""
}

// serve answers one connection's requests, in their order. While one is
// answered the next is read already: so the connection's end is noticed.
func (s *Server) serve(c net.Conn) {
	ctx, cancel := context.WithCancel(s.ctx)
	lines := make(chan line)
	var reader sync.WaitGroup
	reader.Go(func() {
		defer cancel()
		s.read(ctx, c, lines)
	})
	defer func() {
		cancel()
		_ = c.Close()
		reader.Wait()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()
	for {
		select {
		case l := <-lines:
			ok := s.answer(ctx, c, l.text)
			if l.large {
				<-s.large
			}
			if !ok {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// A line is one of a client's. A large one holds the server's place for those.
type line struct {
	text  []byte
	large bool
}

// read hands over a connection's lines until it ends or writes what is too
// long.
func (s *Server) read(ctx context.Context, c net.Conn, lines chan<- line) {
	in := bufio.NewReader(c)
	for {
		l, err := s.next(ctx, c, in)
		if err == nil {
			select {
			case lines <- l:
				continue
			case <-ctx.Done():
			}
		}
		if l.large {
			<-s.large
		}
		return
	}
}

var errLong = errors.New("a request is too long")

func (s *Server) next(ctx context.Context, c net.Conn, in *bufio.Reader) (l line, err error) {
	for {
		part, err := in.ReadSlice('\n')
		l.text = append(l.text, part...)
		switch {
		case err == nil:
			_ = c.SetReadDeadline(time.Time{})
			return l, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return l, err
		case len(l.text) > MaxLine:
			return l, errLong
		case len(l.text) > smallLine && !l.large:
			select {
			case s.large <- struct{}{}:
				l.large = true
			case <-ctx.Done():
				return l, ctx.Err()
			}
			if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
				return l, err
			}
		}
	}
}

// answer has one line answered, and says whether the connection goes on.
func (s *Server) answer(ctx context.Context, c net.Conn, text []byte) bool {
	var r Request
	reply := func(x *Reply) error {
		x.ID = r.ID
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(x); err != nil {
			return err
		}
		if err := c.SetWriteDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		_, err := c.Write(out.Bytes())
		return err
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return reply(&Reply{Error: "this is no request: " + err.Error()}) == nil
	}
	if err := s.handle(ctx, &r, reply); err != nil {
		return reply(&Reply{Error: err.Error()}) == nil
	}
	return true
}
