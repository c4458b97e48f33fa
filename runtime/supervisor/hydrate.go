package supervisor

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// An answered observe is one that the process answered and the log may not
// hold yet.
type answered struct {
	epoch  int64
	o      *agent.Observe // the fleet's caller's, or a late one's copy
	acted  bool           // else what it answered was no act in time: the next three are empty
	done   bool
	action []byte
	send   []agent.Send
	before *answered // by the same seat
}

// keep remembers an answered observe until its record is committed. Where all
// before it is, it takes the place of that: agents are many. In realtime an
// answer may wait for its record while others' are committed; an agent that
// was asked since has none that waits.
func (p *resident) keep(st *seat, o *agent.Observe, act *agent.Act, epoch int64) {
	if !p.spec.Reobserve {
		return
	}
	p.current = false
	x := st.saved
	if x == nil || x.epoch >= p.fleet.committed.Load() || p.fleet.opts.Realtime && x.o.Tick == o.Tick {
		x = &answered{}
		x.before, st.saved = st.saved, x
	} else {
		*x = answered{}
	}
	x.epoch, x.o = epoch, o
	if act != nil {
		x.acted, x.done, x.action, x.send = true, act.Done, act.Action, act.Send
	}
}

// act is what was answered; nil where that was no act in time.
func (x *answered) act() *agent.Act {
	if !x.acted {
		return nil
	}
	return &agent.Act{Agent: x.o.Agent, Tick: x.o.Tick, Action: x.action, Send: x.send, Done: x.done}
}

// A retold observe is told again with its answer, as act gives it. It is a copy.
type retold struct {
	o   *agent.Observe
	act *agent.Act
}

// A hydration tells a process again what it answered before, a tick and
// attempt at a time.
type hydration struct {
	tick    int
	attempt int
	want    map[string]*agent.Act // by agent; nil where any answer will do
	told    map[string]*agent.Observe
	staged  map[string]*staged
	lines   []byte
	done    chan struct{} // closed when all have answered
}

// hydrate takes a restarted process to where the record says it was. It
// reports whether c is still the process and wants its first new observe.
func (p *resident) hydrate(c *child) bool {
	p.mu.Lock()
	again := (p.starts > 1 || p.spec.Past) && !p.current
	var ids []string
	for _, st := range p.order {
		if !st.ended {
			ids = append(ids, st.init.Agent)
		}
	}
	p.mu.Unlock()
	if !again || !p.spec.Reobserve {
		return true
	}
	var h *hydration
	told := map[string]mark{}
	from, _ := p.from()
	err := p.fleet.opts.Replay(p.fleet.ctx, ids, from, func(o *agent.Observe, want *agent.Act) (err error) {
		told[o.Agent] = mark{o.Tick, o.Attempt}
		if p.had(o) {
			return nil
		}
		h, err = p.tell(c, h, o, want)
		return err
	})
	if err == nil {
		for _, a := range p.uncommitted() {
			if last, ok := told[a.o.Agent]; p.had(a.o) || ok && !last.before(a.o) {
				continue // part of its state, or committed meanwhile
			}
			if h, err = p.tell(c, h, a.o, a.act); err != nil {
				break
			}
		}
	}
	if err == nil && h != nil {
		err = p.rehearse(c, h)
	}
	if err != nil {
		p.unhydrated(c, err)
	}
	return err == nil
}

