package supervisor

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// pipes are the three pipes of a child, stdin's first: our ends never block a
// thread.
type pipes struct {
	ours, child [3]int
}

// sealFiles keeps the descriptors that this process was started with from its
// children: whoever started it may have left any open, and only those that Go
// opens are closed when a child begins.
func sealFiles() {
	entries, err := os.ReadDir(openFiles)
	if err != nil {
		return // no list, and no other way to know
	}
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
}

func openPipes() (p pipes, err error) {
	p = pipes{[3]int{-1, -1, -1}, [3]int{-1, -1, -1}}
	for i := range p.ours {
		r, w, err := pipe()
		if err != nil {
			closeAll(p.ours)
			closeAll(p.child)
			return p, fmt.Errorf("cannot make a pipe: %w", err)
		}
		p.ours[i], p.child[i] = r, w
		if i == 0 {
			p.ours[i], p.child[i] = w, r
		}
		_ = syscall.SetNonblock(p.ours[i], true)
	}
	return p, nil
}

func (p *pipes) theirs() []uintptr {
	return []uintptr{uintptr(p.child[0]), uintptr(p.child[1]), uintptr(p.child[2])}
}

func closeAll(fds [3]int) {
	for _, fd := range fds {
		if fd >= 0 {
			_ = syscall.Close(fd)
		}
	}
}

// pipeIO does the reading from a child's pipes, and the writing.
type pipeIO interface {
	// open takes our ends of a child's pipes over, stdin's first. What the
	// child writes goes to h, and each of the two ends with c.part. The child is
	// dead when left is called: what it has left in the pipes is still taken.
	open(c *child, fds [3]int, h handler) (in sink, left func())
}

// A sink is a child's stdin. Its methods never block and may be called
// concurrently. The child's death is noticed elsewhere, so errors are not
// reported.
type sink interface {
	write(b []byte) // after what was written before; b may be reused
	finish()        // closes the pipe once all is written
	close()         // closes the pipe at once
}

// pumped reads each pipe with a goroutine of its own: for those whose handlers
// may block, and for systems without a watcher.
type pumped struct{}

func (pumped) open(c *child, fds [3]int, h handler) (in sink, left func()) {
	stdout, stderr := os.NewFile(uintptr(fds[1]), "stdout"), os.NewFile(uintptr(fds[2]), "stderr")
	go func() {
		pump(stdout, h.stdout)
		h.ended()
		c.part()
	}()
	go func() {
		pump(stderr, h.stderr)
		c.part()
	}()
	return newOutbox(os.NewFile(uintptr(fds[0]), "stdin")), func() {
		interrupt(stdout)
		interrupt(stderr)
	}
}

// secretPipe is the reading end of a pipe that holds a secret and its end.
func secretPipe(value string) (fd int, err error) {
	r, w, err := pipe()
	if err != nil {
		return -1, fmt.Errorf("cannot make a pipe: %w", err)
	}
	defer func() { _ = syscall.Close(w) }()
	_ = syscall.SetNonblock(w, true)
	if n, err := syscall.Write(w, []byte(value)); err != nil || n < len(value) {
		_ = syscall.Close(r)
		return -1, fmt.Errorf("cannot pass a secret on: it has %d bytes, more than a pipe holds: %w", len(value), err)
	}
	return r, nil
}

// descriptorSecret is the secret that a process reads from a descriptor.
func descriptorSecret(s *Spec) string {
	for _, x := range s.Secrets {
		if x.Descriptor != "" {
			return x.Value
		}
	}
	return ""
}

// chunks are the buffers that pumps read into: held while there is something
// to read, so that a silent child costs none.
var chunks = sync.Pool{New: func() any { b := make([]byte, 64<<10); return &b }}

// lastDrain is how much a dead child's pipe is read at most: all that it can
// have held and a line, not what a surviving descendant goes on writing.
const lastDrain = agent.MaxLine + 1<<20

// pump reads f to its end, or until interrupt, and closes it.
func pump(f *os.File, take func(chunk []byte)) {
	defer func() { _ = f.Close() }()
	raw, err := f.SyscallConn()
	if err != nil {
		return
	}
	for {
		n, err := readChunk(raw, take, true)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil || n == 0 {
			return
		}
	}
	for total := 0; total < lastDrain; {
		n, err := readNow(raw, take)
		if err != nil || n <= 0 {
			return
		}
		total += n
	}
}

