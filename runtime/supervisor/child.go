package supervisor

import (
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/troupe-dev/troupe/workspace"
)

// A child is one running OS process of a fleet with its three pipes. It is
// gone once it is dead, collected, and all that it wrote is read; its
// descendants may hold the pipes open beyond that, and are not waited for.
type child struct {
	pid       int                    // 0 where it is no process but a program elsewhere (called.go)
	cut       func()                 // ends the connection to such a program
	unheard   func() bool            // what such a program was told last never reached it
	from      string                 // where such a program is; empty for a process
	lost      string                 // why the connection to it has ended, once it is gone
	dismissed atomic.Pointer[string] // why it is ended, where that is no fault of its; else nil

	tag  tag   // of all that it starts; 0 for nothing
	uid  int   // the user that it and all that it starts have for themselves; 0 for none
	bond *bond // nil for no limits
	in   sink
	out  *reader // of stdout, where a watcher reads it; else nil

	kept bool // on its watcher's core; guarded by its resident's mu

	status syscall.WaitStatus     // valid once gone is closed
	cpu    time.Duration          // what it has taken with those that it has waited for; valid then too
	passed atomic.Pointer[excess] // the limit that it is killed for
	stops  stops
	parts  atomic.Int32 // of dying: exit, stdout's end, stderr's end
	onGone func(*child)
	gone   chan struct{}
	swept  chan struct{} // of a resident's: closed once it is gone, and all that it has left
}

// A death is how a process has ended.
type death struct {
	status syscall.WaitStatus
	cpu    time.Duration // what it has taken, with those that it has waited for
}

// took notes what the system says of the processor.
func (d *death) took(used *syscall.Rusage) {
	d.cpu = time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// A handler takes what a child writes. Each method is called from one
// goroutine; the slices are valid only during the call.
type handler struct {
	stdout func(chunk []byte) // as it comes
	ended  func()             // stdout has ended
	stderr func(chunk []byte) // as it comes
	gone   func(*child)       // the child is gone; must not block
}

// A launch is what a process is started with.
type launch struct {
	workspace.Command
	secret string // what it finds at secretDescriptor; empty for nothing
	of     string // the Spec.ID whose process it is; empty for none of those
}

// spawn starts a process, and has its pipes served. It returns once the program
// is executed: one that cannot be is an error, whoever finds it.
func (s *starter) spawn(l launch, e pipeIO, h handler) (*child, error) {
	p, err := openPipes()
	if err != nil {
		return nil, err
	}
	w, err := l.wrap(p.theirs())
	defer w.release()
	if err != nil {
		closeAll(p.child)
		closeAll(p.ours)
		return nil, err
	}
	c := &child{tag: s.brand.tag(s.tags.Add(1)), uid: l.Confinement.UID, gone: make(chan struct{}), swept: make(chan struct{}), onGone: h.gone}
	var left func()
	c.parts.Store(3)
	started := make(chan struct{}) // the child may be dead before start returns
	pid, err := s.start(&w, c.tag, &syscall.ProcAttr{
		Dir: l.Dir, Env: l.Env, Files: w.files, Sys: ownGroup(),
	}, func(d death) {
		<-started
		if left == nil {
			return // it did not become the program
		}
		c.status, c.cpu = d.status, d.cpu
		c.in.close()
		left()
		c.part()
	})
	closeAll(p.child)
	if err != nil {
		close(started)
		closeAll(p.ours)
		return nil, fmt.Errorf("cannot start %s: %w", l.Argv[0], err)
	}
	c.pid = pid
	c.in, left = e.open(c, p.ours, h)
	close(started)
	return c, nil
}

// part counts one of the three ways to be gone.
func (c *child) part() {
	if c.parts.Add(-1) == 0 {
		close(c.gone)
		c.onGone(c)
	}
}

// stops counts who wants a child to stand still.
type stops struct {
	mu    sync.Mutex
	n     int
	stood bool // somebody else had stopped it before: it is theirs to wake
}

// stop has the child's group stand still until goOn is called as often.
func (c *child) stop() {
	c.stops.mu.Lock()
	defer c.stops.mu.Unlock()
	if c.stops.n == 0 {
		c.stops.stood = halted(c.pid)
	}
	c.stops.n++
	c.signal(syscall.SIGSTOP)
}

// goOn undoes a stop.
func (c *child) goOn() {
	c.stops.mu.Lock()
	defer c.stops.mu.Unlock()
	if c.stops.n--; c.stops.n == 0 && !c.stops.stood {
		c.signal(syscall.SIGCONT)
	}
}

// signal sends a signal to the child's whole process group. The group may
// outlive the child: stragglers in it are hit too.
func (c *child) signal(sig syscall.Signal) {
	if c.pid != 0 {
		_ = syscall.Kill(-c.pid, sig)
	} else if sig == syscall.SIGTERM || sig == syscall.SIGKILL {
		c.cut()
	}
}

// killGroup kills what is left of a dead child's process group.
func killGroup(c *child) { c.signal(syscall.SIGKILL) }