// had says whether an observe is part of the state that the process was given.
func (p *resident) had(o *agent.Observe) bool {
	if !p.spec.Snapshot {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	st := p.seat(o.Agent)
	return st != nil && st.at.had(o)
}

// A mark is how far an agent has been told its past.
type mark struct{ tick, attempt int }

func (m mark) before(o *agent.Observe) bool {
	return m.tick < o.Tick || m.tick == o.Tick && m.attempt < o.Attempt
}

// uncommitted gathers what the process's agents answered since the last
// commit, by tick and attempt; in realtime it may be of some that are committed
// too. No commit is told of meanwhile: it is what allows the caller to use the
// memory of its observes again.
func (p *resident) uncommitted() []retold {
	p.fleet.copying.Lock()
	defer p.fleet.copying.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []retold
	committed := p.fleet.committed.Load()
	for _, st := range p.order {
		from := len(all)
		for x := st.saved; x != nil && (x.epoch >= committed || p.fleet.opts.Realtime); x = x.before {
			all = append(all, retold{cloneObserve(x.o), x.act()})
		}
		slices.Reverse(all[from:])
	}
	slices.SortStableFunc(all, func(a, b retold) int {
		if a.o.Tick != b.o.Tick {
			return a.o.Tick - b.o.Tick
		}
		return a.o.Attempt - b.o.Attempt
	})
	return all
}

// tell adds an observe to h, first sending what h holds where o begins a new
// tick or attempt.
func (p *resident) tell(c *child, h *hydration, o *agent.Observe, want *agent.Act) (*hydration, error) {
	before := h
	if h != nil {
		if _, twice := h.want[o.Agent]; twice || h.tick != o.Tick || h.attempt != o.Attempt {
			if err := p.rehearse(c, h); err != nil {
				return h, err
			}
			h = nil
		}
	}
	if h == nil {
		h = &hydration{tick: o.Tick, attempt: o.Attempt, want: map[string]*agent.Act{}, done: make(chan struct{}),
			told: map[string]*agent.Observe{}, staged: map[string]*staged{}}
		h.follow(before)
	}
	h.want[o.Agent], h.told[o.Agent] = cloneAct(want), o
	p.mu.Lock()
	defer p.mu.Unlock()
	h.lines = p.dialect.Observe(h.lines, o)
	return h, nil
}

// rehearse sends a tick again and waits for all of its answers.
func (p *resident) rehearse(c *child, h *hydration) error {
	p.spec.Bill.asked(&agent.Observe{Tick: h.tick, Attempt: h.attempt})
	p.mu.Lock()
	if p.child != c || p.state != Hydrating {
		p.mu.Unlock()
		return fmt.Errorf("the process is gone")
	}
	for id := range h.want {
		if p.seat(id).ended {
			delete(h.want, id)
		}
	}
	if len(h.want) == 0 {
		p.mu.Unlock()
		return nil
	}
	p.hydro = h
	if h.attempt <= 1 {
		p.staged = nil
	}
	c.in.write(h.lines)
	p.mu.Unlock()
	if !p.await(c, h.done, fmt.Sprintf("did not answer tick %d, told again,", h.tick)) {
		return fmt.Errorf("the process is gone")
	}
	return nil
}

// answer takes a process's answer to a tick that it was told again.
func (h *hydration) answer(p *resident, id string, tick int, act *agent.Act, f agent.Failure) {
	want, asked := h.want[id]
	if !asked || tick != h.tick {
		p.stray(fmt.Sprintf("an answer of agent %q for tick %d while it was told tick %d again", id, tick, h.tick))
		return
	}
	delete(h.want, id)
	if diff := differs(want, act, f); diff != "" {
		p.differed(id, tick, diff)
	}
	h.finish()
}

// differed deals with an answer that is not the one on record, which stands.
// mu is held.
func (p *resident) differed(id string, tick int, diff string) {
	text := fmt.Sprintf("told tick %d again, it answered otherwise: %s", tick, diff)
	p.fleet.fact(Fact{Agent: id, Kind: "differs", Tick: tick, Detail: diff})
	p.log.line("troupe: ", []byte(text))
	st := p.seat(id)
	if !p.spec.Faithful || st.stray != "" {
		return
	}
	st.stray = text
	if st.open {
		p.settle(st, strayed(st.ask, text))
	}
}

// strayed is the answer of an agent that is not any more what is on record. It
// comes of a crash, whose moment a clock decides.
func strayed(o *agent.Observe, text string) agent.Answer {
	return agent.Answer{Agent: o.Agent, Ref: o.Ref, Tick: o.Tick, Attempt: o.Attempt,
		Failure: agent.Differs, Unsent: true, Timed: true, Detail: text}
}

// forget lets go of an agent that has ended: nobody waits for its answer.
func (h *hydration) forget(id string) {
	if h == nil {
		return
	}
	if _, asked := h.want[id]; asked {
		delete(h.want, id)
		h.finish()
	}
}

// finish notes that all have answered, once nobody is left who has not.
func (h *hydration) finish() {
	if len(h.want) == 0 {
		close(h.done)
	}
}

// differs says where an answer parts from the recorded one.
func differs(want, got *agent.Act, f agent.Failure) string {
	switch {
	case want == nil:
		return ""
	case got == nil:
		return fmt.Sprintf("%s instead of the recorded action", f)
	}
	w, g := canonical(want), canonical(got)
	if bytes.Equal(w, g) {
		return ""
	}
	i := 0
	for i < len(w) && i < len(g) && w[i] == g[i] {
		i++
	}
	return fmt.Sprintf("at byte %d: recorded …%.40s, now …%.40s", i, w[i:], g[i:])
}

// canonical is an act as one text, to compare.
func canonical(a *agent.Act) []byte {
	b := append([]byte(nil), a.Action...)
	for _, s := range a.Send {
		b = fmt.Appendf(b, " to %q channel %q %s", s.To, s.Channel, s.Body)
	}
	return fmt.Appendf(b, " done %t", a.Done)
}

func cloneAct(a *agent.Act) *agent.Act {
	if a == nil {
		return nil
	}
	c := *a
	c.Action = slices.Clone(a.Action)
	c.Send = slices.Clone(a.Send)
	for i := range c.Send {
		c.Send[i].Body = slices.Clone(c.Send[i].Body)
	}
	return &c
}

// unhydrated deals with a history that could not be told: where the process
// still lives, the record could not be read. That is nothing that its agents did:
// their process could not be brought back, which by default stops the run.
func (p *resident) unhydrated(c *child, err error) {
	select {
	case <-c.gone: // it died of itself: gone decides what becomes of its asks
		return
	default:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.child != c || p.state != Hydrating {
		return
	}
	text := "cannot tell it its past again: " + err.Error()
	p.log.line("troupe: ", []byte(text))
	p.failOpen(agent.Answer{Failure: agent.Spawn, Timed: true, Unsent: true, Detail: text}, nil)
	p.flush()
	c.signal(9)
}