// readChunk reads once, waiting for something to read.
func readChunk(raw syscall.RawConn, take func([]byte), wait bool) (n int, err error) {
	rerr := raw.Read(func(fd uintptr) bool {
		n, err = readFD(fd, take)
		return !wait || !errors.Is(err, syscall.EAGAIN)
	})
	if rerr != nil {
		return 0, rerr
	}
	return n, err
}

// readNow reads what is there, past the interruption.
func readNow(raw syscall.RawConn, take func([]byte)) (n int, err error) {
	if cerr := raw.Control(func(fd uintptr) { n, err = readFD(fd, take) }); cerr != nil {
		return 0, cerr
	}
	return n, err
}

func readFD(fd uintptr, take func([]byte)) (int, error) {
	buf := chunks.Get().(*[]byte)
	defer chunks.Put(buf)
	for {
		n, err := syscall.Read(int(fd), *buf)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if n > 0 {
			take((*buf)[:n])
		}
		return n, err
	}
}

// interrupt makes the pump of f stop waiting.
func interrupt(f *os.File) { _ = f.SetReadDeadline(time.Unix(1, 0)) }

// An outbox is a child's stdin. Writing never blocks the caller: what the pipe
// does not take at once is written by a goroutine of the outbox.
type outbox struct {
	f  *os.File
	mu sync.Mutex
	// rest is what still has to be written, in pieces of which only the last
	// has room; flushing says that a goroutine is at it; closing that the pipe
	// closes after it.
	rest              [][]byte
	flushing, closing bool
}

// pieceSize is how many bytes of what is to be written are kept together: as
// many as a pipe holds.
const pieceSize = 64 << 10

func newOutbox(f *os.File) *outbox { return &outbox{f: f} }

// write queues b after what was written before. The child's death is noticed
// elsewhere, so errors are not reported. b may be reused after the call.
func (o *outbox) write(b []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closing {
		return
	}
	if o.flushing {
		o.queue(b)
		return
	}
	if n := o.writeNow(b); n < len(b) {
		o.queue(b[n:])
		o.flushing = true
		go o.flush()
	}
}

// queue puts b behind what still has to be written. A tick of many agents waits
// here: each piece is let go of as soon as the pipe has it.
func (o *outbox) queue(b []byte) {
	for len(b) > 0 {
		last := len(o.rest) - 1
		if last < 0 || len(o.rest[last]) == cap(o.rest[last]) {
			// A short line's piece is of its length.
			size := len(b)
			if size > pieceSize/2 || last >= 0 {
				size = pieceSize
			}
			o.rest = append(o.rest, make([]byte, 0, size))
			last++
		}
		piece := o.rest[last]
		n := min(len(b), cap(piece)-len(piece))
		o.rest[last] = append(piece, b[:n]...)
		b = b[n:]
	}
}

// writeNow writes what the pipe takes without waiting; all of it counts as
// taken when nobody will ever read it.
func (o *outbox) writeNow(b []byte) (n int) {
	raw, err := o.f.SyscallConn()
	if err != nil {
		return len(b)
	}
	werr := raw.Write(func(fd uintptr) bool {
		for n < len(b) {
			m, err := syscall.Write(int(fd), b[n:])
			switch {
			case errors.Is(err, syscall.EINTR):
			case errors.Is(err, syscall.EAGAIN):
				return true
			case err != nil:
				n = len(b)
			default:
				n += m
			}
		}
		return true
	})
	if werr != nil {
		return len(b)
	}
	return n
}

func (o *outbox) flush() {
	for {
		o.mu.Lock()
		if len(o.rest) == 0 {
			o.rest, o.flushing = nil, false
			if o.closing {
				_ = o.f.Close()
			}
			o.mu.Unlock()
			return
		}
		b := o.rest[0]
		o.rest[0] = nil
		o.rest = o.rest[1:]
		o.mu.Unlock()
		if _, err := o.f.Write(b); err != nil {
			o.mu.Lock()
			o.rest = nil
			o.mu.Unlock()
		}
	}
}

// finish closes the pipe once all is written.
func (o *outbox) finish() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closing {
		o.closing = true
		if !o.flushing {
			_ = o.f.Close()
		}
	}
}

// close closes the pipe at once.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closing = true
	o.rest = nil
	_ = o.f.Close()
}
