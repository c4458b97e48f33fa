package engine

import (
	"bytes"
	"context"
	"fmt"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// A run that is a fork has ticks on record that another plan has played. The
// society goes by the plan of its next tick, so that whoever applies records
// (the loop, resume, hydration, a checkpoint) changes over at the same place.

// changeOver follows each tick: at a fork, who is there is from then on what the
// new plan makes of it. An agent that something else answers for now has no
// substitute and no session any more.
func (s *society) changeOver() error {
	now := s.whole.At(s.tick)
	if now == s.plan {
		return nil
	}
	ids := make([]string, len(s.members))
	for i := range s.members {
		ids[i] = s.members[i].id
	}
	changed := now.Changed(ids)
	s.plan = now
	s.retree()
	for i := range s.agents {
		a, process, err := now.Admit(s.agents[i].ID, s.agents[i].Config, func(int) int { return 0 })
		if err != nil {
			return fmt.Errorf("at the fork before tick %d: %w", s.tick, err)
		}
		a.Config = bytes.Clone(s.agents[i].Config)
		s.agents[i], s.processes[i] = a, process
	}
	s.perEntry = make([]int, len(now.Entries))
	for i := range s.members {
		m := &s.members[i]
		entry, known := now.EntryOf(m.id)
		if !known {
			return fmt.Errorf("at the fork before tick %d: the plan does not know agent %s", s.tick, m.id)
		}
		m.entry = entry
		if m.alive {
			s.perEntry[entry]++
		}
		if changed[m.id] {
			m.substitute, m.since = nil, 0
			if m.used != nil {
				m.used.Session = ""
			}
		}
		if session, other := now.Fork.Sessions[m.id]; other && m.used != nil {
			m.used.Session = session
		}
		if m.substitute == nil {
			m.kind = s.kind(now.Entries[entry].Kind)
		}
	}
	return nil
}

// repeatFrom says where playing a run again begins: not before a fork, since the
// ticks before it are another run's.
func repeatFrom(ctx context.Context, cfg *Config) (*Checkpoint, error) {
	if cfg.From == nil {
		return nil, nil
	}
	text, err := cfg.From.Society()
	if err != nil {
		return nil, fmt.Errorf("cannot begin at tick %d: %w", cfg.From.Tick(), err)
	}
	return &Checkpoint{Tick: cfg.From.Tick(), Hash: cfg.From.Hash(), Society: text}, ctx.Err()
}

// tell yields the past to a process that was not there: what was observed, once
// a tick, whatever became of it. It is held to nothing.
func (h *history) tell(s *society, t *record.Turn) error {
	if t.Unsent {
		return nil
	}
	var o agent.Observe
	slot := s.slots[t.Agent]
	s.observe(&o, slot, t.Observation, s.takenBy(slot, t))
	s.address(&o, &s.members[slot], false)
	return h.yield(keep(&o, 0), nil)
}

// substitutes says whether a policy of the plan, or of one that it goes back to,
// lets another answer.
func substitutes(p *plan.Plan) bool {
	for ; p != nil; p = before(p) {
		for i := range p.Entries {
			for _, policy := range p.Entries[i].Policies {
				if policy.Substitute != nil {
					return true
				}
			}
		}
	}
	return false
}

func before(p *plan.Plan) *plan.Plan {
	if p.Fork == nil {
		return nil
	}
	return p.Fork.Plan
}
