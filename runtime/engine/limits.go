package engine

import (
	"fmt"
	"slices"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/record"
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
	spent, most := l.spent(), &l.Plan.Limits
	if most.Wall > 0 && spent.Wall >= most.Wall {
		return &LimitError{Limit: "limits.wall", Tick: l.soc.tick, Text: fmt.Sprintf("it has taken %s", most.Wall)}
	}
	if most.CPU > 0 && spent.CPU >= most.CPU {
		return &LimitError{Limit: "limits.cpu", Tick: l.soc.tick,
			Text: fmt.Sprintf("its agents have taken %s of %s of processor time", spent.CPU.Round(time.Millisecond), most.CPU)}
	}
	return nil
}

// A meter is what a fleet can do beside asking, for runs with a limit of
// processor time: say what its processes have taken.
type meter interface {
	CPU() time.Duration
}

// spent is what the run has taken so far, as far as it is limited.
func (l *loop) spent() agent.Spent {
	s := l.before
	if l.Plan.Limits.Wall > 0 {
		s.Wall += time.Since(l.began) - l.Pace.pausedFor()
	}
	if l.Plan.Limits.CPU > 0 && l.meter != nil {
		s.CPU += l.meter.CPU()
	}
	return s
}

// clock adds to a record's facts what the run has taken, where it is time to: a run
// that goes on counts from there.
func (l *loop) clock(facts []record.Fact) []record.Fact {
	now := l.spent()
	if !now.Due(l.told, agent.Spent{CPU: l.Plan.Limits.CPU, Wall: l.Plan.Limits.Wall}) {
		return facts
	}
	l.told = now
	return append(facts, record.Fact{Kind: record.FactSpent, Tick: l.soc.tick, Detail: now.String()})
}

// A second counts what an agent has sent since it began.
type second struct {
	began time.Time
	sent  int
}

// oversent says which limit of messages an answer passes, if any, with what its
// agent has sent before it through its socket.
func (l *loop) oversent(t *turn, sends []agent.Send) (why string) {
	for i := range t.staged {
		if t.staged[i].Op == agent.OpSend {
			sends = append(slices.Clip(sends), t.staged[i].Send)
		}
	}
	why, timed := l.exceeds(t.slot, sends...)
	t.timed = t.timed || timed
	return why
}

// exceeds says which limit of messages an agent passes that sends these, if any.
// Under the realtime clock the time decides: what an agent has sent in one second
// counts together, with its answers and otherwise.
func (l *loop) exceeds(slot int32, sends ...agent.Send) (why string, timed bool) {
	if len(sends) == 0 {
		return "", false
	}
	limits := &l.soc.plan.Entries[l.soc.members[slot].entry].Limits
	most := int(limits.MessageBytes)
	for i := range sends {
		if n := len(sends[i].Body); most > 0 && n > most {
			return fmt.Sprintf("limits.message_bytes: it sent a message of %d bytes, of %s", n, limits.MessageBytes), false
		}
	}
	if limits.Messages == 0 {
		return "", false
	}
	n, unit := len(sends), "tick"
	if l.soc.realtime {
		n, unit = l.inSecond(slot, n), "second"
	}
	if n > limits.Messages {
		return fmt.Sprintf("limits.messages: it sent %d messages, of %d in a %s", n, limits.Messages, unit), l.soc.realtime
	}
	return "", false
}

// inSecond counts what an agent sends with what it has sent in the same second.
func (l *loop) inSecond(slot int32, n int) int {
	if l.seconds == nil {
		l.seconds = map[int32]second{}
	}
	now, s := time.Now(), l.seconds[slot]
	if now.Sub(s.began) >= time.Second {
		s = second{began: now}
	}
	s.sent += n
	l.seconds[slot] = s
	return s.sent
}

// exhausted says which limit a member has come to, if any: it is not asked.
func (s *society) exhausted(slot int32) (f agent.Failure, why string) {
	m := &s.members[slot]
	most, used := s.plan.Entries[m.entry].Limits, m.usage()
	switch {
	case m.substitute != nil: // it is the one it stands for that had them
	case most.USD > 0 && used.USD >= most.USD:
		return agent.Budget, fmt.Sprintf("its model has cost %s of %s (limits.usd)", used.USD, most.USD)
	case most.Turns > 0 && m.kind.model && used.Turns >= most.Turns:
		return agent.Limit, fmt.Sprintf("its model has had %d turns of %d (limits.turns)", used.Turns, most.Turns)
	case most.Turns > 0 && !m.kind.model && int(m.turns) >= most.Turns:
		return agent.Limit, fmt.Sprintf("it has had %d turns of %d (limits.turns)", m.turns, most.Turns)
	}
	return "", ""
}
