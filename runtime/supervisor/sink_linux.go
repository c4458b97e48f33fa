package supervisor

import (
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// A watchedSink is a child's stdin. Writing never blocks the caller: what the
// pipe does not take at once is written by the watcher, as it takes it.
type watchedSink struct {
	w  *watcher
	fd int

	mu      sync.Mutex
	rest    []byte // still to be written
	c       *conn  // set while the watcher waits for room
	waiting bool   // c is set, or about to be
	closing bool   // no more is taken; closed once all is written
	closed  bool
}

// write implements sink.
func (s *watchedSink) write(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return
	}
	if len(s.rest) > 0 {
		s.rest = append(s.rest, b...)
		return
	}
	if n := writeSome(s.fd, b); n < len(b) {
		s.rest = append(s.rest[:0], b[n:]...)
		s.wait()
	}
}

// wait has the watcher go on once there is room. mu is held.
func (s *watchedSink) wait() {
	if s.waiting {
		return
	}
	s.waiting = true
	s.w.post(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.c = s.w.add(s.fd, unix.EPOLLOUT, s.more); s.c == nil {
			s.closing, s.rest, s.waiting = true, nil, false
			s.shut()
		}
	})
}

// more writes what there is room for. On the watcher's thread.
func (s *watchedSink) more() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest = s.rest[writeSome(s.fd, s.rest):]
	if len(s.rest) > 0 {
		return
	}
	s.rest, s.waiting = nil, false
	if s.closing {
		s.w.drop(s.c)
		s.closed = true
	} else {
		s.w.forget(s.c)
	}
	s.c = nil
}

// finish implements sink.
func (s *watchedSink) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	if len(s.rest) == 0 && !s.waiting {
		s.shut()
	}
}

// close implements sink.
func (s *watchedSink) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing, s.rest = true, nil
	if !s.waiting {
		s.shut()
		return
	}
	s.w.post(func() { // after what wait posted
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.c != nil {
			s.w.drop(s.c)
			s.c, s.closed = nil, true
		}
	})
}

// shut closes the pipe, which nobody waits for. mu is held.
func (s *watchedSink) shut() {
	if !s.closed {
		s.closed = true
		_ = unix.Close(s.fd)
	}
}

// writeSome writes what a pipe takes without waiting; all of it counts as
// taken when nobody will ever read it.
func writeSome(fd int, b []byte) (n int) {
	for n < len(b) {
		m, errno := writePipe(fd, b[n:])
		switch errno {
		case 0:
			n += m
		case syscall.EINTR:
		case syscall.EAGAIN:
			return n
		default:
			return len(b)
		}
	}
	return n
}
