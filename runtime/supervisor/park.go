package supervisor

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// rested follows whatever may leave the process with nothing to do. mu is held.
func (p *resident) rested() {
	if !p.spec.Parks || p.struck || p.atRest || p.state != Ready || p.asked > 0 || p.ahead > 0 || p.telling != nil {
		return
	}
	if p.fleet.places.rest(p) {
		p.yielding = true
		p.park(p.fleet.places.why())
		return
	}
	p.atRest = true
	if p.spec.Idle > 0 && !p.busy() {
		if p.idler == nil {
			p.idler = time.AfterFunc(p.spec.Idle, p.idled)
		} else {
			p.idler.Reset(p.spec.Idle)
		}
	}
}

// roused follows whatever gives it something to do. mu is held.
func (p *resident) roused() {
	if !p.atRest {
		return
	}
	p.atRest = false
	p.fleet.places.busy(p)
	if p.idler != nil {
		p.idler.Stop()
	}
}

// busy says whether the process still owes an answer whose deadline is over.
// mu is held.
func (p *resident) busy() bool {
	for _, st := range p.order {
		if st.owes != nil {
			return true
		}
	}
	return false
}

// yield parks the process if it may be parked, and says whether it is.
func (p *resident) yield() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.atRest || p.state != Ready || p.telling != nil {
		return false
	}
	p.yielding = true
	p.park(p.fleet.places.why())
	return true
}

// idled parks the process after a time with nothing to do.
func (p *resident) idled() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.atRest && p.state == Ready && !p.busy() && p.telling == nil {
		p.park(fmt.Sprintf("idle for %s", p.spec.Idle))
	}
}

// turned parks a process that is one for each turn, once that is committed. It
// says no where it is still at work: then a later commit is to park it.
func (p *resident) turned() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asked > 0 || p.ahead > 0 || p.busy() || p.telling != nil {
		return false
	}
	switch p.state {
	case Ready:
		p.park("ephemeral")
	case Backoff, Starting, Hydrating: // on its way up for an agent that has ended
		return false
	}
	return true
}

// onRecord follows the commit of an agent's turn in realtime. Only then may the
// process rest: the state that it tells when it is parked is that of the record.
func (p *resident) onRecord(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.setAhead(p.seat(id), false)
	p.rested()
}

// park ends the process so that it can come back as it is: stdin is closed and
// its end awaited. One that still works on what nobody waits for any more is
// killed. mu is held, the state Ready, nothing asked.
func (p *resident) park(why string) {
	p.roused()
	p.to(parked)
	p.why = why
	p.melt()
	c := p.child
	switch {
	case p.busy():
		p.spoiled = true
		for _, st := range p.order { // killed, it owes nothing to who asks next
			st.owes = nil
		}
		killGroup(c)
	case p.spec.Snapshot && p.untold:
		t := p.askStates(c)
		p.fleet.wg.Go(func() {
			if err := p.told(c, t, t.tick, true); err != nil {
				p.log.line("troupe: ", []byte(err.Error())) // it comes back by an older state
			}
			c.in.finish()
			stopChild(c, patient)
		})
	default:
		c.in.finish()
		p.fleet.wg.Go(func() { stopChild(c, patient) })
	}
}

// parkedNow follows the end of a process that was to be parked. mu is held.
func (p *resident) parkedNow() {
	p.to(died)
	for _, st := range p.order {
		st.owes, st.ready, st.stray = nil, false, ""
	}
	p.fleet.fact(Fact{Agent: p.name(), Kind: "parked", Tick: max(p.tick, 0), Detail: p.why})
	if slices.ContainsFunc(p.order, func(st *seat) bool { return st.open && !st.paused }) {
		p.revive()
	}
}

// A telling is the states of a process's agents on their way.
type telling struct {
	tick   int // that has to be committed for the states to be those of the run
	left   int // agents that have not told
	places map[string]int
	states []toldState   // of all agents
	done   chan struct{} // closed when all have
}

