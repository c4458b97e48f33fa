package engine

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// apply takes in the next committed record.
func (s *society) apply(rec *record.Record, hash [32]byte) error {
	if rec.Tick != s.tick {
		return fmt.Errorf("record of tick %d where that of tick %d was due", rec.Tick, s.tick)
	}
	if err := s.consume(rec); err != nil {
		return err
	}
	s.deliver(rec)
	for _, sc := range rec.Scores {
		if slot, ok := s.find(sc.Agent); ok {
			m := &s.members[slot]
			m.score = append(m.score[:0], sc.Value...)
		}
	}
	s.spend(rec)
	if s.part(rec) {
		s.leaveChannels()
	}
	if err := s.admit(rec.Added); err != nil {
		return err
	}
	for _, c := range rec.Channels {
		if ch := s.channels[c.Name]; ch != nil {
			ch.set(s, c.Members)
		}
	}
	if s.steps(rec) {
		s.stepped++
	}
	s.share(rec)
	s.tick, s.hash, s.end = rec.Tick+1, hash, rec.End
	s.timed += rec.Annex.Timed
	return s.changeOver()
}

// spend counts what models were used for, and what else is limited over a run.
func (s *society) spend(rec *record.Record) {
	for i := range rec.Annex.Facts {
		if f := &rec.Annex.Facts[i]; f.Kind == record.FactSpent {
			if s.spent == nil {
				s.spent = map[string]string{}
			}
			s.spent[strings.Clone(f.Agent)] = strings.Clone(f.Detail)
		}
	}
	for i := range rec.Annex.Usages {
		u := &rec.Annex.Usages[i]
		s.usd += u.USD
		if slot, ok := s.find(u.Agent); ok {
			m := &s.members[slot]
			if m.used == nil {
				m.used = &agent.Usage{}
			}
			m.used.Add(&u.Usage)
			if u.Session != "" {
				m.used.Session = u.Session
			}
		}
	}
}

// consume drops the mail and the results that this tick's turns took, and
// notes who has a substitute since.
func (s *society) consume(rec *record.Record) error {
	for i := range rec.Turns {
		t := &rec.Turns[i]
		slot, ok := s.find(t.Agent)
		if !ok {
			return fmt.Errorf("record of tick %d has a turn of agent %q, which the plan does not know", rec.Tick, t.Agent)
		}
		m := &s.members[slot]
		if !t.Unsent && s.plan.Entries[m.entry].Limits.Turns > 0 {
			m.turns++
		}
		if !t.Unsent && len(m.mail)+len(m.results) > 0 {
			x := s.takenBy(slot, t)
			m.mail = drop(m.mail, x.Messages)
			m.results = drop(m.results, x.Results)
		}
		if t.Policy == policySubstitute {
			m.substitute, m.since = s.successor(m, rec), rec.Tick
			if m.substitute != nil {
				m.kind = s.kind(m.substitute.Kind)
			}
		}
	}
	return nil
}

// steps says whether the world is stepped with what a record holds: in
// realtime where a turn answers an observation.
func (s *society) steps(rec *record.Record) bool {
	switch {
	case rec.End == record.EndAborted:
		return false
	case s.realtime:
		return len(rec.Turns) > 0 && len(rec.Turns[0].Observation) > 0
	}
	return true
}

// drop takes the first n off a list, in place.
func drop[T any](list []T, n int) []T {
	rest := copy(list, list[n:])
	clear(list[rest:])
	return list[:rest]
}

// successor is the substitute that took over from m in rec's tick: that of the
// policy for the failure which its own process ended with.
func (s *society) successor(m *member, rec *record.Record) *plan.Substitute {
	own, _ := attemptsOf(rec.Annex.Attempts, m.id, true)
	if len(own) == 0 {
		return nil
	}
	return s.policy(m, own[len(own)-1].Failure).Substitute
}

// part ends those who said done and those who were removed, and says whether
// there were any. The world, if there is one, is told of them when it is stepped
// next, once, unless it removed them itself.
func (s *society) part(rec *record.Record) (went bool) {
	if s.steps(rec) {
		s.parting = s.parting[:0]
	}
	for i := range rec.Turns {
		if t := &rec.Turns[i]; t.Done {
			went = true
			slot := s.slots[t.Agent]
			s.kill(slot)
			s.members[slot].done = true
			if !slices.Contains(rec.Removed, t.Agent) {
				s.parting = append(s.parting, slot)
			}
		}
	}
	for _, id := range rec.Removed {
		if slot, ok := s.find(id); ok {
			went = true
			s.kill(slot)
			if s.fromOutside(rec) {
				s.parting = append(s.parting, slot)
			}
		}
	}
	switch {
	case !went:
	case s.plan.World.None():
		s.parting = s.parting[:0]
	case s.realtime: // they may have come in several records
		slices.SortFunc(s.parting, func(a, b int32) int { return compare(s.members[a].id, s.members[b].id) })
	}
	return went
}

// fromOutside says whether whom a record adds or removes was not so by the
// world, which is stepped with turns alone.
func (s *society) fromOutside(rec *record.Record) bool { return s.realtime && len(rec.Turns) == 0 }

func (s *society) kill(slot int32) {
	m := &s.members[slot]
	if m.alive {
		m.alive = false
		s.scene, s.roster = nil, nil
		s.living--
		s.perEntry[m.entry]--
	}
	m.mail, m.results = nil, nil
}

// admit brings in the agents that the world added.
func (s *society) admit(added []record.Added) error {
	for _, a := range added {
		if err := s.enter(a.Agent, a.Config, func(entry int) int { return s.perEntry[entry] }); err != nil {
			return err
		}
	}
	return nil
}

// enter brings in one agent that came later; alive says how many of an entry
// count as living.
func (s *society) enter(id string, config []byte, alive func(entry int) int) error {
	if _, known := s.find(id); known {
		return fmt.Errorf("agent %q is added a second time", id)
	}
	pa, proc, err := s.plan.Admit(id, config, alive)
	if err != nil {
		return fmt.Errorf("cannot admit agent %q: %w", id, err)
	}
	pa.Config = bytes.Clone(config) // as recorded, whatever filling it again gives
	s.agents = append(s.agents, pa)
	s.processes = append(s.processes, proc)
	s.greet(s.join(pa))
	return nil
}
