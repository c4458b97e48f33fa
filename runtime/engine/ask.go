package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/record"
)

// compose opens the next tick: an observe for each seat, with the mail and the
// results that fit beside the observation.
func (l *lockstep) compose() {
	n := len(l.next)
	l.turns = slices.Grow(l.turns[:0], n)[:n]
	l.asks = slices.Grow(l.asks[:0], n)[:n]
	l.outbox = slices.Grow(l.outbox[:0], n)[:0]
	if grow := len(l.soc.members) - len(l.at); grow > 0 {
		l.at = append(l.at, make([]int32, grow)...)
	}
	clear(l.gone)
	l.aborted, l.attempts, l.facts, l.elapsed = false, l.attempts[:0], l.facts[:0], record.Elapsed{Commit: l.took}
	l.answers = l.answers[:0]
	for i := range l.next {
		seat := &l.next[i]
		o := &l.asks[i]
		l.soc.observe(o, seat.slot, seat.observation, l.soc.taking(seat.slot, seat.observation))
		if m := &l.soc.members[seat.slot]; m.kind.schema {
			o.Schema = l.ready.SchemaOf(m.id)
		}
		l.turns[i] = turn{slot: seat.slot, observe: o, kind: l.soc.members[seat.slot].kind, open: true}
		l.at[seat.slot] = int32(i)
		if f, why := l.soc.exhausted(seat.slot); f != "" {
			l.turns[i].open = false
			l.fail(&l.turns[i], fault{failure: f, detail: why, unsent: true})
			continue
		}
		l.outbox = append(l.outbox, o)
	}
}

// observe fills in the first observe of a member's turn. What it holds is the
// society's and stays until the turn is applied.
func (s *society) observe(o *agent.Observe, slot int32, observation []byte, t record.Taken) {
	m := &s.members[slot]
	*o = agent.Observe{
		Agent: m.id, Ref: int(slot) + 1, Tick: t.Tick, Deadline: s.plan.Entries[m.entry].Deadline,
		Observation: observation, Attempt: 1, Scene: s.look(),
	}
	if t.Messages+t.Results > 0 {
		o.Messages = m.mail[:t.Messages:t.Messages]
		o.Results = m.results[:t.Results:t.Results]
	}
	if t.Redelivered > 0 {
		o.Messages = agent.Redelivered(o.Messages, t.Redelivered)
	}
	s.address(o, m, m.kind.perTurn)
}

// taking is what a member's turn takes that is asked now.
func (s *society) taking(slot int32, observation []byte) record.Taken {
	m := &s.members[slot]
	t := record.Taken{Tick: s.tick}
	if len(m.mail)+len(m.results) > 0 {
		t.Messages, t.Results = m.fit(len(observation))
	}
	return t
}

// takenBy is what a turn of the record took that is applied next. Where the
// member's mail is not kept it is nothing.
func (s *society) takenBy(slot int32, t *record.Turn) record.Taken {
	if t.Taken == nil {
		return s.taking(slot, t.Observation)
	}
	x := *t.Taken
	if !s.keeps(slot) {
		x.Messages, x.Results, x.Redelivered = 0, 0, 0
	}
	return x
}

// address adds what a process that lives for one turn gets no init for.
func (s *society) address(o *agent.Observe, m *member, perTurn bool) {
	o.Seed, o.Config = 0, nil
	if perTurn {
		o.Seed = agent.TurnSeed(s.plan.Seed, m.id, o.Tick)
		o.Config = m.config
	}
}

// turnOf finds the turn of an asked agent; nil if it was not asked.
func (l *loop) turnOf(id string) *turn {
	slot, ok := l.soc.find(id)
	if !ok {
		return nil
	}
	return l.turnAt(slot)
}

func (l *loop) turnAt(slot int32) *turn {
	if slot < 0 || int(slot) >= len(l.at) {
		return nil
	}
	if i := int(l.at[slot]); i < len(l.turns) && l.turns[i].slot == slot {
		return &l.turns[i]
	}
	return nil
}

// gather asks what is in the outbox and takes answers until none is owed.
func (l *lockstep) gather(ctx context.Context) error {
	start := time.Now()
	defer func() { l.asked(start) }()
	for {
		if l.stopped != nil {
			return l.stopped
		}
		l.send()
		if l.dying {
			l.Die()
		}
		if l.waiting == 0 {
			return nil
		}
		batch := l.fleet.Await(ctx)
		switch {
		case ctx.Err() != nil:
			return errInterrupted
		case len(batch) == 0:
			return fmt.Errorf("the fleet had no more answers at tick %d while %d were owed", l.soc.tick, l.waiting)
		}
		for i := range batch {
			if err := l.take(&batch[i]); err != nil {
				return err
			}
		}
		l.waiting -= len(batch)
	}
}

// An asker knows when the last of what it was asked was put to a process.
type asker interface{ AskedAt() time.Time }

// asked notes where the time went since agents were asked.
func (l *lockstep) asked(start time.Time) {
	all := time.Since(start)
	l.elapsed.Ask += all
	if f, ok := l.fleet.(asker); ok {
		l.elapsed.Observe += min(max(f.AskedAt().Sub(start), 0), all)
	}
}

func (l *lockstep) send() {
	if len(l.outbox) == 0 {
		return
	}
	l.waiting += len(l.outbox)
	l.fleet.Ask(l.outbox)
	l.outbox = l.outbox[:0]
}

// take takes one answer.
func (l *loop) take(a *agent.Answer) error {
	t := l.turnAt(int32(a.Ref - 1))
	if t == nil || !t.open || a.Agent != t.observe.Agent || a.Tick != t.observe.Tick || a.Attempt != t.observe.Attempt {
		return fmt.Errorf("the fleet answered for agent %q, tick %d, attempt %d, which was not asked", a.Agent, a.Tick, a.Attempt)
	}
	t.open = false
	if a.Marked > t.observe.Marked() { // its process died, and another was asked
		again := *t.observe
		again.Messages = agent.Redelivered(again.Messages, a.Marked)
		t.observe = &again
	}
	t.timed = t.timed || a.Timed
	t.staged = a.Staged
	l.tally(t, a)
	if a.Failure != "" {
		l.fail(t, fault{failure: a.Failure, detail: a.Detail, unsent: a.Unsent, act: a.Act})
		return nil
	}
	if why := l.oversent(t, a.Act.Send); why != "" {
		l.fail(t, fault{failure: agent.Limit, detail: why, act: a.Act})
		return nil
	}
	t.acted, t.sent = true, true
	t.action, t.send, t.done = a.Act.Action, a.Act.Send, a.Act.Done
	t.failure, t.policy = "", ""
	if len(t.action) == 0 {
		t.action = null
	}
	return nil
}

// tally notes for the annex how long an answer took.
func (l *loop) tally(t *turn, a *agent.Answer) {
	if a.Took <= 0 {
		return
	}
	if l.OnAnswer != nil {
		l.OnAnswer(a.Agent, a.Took)
	}
	for i := range l.answers {
		if l.answers[i].Kind == t.kind.name {
			l.answers[i].Add(a.Took)
			return
		}
	}
	l.answers = append(l.answers, record.Latency{Kind: t.kind.name})
	l.answers[len(l.answers)-1].Add(a.Took)
}

var null = []byte("null")
