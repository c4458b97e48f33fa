package engine

import (
	"fmt"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// A LimitError says that the run came to one of its limits. The log ends with
// the last committed tick, from which the run can go on once the limit is
// higher.
type LimitError struct {
	Limit string // as the scenario writes it: limits.usd
	Tick  int    // that was not begun
	Text  string // what was reached, for people
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("the run stops before tick %d: %s (%s)", e.Tick, e.Text, e.Limit)
}

// afford says whether the run may begin another tick.
func (l *loop) afford() error {
	if most := l.Plan.Limits.USD; most > 0 && l.soc.usd >= most {
		return &LimitError{Limit: "limits.usd", Tick: l.soc.tick, Text: fmt.Sprintf("its models have cost %s of %s", l.soc.usd, most)}
	}
	return nil
}

// exhausted says which limit a member has come to, if any: it is not asked.
func (s *society) exhausted(slot int32) (f agent.Failure, why string) {
	m := &s.members[slot]
	most, used := s.plan.Entries[m.entry].Limits, m.usage()
	switch {
	case m.substitute != nil: // it is the one it stands for that had them
	case most.USD > 0 && used.USD >= most.USD:
		return agent.Budget, fmt.Sprintf("its model has cost %s of %s (limits.usd)", used.USD, most.USD)
	case most.Turns > 0 && used.Turns >= most.Turns:
		return agent.Limit, fmt.Sprintf("its model has had %d turns of %d (limits.turns)", used.Turns, most.Turns)
	}
	return "", ""
}
