package supervisor

import (
	"fmt"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// present implements host.
func (p *resident) present(id string) (view, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	o, into, err := p.sitting(id)
	if err != nil {
		return view{}, err
	}
	v := viewOf(o)
	v.past = p.hydro != nil
	v.recorded(o, into)
	return v, nil
}

// stage implements host.
func (p *resident) stage(id string, x agent.Request) (position, tick int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	o, into, err := p.sitting(id)
	if err != nil {
		return 0, 0, err
	}
	position, err = into.add(x)
	return position, o.Tick, err
}

// sitting is what an agent has to answer, or to answer again, and where what it
// asks for goes. mu is held.
func (p *resident) sitting(id string) (*agent.Observe, *staged, error) {
	st := p.seat(id)
	switch {
	case st == nil:
		return nil, nil, fmt.Errorf("%.80q is no agent of this process", id)
	case p.hydro != nil:
		if _, asked := p.hydro.want[id]; asked {
			return p.hydro.told[id], p.hydro.stagedOf(id), nil
		}
	case p.state == Ready && st.open && st.sent && !st.paused && p.held == nil: // one that is held is its answer
		if st.staged == nil {
			st.staged = &staged{}
		}
		return st.ask, st.staged, nil
	}
	if st.ended {
		return nil, nil, fmt.Errorf("%s has ended", id)
	}
	return nil, nil, errNoTurn(id)
}

// stagedOf is where the requests go of an agent that is told its past: they are
// counted, as they were then.
func (h *hydration) stagedOf(id string) *staged {
	if h.staged[id] == nil {
		h.staged[id] = &staged{}
	}
	return h.staged[id]
}

// follow takes over what the attempt before has counted.
func (h *hydration) follow(before *hydration) {
	if before != nil && before.tick == h.tick {
		h.staged = before.staged
	}
}

// renew begins the tick of an agent that is asked for the first time in it.
func (st *seat) renew(o *agent.Observe) {
	if o.Attempt == 1 {
		st.staged = nil
	}
}

// present implements host.
func (t *turns) present(id string) (view, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.sitting(id); err != nil {
		return view{}, err
	}
	v := viewOf(t.asked)
	v.recorded(t.asked, t.staged)
	return v, nil
}

// stage implements host.
func (t *turns) stage(id string, x agent.Request) (position, tick int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.sitting(id); err != nil {
		return 0, 0, err
	}
	position, err = t.staged.add(x)
	return position, t.asked.Tick, err
}

func (t *turns) sitting(id string) error {
	switch {
	case id != t.spec.Agents[0].Agent:
		return fmt.Errorf("%.80q is no agent of this process", id)
	case t.child == nil || t.asked == nil:
		return errNoTurn(id)
	}
	return nil
}
