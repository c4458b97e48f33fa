package engine

import (
	"fmt"
	"slices"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/world"
)

// seat takes the observations of the next tick. An agent that ended itself in
// the very tick is left out: the world could not know. All others must be in
// force then.
func (l *loop) seat(list []world.Observation) error {
	l.next = slices.Grow(l.next[:0], len(list))
	for i := range list {
		o := &list[i]
		slot, err := l.seatOf(o.Agent)
		if err == nil && slot < 0 {
			continue
		}
		if err == nil {
			err = l.fits(slot, o)
		}
		if err != nil {
			return l.blame(err)
		}
		l.next = append(l.next, seat{id: o.Agent, slot: slot, observation: o.JSON})
	}
	byID := func(a, b seat) int { return compare(a.id, b.id) }
	if !slices.IsSortedFunc(l.next, byID) {
		slices.SortFunc(l.next, byID)
	}
	for i := 1; i < len(l.next); i++ {
		if l.next[i].id == l.next[i-1].id {
			return l.blame(fmt.Errorf("it gave two observations to agent %q", l.next[i].id))
		}
	}
	return nil
}

// seatOf gives the slot that an agent has in the next tick, or -1 where its
// observation is to be left out.
func (l *loop) seatOf(id string) (int32, error) {
	if slot, ok := l.added.slots[id]; ok {
		return slot, nil
	}
	slot, known := l.soc.find(id)
	switch {
	case !known:
		return 0, fmt.Errorf("it gave an observation to %q, which is no agent", id)
	case l.gone[id] == endedItself:
		return -1, nil
	case l.gone[id] == removed || !l.soc.members[slot].alive:
		return 0, fmt.Errorf("it gave an observation to agent %q, which has ended", id)
	}
	return slot, nil
}

// fits says whether a line can carry an observation.
func (l *loop) fits(slot int32, o *world.Observation) error {
	n := len(o.JSON)
	if n == 0 {
		return fmt.Errorf("it gave an empty observation to agent %q", o.Agent)
	}
	if int(slot) < len(l.soc.members) {
		n += len(l.soc.members[slot].config)
	} else {
		n += len(l.added.agents[int(slot)-len(l.soc.members)].Config)
	}
	if n >= maxObservation {
		return fmt.Errorf("its observation of agent %q has, with the agent's config, %d bytes: a line of %d carries at most %d of them",
			o.Agent, n, agent.MaxLine, maxObservation)
	}
	return nil
}
