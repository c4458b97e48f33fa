package engine

import (
	"bytes"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/world"
)

// writeWorld writes what the world answered into the record.
func (l *loop) writeWorld(st *world.Stepped) error {
	l.rec.Events = st.Events
	for _, part := range []func(*world.Stepped) error{
		l.writeRemoved, l.writeAdded, l.writeScores, l.writeChannels, l.writeColumns,
	} {
		if err := part(st); err != nil {
			return err
		}
	}
	return nil
}

// writeRemoved writes who leaves. To remove an agent that ended itself is no
// fault; it is recorded only if the world has not been told yet, and then it
// never is.
func (l *loop) writeRemoved(st *world.Stepped) error {
	var seen map[string]bool
	for _, id := range st.Remove {
		slot, known := l.soc.find(id)
		if !known {
			return fmt.Errorf("it removed %q, which is no agent", id)
		}
		if seen[id] {
			return fmt.Errorf("it removed agent %q twice", id)
		}
		if seen == nil {
			seen = map[string]bool{}
		}
		seen[id] = true
		m := &l.soc.members[slot]
		switch {
		case l.gone[id] == endedItself:
		case m.alive:
			l.gone[id] = removed
		case m.done:
			continue
		default:
			return fmt.Errorf("it removed agent %q, which it removed before", id)
		}
		l.rec.Removed = append(l.rec.Removed, id)
	}
	return nil
}

// writeAdded admits newcomers, against who will be alive in the next tick.
func (l *loop) writeAdded(st *world.Stepped) error {
	if len(st.Add) == 0 {
		return nil
	}
	alive := slices.Clone(l.soc.perEntry)
	for id := range l.gone {
		if m := &l.soc.members[l.soc.slots[id]]; m.alive {
			alive[m.entry]--
		}
	}
	l.added.slots = make(map[string]int32, len(st.Add))
	for _, a := range st.Add {
		if _, known := l.soc.find(a.ID); known || l.added.has(a.ID) {
			return fmt.Errorf("it added agent %q, which is or was one: an id is used once in a run", a.ID)
		}
		pa, proc, err := l.Plan.Admit(a.ID, a.Config, func(entry int) int { return alive[entry] })
		if err != nil {
			return err
		}
		alive[pa.Entry]++
		l.added.slots[a.ID] = int32(len(l.soc.members) + len(l.added.agents))
		l.added.agents = append(l.added.agents, pa)
		l.added.processes = append(l.added.processes, proc)
		l.rec.Added = append(l.rec.Added, record.Added{Agent: a.ID, Config: pa.Config})
	}
	return nil
}

func (a *addition) has(id string) bool { _, ok := a.slots[id]; return ok }

func (l *loop) writeScores(st *world.Stepped) error {
	rec := &l.rec
	for _, sc := range st.Scores {
		if len(sc.Value) == 0 {
			return fmt.Errorf("it gave an empty score to agent %q", sc.Agent)
		}
		if slot, known := l.soc.find(sc.Agent); known {
			if bytes.Equal(l.soc.members[slot].score, sc.Value) {
				continue
			}
		} else if !l.added.has(sc.Agent) {
			return fmt.Errorf("it gave a score to %q, which is no agent", sc.Agent)
		}
		rec.Scores = append(rec.Scores, record.Score{Agent: sc.Agent, Value: sc.Value})
	}
	byID := func(a, b record.Score) int { return compare(a.Agent, b.Agent) }
	if !slices.IsSortedFunc(rec.Scores, byID) {
		slices.SortFunc(rec.Scores, byID)
	}
	for i := 1; i < len(rec.Scores); i++ {
		if rec.Scores[i].Agent == rec.Scores[i-1].Agent {
			return fmt.Errorf("it gave two scores to agent %q", rec.Scores[i].Agent)
		}
	}
	return nil
}

// writeChannels writes whose members the world sets, where that is a change.
func (l *loop) writeChannels(st *world.Stepped) error {
	list := slices.Clone(st.Channels)
	slices.SortFunc(list, func(a, b world.Channel) int { return compare(a.Name, b.Name) })
	for i, c := range list {
		if i > 0 && list[i-1].Name == c.Name {
			return fmt.Errorf("it set the members of channel %q twice", c.Name)
		}
		ch := l.soc.channels[c.Name]
		if ch == nil {
			return fmt.Errorf("it set the members of channel %q, which the scenario does not have: its channels are %s", c.Name, channelNames(l.Plan))
		}
		members, err := l.membersOf(c)
		if err != nil {
			return err
		}
		if !l.sameMembers(ch, members) {
			l.rec.Channels = append(l.rec.Channels, record.Channel{Name: c.Name, Members: members})
		}
	}
	return nil
}

// membersOf is the agents of c that are in force in the next tick, by id.
func (l *loop) membersOf(c world.Channel) ([]string, error) {
	members := make([]string, 0, len(c.Members))
	for _, id := range c.Members {
		slot, known := l.soc.find(id)
		switch {
		case !known && !l.added.has(id):
			return nil, fmt.Errorf("it put %q into channel %q, which is no agent", id, c.Name)
		case known && (!l.soc.members[slot].alive || l.gone[id] != 0):
		default:
			members = append(members, id)
		}
	}
	slices.Sort(members)
	return slices.Compact(members), nil
}

// sameMembers says whether the ids are the members that ch has and keeps.
func (l *loop) sameMembers(ch *channel, ids []string) bool {
	if len(l.added.agents)+len(l.gone) > 0 || len(ids) != len(ch.members) {
		return false
	}
	for _, id := range ids {
		if !ch.has(l.soc.slots[id]) {
			return false
		}
	}
	return true
}

func channelNames(p *plan.Plan) string {
	if len(p.Channels) == 0 {
		return "none"
	}
	names := make([]string, len(p.Channels))
	for i := range p.Channels {
		names[i] = p.Channels[i].Name
	}
	sort.Strings(names)
	return strings.Join(names, ", ")
}

func (l *loop) writeColumns(st *world.Stepped) error {
	seen := make(map[string]bool, len(st.Columns))
	for _, c := range st.Columns {
		if seen[c.Name] {
			return fmt.Errorf("it gave column %q twice", c.Name)
		}
		seen[c.Name] = true
	}
	l.pick.collect(&l.rec, st.Columns)
	return nil
}
