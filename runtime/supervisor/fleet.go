// Package supervisor is the fleet: it starts, asks, restarts, hydrates, stops
// and reaps the processes that agents live in.
package supervisor

import (
	"context"
	"fmt"
	goruntime "runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// A driver brings asks to the agents of one process. Its methods do not block.
type driver interface {
	begin() // starts what can be started before the first ask
	begun() <-chan struct{}
	ask(batch []*agent.Observe)
	capture(tick int) error // keeps its files; errBusy where it still works on them
	strike(s agent.Strike)
	owes(id string) bool
	retire(id, reason string)
	stop(reason string, g graces)
	kill()
	done() <-chan struct{}
	status() Status
}

// A Fleet is the processes of one run. Ask, Await, Retire, Add, Substitute, Strike,
// Owes, Facts, Usages, Capture, Committed and Snapshot are for one goroutine, the
// engine's; Wake, Stop, Kill and Statuses are for any.
type Fleet struct {
	opts       Options
	starter    *starter
	disk       chan struct{} // held by who makes a workspace
	places     *places
	reaped     func() int
	inbox      inbox
	bell       chan struct{} // wakes who awaits answers, where no watcher does
	watchers   []*watcher
	watched    int // processes that were given a watcher
	processors int // GOMAXPROCS without watchers
	asks       map[*watcher][]ask
	ctx        context.Context
	cancel     context.CancelFunc
	wg         sync.WaitGroup // goroutines of the drivers
	once       sync.Once      // Stop
	recording  time.Duration  // how long a tool may take to record its answer
	closing    atomic.Bool    // all is stopped; what processes left is looked for once they are gone
	swept      atomic.Int64
	cpu        atomic.Int64 // nanoseconds of the processes that are gone
	groups     atomic.Int64 // control groups that were made
	owned      atomic.Bool  // processes have users of their own
	watchdog   watchdog
	killed     int

	mu       sync.Mutex
	drivers  []driver
	programs []*Program        // that may still run
	persons  map[string]*human // by agent
	facts    []Fact
	usages   []Usage
	billed   []*Spec // those that have a bill
	kept     []int   // ticks of checkpoints, ascending

	// epoch counts the calls of Facts; committed is the epoch up to which the
	// log holds everything.
	epoch, committed atomic.Int64
	began            time.Time
	written          atomic.Int64 // when the newest observe was, in nanoseconds from began
	resumed          atomic.Bool  // some process was there before
	lastTick         atomic.Int64 // the newest committed tick
	copying          sync.Mutex   // held while observes are copied that may not be committed

	capture []*post        // asked since their files were last kept
	tell    []*post        // asked since their states were last told
	park    []*post        // asked in the tick, and parked after it
	turn    string         // whose it is that is about to be committed, in realtime; empty for nobody's
	held    []agent.Answer // that came while something else was waited for
	byAgent map[string]*post
	byRef   []*post // what byAgent says of those asked before, by Ref
	touched []*post
}

// A post is where the observes of a process's agents go.
type post struct {
	driver
	resident *resident // the driver, where a watcher asks it; else nil
	follow   follow    // what is to be done once it was asked
	noted    follow    // of that, what is noted already
	batch    []*agent.Observe
}

// New makes a fleet; nothing runs until Start. It must be stopped.
func New(opts Options) *Fleet {
	if opts.Patience == 0 {
		opts.Patience = 60 * time.Second
	}
	sealFiles()
	f := &Fleet{
		opts: opts, began: time.Now(),
		starter: newStarter(opts.Dir.Dir), recording: recordPatience,
		disk:    make(chan struct{}, starters),
		reaped:  holdReaper(),
		bell:    make(chan struct{}, 1),
		asks:    map[*watcher][]ask{},
		byAgent: map[string]*post{},
		persons: map[string]*human{},
	}
	f.watchdog.fleet = f
	f.lastTick.Store(int64(opts.Last))
	f.places, f.kept = newPlaces(opts.Residents, opts.Memory), slices.Clone(opts.Kept)
	f.ctx, f.cancel = context.WithCancel(context.Background())
	f.inbox.wake = f.ring
	return f
}

// Start starts all processes side by side and waits until each is ready or has
// failed its first try, which is no error: it is tried again when asked.
func (f *Fleet) Start(ctx context.Context, specs []Spec) error {
	if !f.opts.Goroutines {
		f.watch(len(specs))
	}
	if err := f.dropAhead(); err != nil {
		return fmt.Errorf("cannot go back to the last committed tick: %w", err)
	}
	added := f.add(specs)
	for _, d := range added {
		d.begin()
	}
	for _, d := range added {
		select {
		case <-d.begun():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Add starts processes of agents that came later and does not wait.
func (f *Fleet) Add(specs []Spec) {
	for _, d := range f.add(specs) {
		d.begin()
	}
}

func (f *Fleet) add(specs []Spec) []driver {
	added := make([]driver, len(specs))
	for i, s := range specs {
		to := &post{follow: s.follow()}
		if s.Past {
			f.resumed.Store(true)
		}
		switch {
		case s.Kind.Recorded:
			to.driver = newRecorded(f, s)
		case s.Kind.Human:
			to.driver = f.seat(s)
		case s.Kind.PerTurn:
			to.driver = newTurns(f, s)
		default:
			p := newResident(f, s)
			to.driver = p
			if p.home != nil {
				to.resident = p
			}
		}
		added[i] = to.driver
		for _, a := range s.Agents {
			f.byAgent[a.Agent] = to
		}
	}
	f.mu.Lock()
	for i := range specs {
		if specs[i].Bill != nil {
			f.billed = append(f.billed, &specs[i])
		}
	}
	f.drivers = append(f.drivers, added...)
	f.mu.Unlock()
	return added
}

// Substitute lets the process of spec answer for its agent from now on; the
// agent's own process is done with it.
func (f *Fleet) Substitute(spec Spec) {
	id := spec.Agents[0].Agent
	if old := f.byAgent[id]; old != nil {
		old.retire(id, "substituted")
	}
	f.Add([]Spec{spec})
	clear(f.byRef)
}

// Ask puts each observe to its agent. It does not block; exactly one answer
// comes for each from Await, while the fleet is not stopped. The observes and
// what they hold must not change until Committed of their tick has returned,
// nor ever where the clock is realtime.
func (f *Fleet) Ask(batch []*agent.Observe) {
	for _, o := range batch {
		to := f.postOf(o)
		if len(to.batch) == 0 {
			f.touched = append(f.touched, to)
		}
		to.batch = append(to.batch, o)
	}
	for _, to := range f.touched {
		if to.follow != to.noted {
			f.note(to)
		}
		if p := to.resident; p != nil {
			batch := to.batch
			if f.opts.Realtime { // there may be another before its watcher has come to this one
				batch = slices.Clone(batch)
			}
			f.asks[p.home] = append(f.asks[p.home], ask{p, batch})
		} else {
			to.ask(to.batch)
		}
		to.batch = to.batch[:0]
	}
	f.touched = f.touched[:0]
	for _, w := range f.watchers {
		if asks := f.asks[w]; len(asks) > 0 {
			w.put(asks)
			f.asks[w] = asks[:0]
		}
	}
}

// postOf finds where an observe goes.
func (f *Fleet) postOf(o *agent.Observe) *post {
	if o.Ref <= 0 {
		return f.byAgent[o.Agent]
	}
	if n := o.Ref + 1 - len(f.byRef); n > 0 {
		f.byRef = append(f.byRef, make([]*post, n)...)
	}
	if f.byRef[o.Ref] == nil {
		f.byRef[o.Ref] = f.byAgent[o.Agent]
	}
	return f.byRef[o.Ref]
}

// watch starts the watchers. Each holds one of Go's processors much of the
// time, but for the first, so that there are as many more of those while they
// are there.
func (f *Fleet) watch(processes int) {
	if f.watchers = newWatchers(f, processes); len(f.watchers) == 0 {
		return
	}
	f.processors = goruntime.GOMAXPROCS(0)
	goruntime.GOMAXPROCS(f.processors + len(f.watchers) - 1)
}

// headStart is how many processes more than the first watcher each other has:
// about as many as can be asked while the loop does the rest of a tick.
const headStart = 2

// pipesFor says who serves the next process's pipes; w is nil where that is no
// watcher.
func (f *Fleet) pipesFor() (e pipeIO, w *watcher) {
	if len(f.watchers) == 0 {
		return pumped{}, nil
	}
	n, rest := f.watched, len(f.watchers)-1
	if f.watched++; n < headStart*rest {
		w = f.watchers[1+n%rest]
	} else {
		w = f.watchers[(n-headStart*rest)%len(f.watchers)]
	}
	return w, w
}

// Await waits until some answers have come and gives them, in any order; none
// once ctx has ended, or after Wake. They are the caller's until the next call. Where
// watchers serve the pipes, the caller's thread does one's work meanwhile.
func (f *Fleet) Await(ctx context.Context) []agent.Answer {
	if len(f.held) > 0 {
		held := f.held
		f.held = nil
		return held
	}
	if len(f.watchers) > 0 {
		return f.watchers[0].host(ctx)
	}
	return f.inbox.wait(ctx, f.bell)
}

// ring wakes who awaits answers.
func (f *Fleet) ring() {
	if len(f.watchers) > 0 {
		f.watchers[0].ring()
		return
	}
	select {
	case f.bell <- struct{}{}:
	default: // it was rung and not heard yet
	}
}

// Wake makes Await return, the one that waits or the next, with the answers
// that are there, or none. Any goroutine may call it.
func (f *Fleet) Wake() { f.inbox.nudge() }

// deliver hands answers to who awaits them. It never blocks.
func (f *Fleet) deliver(list []agent.Answer) { f.inbox.put(list) }

// Retire ends agents that are never asked again: each is sent stop, and a
// process ends with its last agent.
func (f *Fleet) Retire(ids []string, reason string) {
	for _, id := range ids {
		if d := f.byAgent[id]; d != nil {
			d.retire(id, reason)
			delete(f.byAgent, id)
		}
	}
}

// Owes says whether an agent's process still owes an answer whose deadline has
// passed. When that changes there is a fact.
func (f *Fleet) Owes(id string) bool {
	d := f.byAgent[id]
	return d != nil && d.owes(id)
}

// Committed says that the record which took the last Facts is acknowledged, that
// of a tick.
func (f *Fleet) Committed(tick int) {
	f.lastTick.Store(int64(tick))
	f.copying.Lock() // who copies observes is through with them then
	f.committed.Store(f.epoch.Load())
	f.copying.Unlock()
	if to := f.byAgent[f.turn]; to != nil {
		if p, ok := to.driver.(*resident); ok {
			p.onRecord(f.turn)
		}
	}
	f.turn = ""
	f.park = slices.DeleteFunc(f.park, func(to *post) bool {
		done := to.driver.(*resident).turned()
		if done {
			to.noted &^= followPark
		}
		return done
	})
}

// Statuses lists the processes in the order they were added.
func (f *Fleet) Statuses() []Status {
	drivers := f.all()
	list := make([]Status, len(drivers))
	for i, d := range drivers {
		list[i] = d.status()
	}
	return list
}

// all is every driver so far. Drivers note facts, which takes mu, while they
// hold their own locks: so none may be called with mu held.
func (f *Fleet) all() []driver {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.drivers)
}