// askStates asks all agents of a process for their states; its caller ends it by
// told. mu is held.
func (p *resident) askStates(c *child) *telling {
	t := &telling{tick: p.tick, done: make(chan struct{}), places: make(map[string]int, p.living)}
	p.telling, p.untold = t, false
	last := int(p.fleet.lastTick.Load())
	over := p.tick <= last
	if over && p.fleet.opts.Realtime { // the record has a turn later than it was asked
		t.tick = last
	}
	p.out = p.out[:0]
	for _, st := range p.order {
		if st.ended {
			continue
		}
		state := toldState{Agent: st.init.Agent, Tick: p.tick}
		switch {
		case over:
			state.Tick++
		case st.tick == p.tick:
			state.Attempt = int(st.attempt)
		}
		t.places[state.Agent] = len(t.states)
		t.states = append(t.states, state)
		t.left++
		p.out = p.dialect.(stateTeller).Snapshot(p.out, st.init.Agent)
		p.spill(c)
	}
	c.in.write(p.out)
	return t
}

// A stateTeller is a dialect whose agents can tell their states.
type stateTeller interface {
	Snapshot(dst []byte, agent string) []byte
}

// tells takes the state that an agent tells.
func (p *resident) tells(l *agent.Line) {
	t := p.telling
	if t != nil {
		if i, asked := t.places[l.Agent]; asked && t.states[i].State == nil {
			t.states[i].State = l.State
			if t.left--; t.left == 0 {
				close(t.done)
			}
			return
		}
	}
	p.stray(fmt.Sprintf("a state of agent %q, which was not asked for it", l.Agent))
}

// snapshot has the agents tell their states after a committed tick, and keeps
// them with the process's files.
func (p *resident) snapshot(tick int) error {
	p.mu.Lock()
	if !p.untold || p.state >= Failed { // told when it was parked, or never back
		p.mu.Unlock()
		return nil
	}
	if p.state != Ready || p.asked > 0 || p.busy() || p.frozen() || p.telling != nil {
		p.mu.Unlock()
		return errBusy
	}
	p.roused()
	c := p.child
	t := p.askStates(c)
	p.mu.Unlock()
	return p.told(c, t, tick, false)
}

// told waits for the states of a process's agents and keeps them, with its
// files. Where it is parked, they are as far as they are; else they have had
// all of the tick.
func (p *resident) told(c *child, t *telling, tick int, parked bool) error {
	whole := p.awaitStates(c, t)
	var err error
	if whole {
		for i := range t.states {
			if !parked {
				t.states[i].Tick, t.states[i].Attempt = tick+1, 0
			}
		}
		err = p.keepStates(c, tick, t.states)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.telling = nil
	switch {
	case !whole || err != nil:
		p.untold = true
	case p.child == c: // else it comes back by what is kept
		p.position(t.states)
	}
	p.rested()
	if !whole || errors.Is(err, errGone) {
		return nil // it crashed, or was killed: an older state will do
	}
	return err
}

// errGone says that a process died before its state was kept.
var errGone = errors.New("the process is gone")

// awaitStates waits for the states of a process's agents, as long as the fleet
// has patience. A process that takes longer is killed.
func (p *resident) awaitStates(c *child, t *telling) bool {
	timer := time.NewTimer(p.fleet.opts.Patience)
	defer timer.Stop()
	select {
	case <-t.done:
		return true
	case <-c.gone:
	case <-timer.C:
		p.log.line("troupe: ", fmt.Appendf(nil, "killed: it did not tell its state within %s", p.fleet.opts.Patience))
		killGroup(c)
	}
	return false
}

// keepStates writes what the agents told, after the files that go with it.
func (p *resident) keepStates(c *child, tick int, states []toldState) error {
	p.disk.Lock()
	defer p.disk.Unlock()
	p.mu.Lock()
	gone := p.child != c
	p.mu.Unlock()
	if gone { // the files may be another process's already, ahead of the states
		return errGone
	}
	err := p.kept.take(tick, p.ws, c)
	if err == nil {
		err = p.kept.snaps.write(tick, states)
	}
	if err == nil {
		err = p.kept.keep(p.fleet.keptAt(tick))
	}
	if err != nil {
		return fmt.Errorf("cannot keep the state of %s: %w", p.spec.ID, err)
	}
	return nil
}

// position notes how far the agents were that told their states: what came
// before need not be remembered.
func (p *resident) position(states []toldState) {
	for i := range states {
		if st := p.seat(states[i].Agent); st != nil {
			st.at, st.saved = position{states[i].Tick, states[i].Attempt}, nil
		}
	}
	p.current = true
}

// from is the tick from which the process is told its past again; needed says
// whether there is anything to tell.
func (p *resident) from() (tick int, needed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	from := -1
	for _, st := range p.order {
		if !st.ended && (from < 0 || st.at.tick < from) {
			from = st.at.tick
		}
	}
	return max(from, 0), from >= 0 && !p.current
}
