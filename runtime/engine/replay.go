package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/world"
)

// replay applies a log's records to a fresh society, or to the one of a
// checkpoint those that come after it. before sees each record with the society
// as it was when the record's tick began. only, if not nil, are the agents whose
// mail matters. An error of before is returned as it is: it is not the log's.
func replay(ctx context.Context, lg log, p *plan.Plan, from *Checkpoint, only map[string]bool, before func(*society, *record.Record) error) (*society, error) {
	soc, err := from.begin(p)
	if err != nil {
		return nil, err
	}
	soc.copies, soc.only = true, only
	var stopped error
	err = lg.Read(ctx, soc.tick, func(rec *record.Record, hash [32]byte) error {
		if stopped = before(soc, rec); stopped != nil {
			return stopped
		}
		return soc.apply(rec, hash)
	})
	if stopped != nil {
		return nil, stopped
	}
	if err != nil {
		return nil, fmt.Errorf("cannot replay the log: %w", err)
	}
	return soc, nil
}

// begin is where reading a log begins: c may be nil for its start.
func (c *Checkpoint) begin(p *plan.Plan) (*society, error) {
	if c == nil {
		return newSociety(p, 0), nil
	}
	return c.society(p)
}

// WorldHistory yields what each committed tick from one on and before another
// gave to the world, refused actions left out; a negative upto means all of
// them. What is yielded is the tick as the world counts them, one a step. The
// checkpoint is one at or before the first tick, nil where there is none. The
// actions are valid during the call.
func WorldHistory(ctx context.Context, lg log, p *plan.Plan, at *Checkpoint, from, upto int, yield func(tick int, actions []world.Action) error) error {
	var actions []world.Action
	_, err := replay(ctx, lg, p, at, map[string]bool{}, func(s *society, rec *record.Record) error {
		if !s.steps(rec) || rec.Tick < from || upto >= 0 && rec.Tick >= upto {
			return nil
		}
		actions = s.recorded(actions[:0], rec)
		return yield(s.stepped, actions)
	})
	return err
}

// recorded appends the actions that the world was given in rec's tick.
func (s *society) recorded(actions []world.Action, rec *record.Record) []world.Action {
	parting := s.parting
	for i := range rec.Turns {
		t := &rec.Turns[i]
		for len(parting) > 0 && s.members[parting[0]].id < t.Agent {
			actions = append(actions, s.farewell(parting[0]))
			parting = parting[1:]
		}
		actions = append(actions, outcome(t.Agent, t.Action, t.Failure))
	}
	for _, slot := range parting {
		actions = append(actions, s.farewell(slot))
	}
	return actions
}

// Restore starts a world anew, or from the state that a checkpoint has, steps it
// through the outcomes recorded since, and gives where the run goes on. A world
// that does not say again what it said before is found out here. A plan without
// a world has none.
func Restore(ctx context.Context, lg log, p *plan.Plan, run string, w world.World, from *Checkpoint) (*Start, error) {
	if w == nil {
		return Rebuild(ctx, lg, p)
	}
	init := WorldInit(p, run)
	if from != nil {
		init.State, init.Tick = from.World, from.Tick
	}
	ready, err := w.Start(ctx, init)
	if err != nil {
		return nil, fmt.Errorf("world %s failed at its start: %w", worldName(p), err)
	}
	out := newOutlook(p, ready.Observations)
	soc, err := replay(ctx, lg, p, from, nil, func(s *society, rec *record.Record) error {
		if d := out.differs(s, rec); d != nil {
			return fmt.Errorf("world %s does not depend on its seed and the actions alone: %s", worldName(p), d.Text("recorded", "now"))
		}
		if !s.steps(rec) {
			return nil
		}
		stepped, err := w.Step(ctx, s.stepped, s.recorded(nil, rec))
		out.renew(stepped.Observations, rec.Tick+1)
		if err != nil {
			return fmt.Errorf("cannot step the world %s again at tick %d: %w", worldName(p), rec.Tick, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &Start{Ready: ready, Observations: out.rest(soc), soc: soc}, nil
}

// sameObservations holds what a restored world gives against the record, and
// gives the first difference. What that has is the record's and the world's.
func (s *society) sameObservations(list []world.Observation, rec *record.Record) *record.Difference {
	given := make(map[string][]byte, len(list))
	for _, o := range list {
		given[o.Agent] = o.JSON
	}
	for _, slot := range s.parting {
		delete(given, s.members[slot].id)
	}
	for i := range rec.Turns {
		t := &rec.Turns[i]
		if d := record.NewDifference(rec.Tick, t.Agent, "observation", t.Observation, given[t.Agent]); d != nil {
			return d
		}
		delete(given, t.Agent)
	}
	if len(given) > 0 {
		id := slices.Min(slices.Collect(maps.Keys(given)))
		return record.NewDifference(rec.Tick, id, "observation", nil, given[id])
	}
	return nil
}
