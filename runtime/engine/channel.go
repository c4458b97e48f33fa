package engine

import (
	"slices"
	"strings"

	"github.com/troupe-dev/troupe/runtime/plan"
)

// A channel is a named group. The scenario's patterns cover agents that come
// later, also after the world has set the members.
type channel struct {
	plan    *plan.Channel
	members []int32 // living ones, ascending
}

func compare(a, b string) int { return strings.Compare(a, b) }

func (s *society) newChannel(c *plan.Channel) *channel {
	ch := &channel{plan: c}
	ch.set(s, c.Members)
	return ch
}

func (c *channel) has(slot int32) bool {
	_, ok := slices.BinarySearch(c.members, slot)
	return ok
}

// set replaces the members; who is unknown or has ended is left out.
func (c *channel) set(s *society, ids []string) {
	c.members = c.members[:0]
	for _, id := range ids {
		if slot, ok := s.find(id); ok && s.members[slot].alive {
			c.members = append(c.members, slot)
		}
	}
	slices.Sort(c.members)
	c.members = slices.Compact(c.members)
}

// greet puts a new agent into the channels whose patterns cover it. Its slot
// is the highest, so each list stays sorted.
func (s *society) greet(slot int32) {
	id := s.members[slot].id
	for _, c := range s.channels {
		if c.plan.Covers(id) {
			c.members = append(c.members, slot)
		}
	}
}

// leaveChannels takes the ended out of every channel.
func (s *society) leaveChannels() {
	for _, c := range s.channels {
		c.members = slices.DeleteFunc(c.members, func(slot int32) bool { return !s.members[slot].alive })
	}
}

// Channels are those that an agent is in, sorted.
func (s *Start) Channels(id string) []string {
	slot, known := s.soc.find(id)
	if !known {
		return nil
	}
	var in []string
	for name, c := range s.soc.channels {
		if c.has(slot) {
			in = append(in, name)
		}
	}
	slices.Sort(in)
	return in
}
