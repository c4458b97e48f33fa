package supervisor

import (
	"errors"
	"os"
	goruntime "runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// A watcher is a thread that does all reading from some of a fleet's
// processes, and hands asks to them. There is one a core: what was asked
// together is written in one go and read in order, so that the thread sleeps
// for the first answers and finds the others there.
//
// All of its fields but the inbox belong to the thread.
type watcher struct {
	core  int
	epoll int
	bell  int // an eventfd: something is in the inbox
	done  chan struct{}
	fleet *Fleet

	conns   map[uint64]*conn
	next    uint64
	buf     []byte
	expect  []*resident // who was asked, in order
	answers []agent.Answer

	mu     sync.Mutex
	rung   bool // the bell was rung and not heard yet
	inbox  []func()
	asks   []ask
	closed bool
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

// mostReads is how often one process is read in a row: one that floods does not hold up others.
const mostReads = 16

// orderPatience is how long the answers that are there wait for the next in order.
const orderPatience = time.Millisecond

// newWatchers makes one for each core that this process may use.
func newWatchers(f *Fleet) []*watcher {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return nil
	}
	var all []*watcher
	for core := 0; core < len(set)*64 && len(all) < set.Count(); core++ {
		if !set.IsSet(core) {
			continue
		}
		if w, err := newWatcher(f, core); err == nil { // else goroutines do
			all = append(all, w)
		}
	}
	return all
}

func newWatcher(f *Fleet, core int) (*watcher, error) {
	w := &watcher{core: core, fleet: f, conns: map[uint64]*conn{}, buf: make([]byte, 64<<10), done: make(chan struct{})}
	var err error
	if w.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, err
	}
	if w.bell, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		_ = unix.Close(w.epoll)
		return nil, err
	}
	if w.add(w.bell, unix.EPOLLIN, w.hear) == nil {
		_ = unix.Close(w.bell)
		_ = unix.Close(w.epoll)
		return nil, errors.New("the kernel takes no more to wait for")
	}
	go w.run()
	return w, nil
}

// post has do called on the thread. It never blocks.
func (w *watcher) post(do func()) {
	w.mu.Lock()
	w.inbox = append(w.inbox, do)
	w.ring()
	w.mu.Unlock()
}

// ring wakes the thread, once for all that comes until it hears. mu is held.
func (w *watcher) ring() {
	if !w.rung {
		w.rung = true
		_, _ = unix.Write(w.bell, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // it can hold as many as there may be
	}
}

// put hands asks over; the watcher calls the processes' ask.
func (w *watcher) put(asks []ask) {
	w.mu.Lock()
	w.asks = append(w.asks, asks...)
	w.ring()
	w.mu.Unlock()
}

// close ends the thread once no process is left to it, and waits for that.
func (w *watcher) close() {
	w.post(func() { w.closed = true })
	<-w.done
}

func (w *watcher) run() {
	goruntime.LockOSThread() // never unlocked: its affinity is its own
	pinThread(w.core)
	events := make([]unix.EpollEvent, 128)
	defer func() {
		_ = unix.Close(w.bell)
		_ = unix.Close(w.epoll)
		close(w.done)
	}()
	for !w.closed || len(w.conns) > 1 {
		w.inOrder()
		w.flush()
		n, err := unix.EpollWait(w.epoll, events, -1)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			panic("supervisor: epoll_wait: " + err.Error()) // only a descriptor that is none fails
		}
		for _, e := range events[:max(n, 0)] {
			if c := w.conns[uint64(uint32(e.Fd))|uint64(uint32(e.Pad))<<32]; c != nil {
				c.ready()
			}
		}
	}
}

// hear does what was posted, and puts what was asked.
func (w *watcher) hear() {
	var count [8]byte
	_, _ = unix.Read(w.bell, count[:])
	w.mu.Lock()
	inbox, asks := w.inbox, w.asks
	w.inbox, w.asks, w.rung = nil, nil, false
	w.mu.Unlock()
	for _, do := range inbox {
		do()
	}
	for _, a := range asks {
		a.p.ask(a.batch)
		w.gather(a.p)
		w.expect = append(w.expect, a.p)
	}
}

// inOrder reads the answers of who was asked, one after the other. Who takes
// long is left to epoll.
func (w *watcher) inOrder() {
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
	for range mostReads {
		r := p.owing()
		if r == nil {
			return true
		}
		if r.read() {
			continue
		}
		fds := []unix.PollFd{{Fd: int32(r.fd), Events: unix.POLLIN}, {Fd: int32(w.bell), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, int(orderPatience.Milliseconds()))
		if n == 0 || err != nil && !errors.Is(err, syscall.EINTR) {
			return false
		}
		if fds[1].Revents != 0 {
			w.hear()
		}
	}
	return true
}

// gather takes a process's answers to be delivered together.
func (w *watcher) gather(p *resident) { w.answers = p.takeAnswers(w.answers) }

func (w *watcher) flush() {
	if len(w.answers) > 0 {
		w.fleet.deliver(w.answers)
		w.answers = nil
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

// keep keeps a process on the watcher's core, next to who it talks with: a
// context switch on one core costs less than a wake-up on another. One with
// several threads would only be hindered.
func (w *watcher) keep(pid int) {
	threads, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/task")
	if err != nil || len(threads) != 1 {
		return
	}
	var set unix.CPUSet
	set.Set(w.core)
	_ = unix.SchedSetaffinity(pid, &set)
}

// pinThread keeps the calling thread on a core, where that is allowed.
func pinThread(core int) {
	var set unix.CPUSet
	set.Set(core)
	_ = unix.SchedSetaffinity(0, &set)
}
