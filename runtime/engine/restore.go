package engine

import (
	"context"

	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/tree"
	"github.com/troupe-dev/troupe/runtime/world"
)

// A Start is where a log ends and a run can go on. It is good for one call of
// Lockstep or Realtime, which changes it.
type Start struct {
	Ready        world.Ready
	Observations []world.Observation // of the next tick

	soc *society
}

// Tick is the next one to be played.
func (s *Start) Tick() int { return s.soc.tick }

// Hash is that of the newest record; zero where there is none.
func (s *Start) Hash() [32]byte { return s.soc.hash }

// End is set if the run is over.
func (s *Start) End() record.End { return s.soc.end }

// Living are the agents that can still be asked, in the order they came.
func (s *Start) Living() []string {
	var ids []string
	for i := range s.soc.members {
		if m := &s.soc.members[i]; m.alive {
			ids = append(ids, m.id)
		}
	}
	return ids
}

// Added are the agents that the world added, ended ones included, and the
// process of each.
func (s *Start) Added() ([]plan.Agent, []plan.Process) { return s.soc.agents, s.soc.processes }

// Substitutes are what answers for an agent in place of its own process.
func (s *Start) Substitutes() map[string]plan.Substitute {
	all := map[string]plan.Substitute{}
	for i := range s.soc.members {
		if m := &s.soc.members[i]; m.substitute != nil {
			all[m.id] = *m.substitute
		}
	}
	return all
}

// Sessions are those that agents' tools had last.
func (s *Start) Sessions() map[string]string {
	all := map[string]string{}
	for i := range s.soc.members {
		if m := &s.soc.members[i]; m.used != nil && m.used.Session != "" {
			all[m.id] = m.used.Session
		}
	}
	return all
}

// Spent is what processes have taken of what they have limits of, as their facts
// say.
func (s *Start) Spent() map[string]string { return s.soc.spent }

// Tree is the shared tree; nil where the plan has none.
func (s *Start) Tree() *tree.Tree { return s.soc.tree }

// Society is what a Checkpoint has of it.
func (s *Start) Society() ([]byte, error) { return s.soc.encode() }

// Rebuild reads a log to its end. Of the Start that it gives, Ready and
// Observations are the world's to say.
func Rebuild(ctx context.Context, lg log, p *plan.Plan) (*Start, error) {
	soc, err := replay(ctx, lg, p, nil, nil, func(*society, *record.Record) error { return nil })
	if err != nil {
		return nil, err
	}
	return &Start{soc: soc}, nil
}
