package engine

import (
	"errors"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
)

// An agent at its limit is not asked any more; the others play on.
func TestAgentsLimits(t *testing.T) {
	for name, c := range map[string]struct {
		limits plan.EntryLimits
		turn   string
	}{
		"usd":   {plan.EntryLimits{USD: agent.Dollar}, "a budget/action 0 unsent"},
		"turns": {plan.EntryLimits{Turns: 4}, "a limit/action 0 unsent"},
	} {
		t.Run(name, func(t *testing.T) {
			stay := plan.Policy{Name: "action", Action: []byte("0")}
			p := planOf(4, map[agent.Failure]plan.Policy{agent.Budget: stay, agent.Limit: stay}, "a", "b")
			p.Entries[0].Limits = c.limits
			tr := newTrial(t, p)
			asks := 0
			tr.fleet.scripts["a"] = func(*agent.Observe) agent.Answer { asks++; return acts("1") }
			tr.fleet.costs = map[string]agent.Usage{"a": {USD: agent.Dollar / 2, Turns: 2}}
			tr.run(t)
			same(t, "asks", asks, 2)
			same(t, "turn 1", turnText(tr.log.at(t, 1).Turns[0]), "a / 1")
			same(t, "turn 2", turnText(tr.log.at(t, 2).Turns[0]), c.turn)
			same(t, "turn 3", turnText(tr.log.at(t, 3).Turns[0]), c.turn)
			same(t, "the other's", turnText(tr.log.at(t, 3).Turns[1]), "b / {}")
		})
	}
}

// A run at its limit stops between two ticks, with all of its record.
func TestRunsLimit(t *testing.T) {
	p := planOf(9, nil, "a", "b")
	p.Limits.USD = 2 * agent.Dollar
	tr := newTrial(t, p)
	tr.fleet.costs = map[string]agent.Usage{"a": {USD: agent.Dollar / 2}, "b": {USD: agent.Dollar / 10}}
	err := tr.fault(t, "before tick 4", "$2.4 of $2", "limits.usd")
	var limit *LimitError
	if !errors.As(err, &limit) || limit.Tick != len(tr.log.records) {
		t.Errorf("%v after %d records", err, len(tr.log.records))
	}
	usages := tr.log.at(t, 3).Annex.Usages
	same(t, "usages", len(usages), 2)
	same(t, "who used it", usages[0].Agent+usages[1].Agent, "ab")
}
