package engine

import (
	"bytes"
	"context"
	"slices"
	"sort"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// History yields, in order, every observe of the committed ticks after a
// checkpoint, or of all where that is nil, that the process of the given agents
// answered, with its answer: refused attempts included; want is nil where the
// answer was not kept (it came late, or was too long). Both are yield's to keep.
// Turns that the process never had, or died of, are left out. After a
// substitution only the substitute's own turns count. Of turns before a fork at
// which something else began to answer, what was observed is yielded alone.
func History(ctx context.Context, lg log, p *plan.Plan, from *Checkpoint, agents []string, yield func(o *agent.Observe, want *agent.Act) error) error {
	h := &history{yield: yield, only: map[string]bool{}, owed: map[string]*agent.Observe{}, early: map[string]int{}}
	for _, id := range agents {
		h.only[id] = true
	}
	h.forked = p.Since(agents)
	var err error
	if h.since, err = takeovers(ctx, lg, p, from, h.only); err != nil {
		return err
	}
	_, err = replay(ctx, lg, p, from, h.only, h.tick)
	return err
}

type history struct {
	yield func(o *agent.Observe, want *agent.Act) error
	only  map[string]bool // nil for all agents
	since map[string]int  // the tick in which a substitute took over
	// forked are the ticks of forks at which something else began to answer.
	forked map[string]int
	owed   map[string]*agent.Observe // passed its deadline, perhaps answered later
	past   past                      // what agents asked for beside their answers
	early  map[string]int            // the tick of a late answer that is on record before its turn, as may be in realtime
}

// takeovers finds the tick in which each agent got a substitute. Without such
// a policy in the plan nothing is read.
func takeovers(ctx context.Context, lg log, p *plan.Plan, from *Checkpoint, only map[string]bool) (map[string]int, error) {
	since := map[string]int{}
	if !substitutes(p) {
		return since, nil
	}
	tick := 0
	if from != nil { // what took over before it has had all that comes after it
		tick = from.Tick
	}
	err := lg.Read(ctx, tick, func(rec *record.Record, _ [32]byte) error {
		for i := range rec.Turns {
			if t := &rec.Turns[i]; t.Policy == policySubstitute && only[t.Agent] {
				since[t.Agent] = rec.Tick
			}
		}
		return nil
	})
	return since, err
}

// tick yields what one record holds. Late answers to earlier ticks came before
// its turns, late answers to its own after them.
func (h *history) tick(s *society, rec *record.Record) error {
	if err := h.late(rec); err != nil {
		return err
	}
	h.past.gather(s, rec, h.only)
	for i := range rec.Turns {
		t := &rec.Turns[i]
		if h.only != nil && !h.only[t.Agent] {
			continue
		}
		forked := h.forked[t.Agent]
		if since, ok := h.since[t.Agent]; ok && since >= forked && rec.Tick < since {
			continue
		}
		if rec.Tick < forked {
			if err := h.tell(s, t); err != nil {
				return err
			}
			continue
		}
		if err := h.turn(s, rec, t); err != nil {
			return err
		}
	}
	if s.realtime {
		return nil
	}
	return h.late(rec)
}

// late yields what was answered late. In realtime that may be on record before
// the turn is, and facts are in the order in which things happened: what comes
// before a substitution was answered by a process that is no more.
func (h *history) late(rec *record.Record) error {
	for _, f := range rec.Annex.Facts {
		if f.Kind == substituted {
			delete(h.early, f.Agent)
		}
		if f.Kind != "late" {
			continue
		}
		o := h.owed[f.Agent]
		if o == nil || o.Tick != f.Tick {
			h.early[f.Agent] = f.Tick
			continue
		}
		delete(h.owed, f.Agent)
		if err := h.yield(o, nil); err != nil {
			return err
		}
	}
	return nil
}

// turn yields the attempts of one turn, the accepted one last.
func (h *history) turn(s *society, rec *record.Record, t *record.Turn) error {
	slot := s.slots[t.Agent]
	m := &s.members[slot]
	replaced := t.Policy == policySubstitute
	if !t.Unsent {
		delete(h.owed, t.Agent) // whoever was asked again owed nothing
	}
	taken := s.takenBy(slot, t)
	marked := taken.Redelivered
	taken.Redelivered = 0
	var o agent.Observe
	s.observe(&o, slot, t.Observation, taken)
	if replaced {
		heir := s.successor(m, rec)
		s.address(&o, m, heir != nil && s.kind(heir.Kind).perTurn)
	}
	var asked *agent.Past
	if s.realtime {
		asked = h.past.of(t)
		delete(h.past.asked, t.Agent)
	}
	_, attempts := attemptsOf(rec.Annex.Attempts, t.Agent, replaced)
	for i := range attempts {
		a := &attempts[i]
		o.Attempt = a.Attempt
		if spoke(a.Failure, &a.Act) {
			if err := h.yield(recalls(keep(&o, a.Redelivered), asked, false), answerOf(a, o.Tick)); err != nil {
				return err
			}
		}
		o.Attempt, o.Error = a.Attempt+1, a.Error
	}
	switch {
	case t.Failure == "":
		return h.yield(recalls(keep(&o, marked), asked, true), accepted(rec, t, o.Tick))
	case t.Failure == agent.Deadline && !t.Unsent:
		if tick, ok := h.early[t.Agent]; ok && tick == o.Tick && s.realtime {
			return h.yield(recalls(keep(&o, marked), asked, false), nil)
		}
		h.owed[t.Agent] = recalls(keep(&o, marked), asked, false)
	}
	return nil
}

// keep copies what would not outlive the record's application, with the first
// messages marked as redelivered.
func keep(o *agent.Observe, marked int) *agent.Observe {
	k := *o
	k.Observation = bytes.Clone(o.Observation)
	k.Messages = agent.Redelivered(o.Messages, marked)
	k.Results = slices.Clone(o.Results)
	return &k
}

// answerOf is the answer of a refused attempt, nil where it was not kept.
func answerOf(a *record.Attempt, tick int) *agent.Act {
	if len(a.Act.Action)+len(a.Act.Send) == 0 && !a.Act.Done {
		return nil
	}
	act := agent.Act{Agent: a.Agent, Tick: tick, Action: bytes.Clone(a.Act.Action), Done: a.Act.Done}
	for _, send := range a.Act.Send {
		act.Send = append(act.Send, agent.Send{To: send.To, Channel: send.Channel, Body: bytes.Clone(send.Body)})
	}
	return &act
}

// accepted is the act of a turn that has one.
func accepted(rec *record.Record, t *record.Turn, asked int) *agent.Act {
	act := &agent.Act{Agent: t.Agent, Tick: asked, Action: bytes.Clone(t.Action), Done: t.Done}
	from := sort.Search(len(rec.Messages), func(i int) bool { return rec.Messages[i].From >= t.Agent })
	early := t.Early
	for _, m := range rec.Messages[from:] {
		if m.From != t.Agent {
			break
		}
		if early > 0 {
			early--
			continue
		}
		act.Send = append(act.Send, agent.Send{To: m.To, Channel: m.Channel, Body: bytes.Clone(m.Body)})
	}
	return act
}

// attemptsOf are an agent's attempts of one tick, in order. Where a substitute
// took over in it, they are parted in those of the agent's own process, of
// which there is at least one, and those of the substitute, which count from
// 1 again.
func attemptsOf(list []record.Attempt, id string, replaced bool) (own, after []record.Attempt) {
	from := sort.Search(len(list), func(i int) bool { return list[i].Agent >= id })
	to := from
	for to < len(list) && list[to].Agent == id {
		to++
	}
	list = list[from:to]
	if !replaced {
		return nil, list
	}
	for i := range list {
		if i > 0 && list[i].Attempt == 1 {
			return list[:i], list[i:]
		}
	}
	return list, nil
}
