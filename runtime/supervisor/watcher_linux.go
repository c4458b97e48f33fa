package supervisor

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// A watcher is a thread that does all reading from some of a fleet's
// processes, and hands asks to them. There is one a core: what was asked
// together is written in one go and read in order, so that the thread sleeps
// for the first answers and finds the others there.
//
// Who awaits the fleet's answers does the work of the first one meanwhile, on
// a thread of its own (see host): so that a tick of few processes needs no
// thread to be woken.
type watcher struct {
	core  int
	cores unix.CPUSet // that this process may use
	epoll int
	bell  int // an eventfd: wakes who waits for the epoll
	done  chan struct{}
	fleet *Fleet

	served atomic.Int64  // counts the calls of host
	wanted atomic.Bool   // host waits for own
	hurry  chan struct{} // ends standing by

	// own is held by who does the work. It guards what follows, up to mu.
	own    sync.Mutex
	heeded context.Context // that host was last called with
	ignore func() bool     // stops heeding it
	spare  []ask
	// wantedCore is how often more the thread does not stay awake, since others
	// want its core.
	wantedCore int
	events     []unix.EpollEvent
	conns      map[uint64]*conn
	next       uint64
	buf        []byte
	expect     []*resident // who was asked, in order
	answers    []agent.Answer

	closed bool

	some   atomic.Bool // something was posted or asked
	asleep atomic.Bool // the bell is to be rung
	mu     sync.Mutex
	posted []func()
	asks   []ask
	ended  bool // there is no bell any more
}

// An ask is a batch on its way to its process.
type ask struct {
	p     *resident
	batch []*agent.Observe
}

// A conn is one end of a pipe that the watcher waits for.
type conn struct {
	fd    int
	id    uint64
	ready func() // on the watcher's thread
}

// newWatchers makes one for each core that this process may use, but no more
// than there are processes.
func newWatchers(f *Fleet, processes int) []*watcher {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return nil
	}
	var all []*watcher
	for core := 0; core < len(set)*64 && len(all) < min(set.Count(), max(processes, 1)); core++ {
		if !set.IsSet(core) {
			continue
		}
		if w, err := newWatcher(f, core, set); err == nil { // else goroutines do
			all = append(all, w)
		}
	}
	return all
}

func newWatcher(f *Fleet, core int, cores unix.CPUSet) (*watcher, error) {
	w := &watcher{core: core, cores: cores, fleet: f, events: make([]unix.EpollEvent, 128), hurry: make(chan struct{}, 1), conns: map[uint64]*conn{}, buf: make([]byte, 64<<10), done: make(chan struct{})}
	var err error
	if w.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, err
	}
	if w.bell, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		_ = unix.Close(w.epoll)
		return nil, err
	}
	if w.add(w.bell, unix.EPOLLIN, w.hush) == nil {
		_ = unix.Close(w.bell)
		_ = unix.Close(w.epoll)
		return nil, errors.New("the kernel takes no more to wait for")
	}
	go w.run()
	return w, nil
}

// post has do called by who does the work. It never blocks.
func (w *watcher) post(do func()) {
	w.mu.Lock()
	w.posted = append(w.posted, do)
	w.mu.Unlock()
	w.rouse()
}

// put hands asks over; the watcher calls the processes' ask.
func (w *watcher) put(asks []ask) {
	w.mu.Lock()
	w.asks = append(w.asks, asks...)
	w.mu.Unlock()
	w.rouse()
}

// rouse says that something is to be heard.
func (w *watcher) rouse() {
	w.some.Store(true)
	if w.asleep.Load() {
		w.ring()
	}
}

// ring wakes who waits for the epoll, now or next.
func (w *watcher) ring() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return
	}
	_, _ = unix.Write(w.bell, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // it can hold as many as there may be
}

// close ends the thread once no process is left to it, and waits for that.
func (w *watcher) close() {
	w.post(func() { w.closed = true })
	w.resume()
	<-w.done
}

// gather takes a process's answers to be delivered together.
func (w *watcher) gather(p *resident) { w.answers = p.takeAnswers(w.answers) }

func (w *watcher) flush() {
	if len(w.answers) > 0 {
		w.fleet.deliver(w.answers)
		clear(w.answers)
		w.answers = w.answers[:0]
	}
}

// add waits for a descriptor; nil where the kernel has no room for it. On the
// thread, or before it runs.
func (w *watcher) add(fd int, events uint32, ready func()) *conn {
	c := &conn{fd: fd, id: w.next, ready: ready}
	w.next++
	w.conns[c.id] = c
	e := unix.EpollEvent{Events: events, Fd: int32(uint32(c.id)), Pad: int32(uint32(c.id >> 32))}
	if err := unix.EpollCtl(w.epoll, unix.EPOLL_CTL_ADD, fd, &e); err != nil {
		delete(w.conns, c.id)
		return nil
	}
	return c
}

// forget stops waiting for a descriptor.
func (w *watcher) forget(c *conn) {
	delete(w.conns, c.id)
	_ = unix.EpollCtl(w.epoll, unix.EPOLL_CTL_DEL, c.fd, nil)
}

// drop stops waiting for a descriptor and closes it.
func (w *watcher) drop(c *conn) {
	w.forget(c)
	_ = unix.Close(c.fd)
}

// open implements pipeIO.
func (w *watcher) open(c *child, fds [3]int, h handler) (in sink, left func()) {
	out := &reader{fd: fds[1], take: h.stdout, ended: func() { h.ended(); c.part() }}
	log := &reader{fd: fds[2], take: h.stderr, ended: c.part}
	c.out = out
	w.post(func() {
		w.watch(out)
		w.watch(log)
	})
	return &watchedSink{w: w, fd: fds[0]}, func() {
		w.post(func() {
			out.drain()
			log.drain()
			w.flush()
		})
	}
}
