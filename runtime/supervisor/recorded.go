package supervisor

import (
	"fmt"
	"sync"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// A Source says what an agent answered at a tick of an earlier run: an act, or
// the failure that it ended the tick with. There is none where the agent was
// not asked then, or the run was over. It may be called concurrently and may
// block for as long as a disk takes.
type Source func(id string, tick int) (a agent.Answer, there bool, err error)

// recorded drives an agent that answers from an earlier run. There is no
// process that could be late, die, or be hit.
type recorded struct {
	fleet    *Fleet
	spec     Spec
	finished chan struct{}
	ready    chan struct{} // closed from the start

	mu      sync.Mutex
	open    int // asks
	stopped bool
	retired bool
}

func newRecorded(f *Fleet, s Spec) *recorded {
	r := &recorded{fleet: f, spec: s, finished: make(chan struct{}), ready: make(chan struct{})}
	close(r.ready)
	return r
}

func (r *recorded) begin()                 {}
func (r *recorded) begun() <-chan struct{} { return r.ready }
func (r *recorded) done() <-chan struct{}  { return r.finished }
func (r *recorded) kill()                  {}
func (r *recorded) strike(agent.Strike)    {}
func (r *recorded) owes(string) bool       { return false }
func (r *recorded) capture(int) error      { return nil }

func (r *recorded) status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Status{ID: r.spec.ID, State: Ready}
	if !r.retired {
		s.Agents = []string{r.spec.Agents[0].Agent}
	}
	if r.stopped {
		s.State = Stopped
	}
	return s
}

func (r *recorded) ask(batch []*agent.Observe) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return
	}
	for _, o := range batch {
		asked := *o
		r.open++
		r.fleet.wg.Go(func() {
			r.fleet.deliver([]agent.Answer{r.answer(&asked)})
			r.mu.Lock()
			defer r.mu.Unlock()
			r.open--
			r.settle()
		})
	}
}

// answer is what is on record. An answer that is refused now was taken then:
// there is no other.
func (r *recorded) answer(o *agent.Observe) agent.Answer {
	a, there, err := r.spec.Recorded(o.Agent, o.Tick)
	switch {
	case err != nil:
		a = agent.Answer{Failure: agent.Spawn, Timed: true, Unsent: true, Detail: err.Error()}
	case !there:
		a = agent.Answer{Failure: agent.Refused, Detail: fmt.Sprintf("the recorded run has no answer for tick %d", o.Tick)}
	case a.Failure == "" && o.Attempt > 1:
		a = agent.Answer{Failure: agent.Refused, Detail: "the recorded run has no other answer"}
	}
	a.Act.Agent, a.Act.Tick = o.Agent, o.Tick
	a.Agent, a.Ref, a.Tick, a.Attempt = o.Agent, o.Ref, o.Tick, o.Attempt
	return a
}

func (r *recorded) retire(string, string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.retired, r.stopped = true, true
	r.settle()
}

func (r *recorded) stop(string, graces) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
	r.settle()
}

// settle closes up once it was stopped and its last answer is given. mu is held.
func (r *recorded) settle() {
	if !r.stopped || r.open > 0 {
		return
	}
	select {
	case <-r.finished:
	default:
		close(r.finished)
	}
}
