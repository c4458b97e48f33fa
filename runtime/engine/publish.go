package engine

import (
	"context"
	"slices"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/record"
)

// Publish puts a message of an agent's in, apart from its turns. It is for the
// realtime clock; the lockstep has what an agent sends go with its act.
func (d *Door) Publish(ctx context.Context, from string, m agent.Send) (tick int, err error) {
	return d.call(ctx, &call{message: true, prepare: func(l *loop, rec *record.Record) error {
		slot, known := l.soc.find(from)
		if !known || !l.soc.members[slot].alive {
			return refused("there is no agent %s any more", from)
		}
		why := l.soc.refuse(slot, from, m.To, m.Channel, m.Body)
		if why == "" && m.To != "" && l.gone[m.To] != 0 {
			why = whyEnded
		}
		if why == "" {
			why, _ = l.exceeds(slot, m)
		}
		if why != "" {
			return refused("%s", why)
		}
		rec.Messages = append(rec.Messages, record.Message{From: from, To: m.To, Channel: m.Channel, Body: m.Body})
		return nil
	}})
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
