package supervisor

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// Errors of Asked and Reply.
var (
	ErrNoPerson = errors.New("it is played by no person")
	ErrNotAsked = errors.New("not asked")
	ErrRetired  = errors.New("it has ended")
	ErrStopped  = errors.New("the run is over")
)

// A human drives an agent that is a person. There is no process that could die, be
// hit, or still be busy with what it was asked too long ago: what is not answered in
// time is taken back.
type human struct {
	fleet    *Fleet
	spec     Spec
	ready    chan struct{} // closed from the start
	finished chan struct{}

	mu      sync.Mutex
	open    *agent.Observe // a copy, never written to; nil while nothing is asked
	since   time.Time      // when it was asked, the last time
	asks    int            // how often because of deadlines, the first time included
	timer   *time.Timer    // of its deadline; nil for none
	changed chan struct{}  // closed once something else is asked, or nothing; made anew
	over    error          // why nothing is asked any more; nil while something may be
	before  string         // what became of what was asked last, for who comes too late
}

// seat makes the driver of a person's agent, where Asked and Reply find it.
func (f *Fleet) seat(s Spec) *human {
	h := &human{fleet: f, spec: s, ready: make(chan struct{}), finished: make(chan struct{}), changed: make(chan struct{})}
	close(h.ready)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.persons[h.id()] = h
	return h
}

func (h *human) id() string             { return h.spec.Agents[0].Agent }
func (h *human) begin()                 {}
func (h *human) begun() <-chan struct{} { return h.ready }
func (h *human) done() <-chan struct{}  { return h.finished }
func (h *human) kill()                  {}
func (h *human) strike(agent.Strike)    {}
func (h *human) owes(string) bool       { return false }
func (h *human) capture(int) error      { return nil }

func (h *human) status() Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := Status{ID: h.spec.ID, State: Ready, Agents: []string{h.id()}}
	if h.over != nil {
		s.State = Stopped
	}
	if errors.Is(h.over, ErrRetired) {
		s.Agents = nil
	}
	return s
}

func (h *human) ask(batch []*agent.Observe) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over != nil {
		return
	}
	o := cloneObserve(batch[0]) // the caller's memory lasts one tick; an agent has one turn at a time
	h.open, h.since, h.asks = o, time.Now(), 1
	if d := h.fleet.deadline(o); d > 0 {
		h.timer = time.AfterFunc(d, func() { h.expire(o) })
	}
	h.tell()
}

// tell wakes who waits for something else to be asked. mu is held.
func (h *human) tell() {
	close(h.changed)
	h.changed = make(chan struct{})
}

// expire follows the end of an ask's time. Where the policy of a missed deadline is
// to restart the process, a person is given the same time once more.
func (h *human) expire(o *agent.Observe) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d := h.fleet.deadline(o)
	switch {
	case h.open != o: // answered in the same moment
	case h.asks < h.spec.DeadlineAsks:
		h.asks++
		h.since = time.Now()
		h.timer.Reset(d)
		h.tell()
	default:
		h.settle(agent.Answer{Failure: agent.Deadline, Timed: true, Detail: fmt.Sprintf("no answer within %s", d)},
			fmt.Sprintf("the time for tick %d is over", o.Tick))
	}
}

// settle ends the open ask. mu is held.
func (h *human) settle(a agent.Answer, what string) {
	o := h.open
	a.Agent, a.Ref, a.Tick, a.Attempt, a.Marked = o.Agent, o.Ref, o.Tick, o.Attempt, o.Marked()
	h.takeBack(what)
	h.fleet.deliver([]agent.Answer{a})
}

// takeBack has nothing asked. mu is held.
func (h *human) takeBack(what string) {
	if h.timer != nil {
		h.timer.Stop()
	}
	h.open, h.timer, h.before = nil, nil, what
	h.tell()
}

func (h *human) retire(_, reason string) { h.end(fmt.Errorf("%w: %s", ErrRetired, reason)) }
func (h *human) stop(string, graces)     { h.end(ErrStopped) }

func (h *human) end(why error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over != nil {
		return
	}
	h.over = why
	h.takeBack("")
	close(h.finished)
}

// A Question is what a person is asked.
type Question struct {
	*agent.Observe               // not to be written to
	Config         []byte        // of the agent
	Left           time.Duration // of the deadline; 0 for none
}

// Asked gives what the person who plays an agent is asked, nil for nothing, and what
// is closed once that has changed. It may be called concurrently.
func (f *Fleet) Asked(id string) (q *Question, changed <-chan struct{}, err error) {
	h, err := f.person(id)
	if err != nil {
		return nil, nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over != nil {
		return nil, nil, h.over
	}
	if h.open != nil {
		q = &Question{Observe: h.open, Config: h.spec.Agents[0].Config}
		if d := f.deadline(h.open); d > 0 {
			q.Left = max(d-time.Since(h.since), time.Millisecond)
		}
	}
	return q, h.changed, nil
}

// Reply takes a person's answer to what is asked in a tick, at an attempt. What is not
// asked, or not any more, is ErrNotAsked: of several answers the first counts. It may
// be called concurrently.
func (f *Fleet) Reply(act agent.Act, attempt int) error {
	h, err := f.person(act.Agent)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch o := h.open; {
	case h.over != nil:
		return h.over
	case o == nil:
		return fmt.Errorf("%w: %s", ErrNotAsked, cmp.Or(h.before, "nothing was yet"))
	case o.Tick != act.Tick || o.Attempt != attempt:
		return fmt.Errorf("%w: what is asked is tick %d, attempt %d", ErrNotAsked, o.Tick, o.Attempt)
	}
	h.settle(agent.Answer{Act: act, Took: time.Since(h.since)}, fmt.Sprintf("tick %d is answered", act.Tick))
	return nil
}

func (f *Fleet) person(id string) (*human, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if h := f.persons[id]; h != nil {
		return h, nil
	}
	return nil, ErrNoPerson
}
