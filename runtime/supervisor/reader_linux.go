package supervisor

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// A reader takes what a child writes to one pipe, on its watcher's thread.
type reader struct {
	w     *watcher
	fd    int
	c     *conn // nil once it has ended
	take  func(chunk []byte)
	ended func()
}

// watch reads a pipe of a child from now on. On the watcher's thread. A pipe
// that cannot be waited for has ended: what becomes of its child is told.
func (w *watcher) watch(r *reader) {
	r.w = w
	if r.c = w.add(r.fd, unix.EPOLLIN, func() { r.read(aLittle) }); r.c == nil {
		_ = unix.Close(r.fd)
		r.ended()
	}
}

// aLittle is what is read of a process in one go that has not been waited for,
// in bytes: one that floods does not hold up others, but waits for its turn.
const aLittle = 8 << 10

// read reads once, at most so many bytes, and reports whether there was
// anything, its end included.
func (r *reader) read(most int) bool {
	if r.c == nil {
		return false
	}
	for {
		n, errno := readPipe(r.fd, r.w.buf[:most])
		switch {
		case errno == syscall.EINTR:
			continue
		case errno == syscall.EAGAIN:
			return false
		case errno == 0 && n > 0:
			r.take(r.w.buf[:n])
			return true
		}
		r.end()
		return true
	}
}

// drain takes what a dead child has left in the pipe, and ends.
func (r *reader) drain() {
	for total := 0; total < lastDrain && r.c != nil; total += len(r.w.buf) {
		if !r.read(len(r.w.buf)) {
			break
		}
	}
	r.end()
}

func (r *reader) end() {
	if r.c != nil {
		r.w.drop(r.c)
		r.c = nil
		r.ended()
	}
}
