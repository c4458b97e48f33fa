package supervisor

import (
	"errors"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// mostReads is how often one process is read in a row before it is left to
	// epoll.
	mostReads = 2
	// orderPatience is how long the answers that are there wait for the next in
	// order.
	orderPatience = time.Millisecond
	// awake is how long a thread looks for more to do before it sleeps: about
	// as long as what comes between two ticks of few agents takes. It gives way
	// to whoever wants its core.
	awake = 300 * time.Microsecond
	// taken is how long others may have had a core before it counts as wanted,
	// and unawake how often a thread then sleeps at once.
	taken   = 50 * time.Microsecond
	unawake = 100
)

// round does all that there is to do, and reports whether it was anything.
func (w *watcher) round() bool {
	worked := w.hear()
	w.inOrder()
	w.events = w.events[:cap(w.events)]
	n, err := unix.EpollWait(w.epoll, w.events, 0)
	worked = w.handle(n, err) || worked
	w.flush()
	return worked
}

// handle deals with what an epoll_wait found.
func (w *watcher) handle(n int, err error) bool {
	if err != nil && !errors.Is(err, syscall.EINTR) {
		panic("supervisor: epoll_wait: " + err.Error()) // only a descriptor that is none fails
	}
	for _, e := range w.events[:max(n, 0)] {
		if c := w.conns[uint64(uint32(e.Fd))|uint64(uint32(e.Pad))<<32]; c != nil {
			c.ready()
		}
	}
	return n > 0
}

// sleep waits for anything to do and does it.
func (w *watcher) sleep() {
	w.asleep.Store(true)
	n := 0
	var err error
	if !w.some.Load() && !w.wanted.Load() {
		n, err = unix.EpollWait(w.epoll, w.events, -1)
	}
	w.asleep.Store(false)
	w.handle(n, err)
	w.flush()
}

// linger looks whether something comes while the thread stays awake. Where
// others want its core that is no good: asleep, it is woken before they are
// done.
func (w *watcher) linger(come func() bool) bool {
	if w.wantedCore > 0 {
		w.wantedCore--
		return come()
	}
	start := time.Now()
	for now := start; now.Sub(start) < awake; {
		if come() {
			return true
		}
		giveWay()
		before := now
		if now = time.Now(); now.Sub(before) > taken {
			w.wantedCore = unawake
			return come()
		}
	}
	return false
}

// hush follows the bell.
func (w *watcher) hush() {
	var count [8]byte
	_, _ = unix.Read(w.bell, count[:])
}

// hear does what was posted, and puts what was asked.
func (w *watcher) hear() bool {
	if !w.some.Load() {
		return false
	}
	w.mu.Lock()
	posted, asks := w.posted, w.asks
	w.posted, w.asks = nil, w.spare[:0]
	w.some.Store(false)
	w.mu.Unlock()
	for _, do := range posted {
		do()
	}
	for i := range asks {
		p := asks[i].p
		p.ask(asks[i].batch)
		w.gather(p)
		w.expect = append(w.expect, p)
	}
	clear(asks)
	w.spare = asks
	return true
}

// inOrder reads the answers of who was asked, one after the other. Who takes
// long is left to epoll.
func (w *watcher) inOrder() {
	if len(w.expect) == 0 {
		return
	}
	for i := 0; i < len(w.expect); i++ {
		if !w.await(w.expect[i]) {
			break
		}
	}
	clear(w.expect)
	w.expect = w.expect[:0]
}

// await reads from a process until it owes nothing; it says whether the next
// one is to be awaited too.
func (w *watcher) await(p *resident) bool {
	for reads := 0; reads < mostReads; {
		r := p.owing()
		switch {
		case r == nil || r.c == nil:
			return true
		case r.read(len(w.buf)):
			reads++
		case !w.pause(r):
			return false
		}
	}
	return true
}

// pause sleeps until a process has said something; false if that takes long, or
// there is something else to do.
func (w *watcher) pause(r *reader) bool {
	fds := []unix.PollFd{{Fd: int32(r.fd), Events: unix.POLLIN}, {Fd: int32(w.bell), Events: unix.POLLIN}}
	w.asleep.Store(true)
	defer w.asleep.Store(false)
	if w.some.Load() {
		return false
	}
	n, err := unix.Poll(fds, int(orderPatience.Milliseconds()))
	return n > 0 && err == nil && fds[1].Revents == 0 || errors.Is(err, syscall.EINTR)
}
