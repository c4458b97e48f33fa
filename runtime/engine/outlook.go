package engine

import (
	"maps"
	"slices"

	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/world"
)

// An outlook is what a world that is stepped through a record again has agents
// observe, to be held against the record.
type outlook struct {
	list []world.Observation // of the next tick, in lockstep
	dues *dues               // in realtime
}

func newOutlook(p *plan.Plan, list []world.Observation) *outlook {
	o := &outlook{}
	if p.Clock.Mode == plan.Realtime {
		o.dues = newDues(true)
	}
	o.renew(list, 0)
	return o
}

// renew takes what the world gave when there were so many records.
func (o *outlook) renew(list []world.Observation, records int) {
	if o.dues == nil {
		o.list = list
		return
	}
	for _, x := range list {
		o.dues.give(x.Agent, records, x.JSON)
	}
}

// differs gives the first difference between what the agents of a record would
// observe now and what they did. What that has is the record's and the world's.
func (o *outlook) differs(s *society, rec *record.Record) *record.Difference {
	if o.dues == nil {
		return s.sameObservations(o.list, rec)
	}
	for i := range rec.Turns {
		t := &rec.Turns[i]
		now := o.dues.take(t.Agent, s.takenBy(s.slots[t.Agent], t).Tick)
		if d := record.NewDifference(rec.Tick, t.Agent, "observation", t.Observation, now); d != nil {
			return d
		}
	}
	return nil
}

// rest is what is still to be observed where the record ends.
func (o *outlook) rest(s *society) []world.Observation {
	if o.dues == nil {
		return o.list
	}
	var list []world.Observation
	for _, id := range slices.Sorted(maps.Keys(o.dues.of)) {
		if slot, known := s.find(id); known && s.members[slot].alive {
			given := o.dues.of[id]
			list = append(list, world.Observation{Agent: id, JSON: given[len(given)-1].json})
		}
	}
	return list
}
