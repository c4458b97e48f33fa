package engine

import (
	"errors"
	"fmt"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/world"
)

func under(f agent.Failure, p plan.Policy) map[agent.Failure]plan.Policy {
	return map[agent.Failure]plan.Policy{f: p}
}

// turnText is what a turn says beside its observation.
func turnText(t record.Turn) string {
	text := fmt.Sprintf("%s %s/%s %s", t.Agent, t.Failure, t.Policy, t.Action)
	if t.Unsent {
		text += " unsent"
	}
	if t.Done {
		text += " done"
	}
	return text
}

func TestPolicies(t *testing.T) {
	sub := &plan.Substitute{Kind: "stdio"}
	invalid := fails(agent.InvalidAction, "no such move")
	for name, c := range map[string]struct {
		policies map[agent.Failure]plan.Policy
		answers  []agent.Answer // of agent a in tick 0, one after the other
		given    string         // to the world
		turn     string
		attempts string
	}{
		"none means skip": {nil, []agent.Answer{fails(agent.Limit, "")}, "a=limit b={}", "a limit/skip ", ""},
		"skip": {under(agent.Deadline, plan.Policy{Name: "skip"}),
			[]agent.Answer{fails(agent.Deadline, "")}, "a=deadline b={}", "a deadline/skip ", ""},
		"noop": {under(agent.Deadline, plan.Policy{Name: "noop"}),
			[]agent.Answer{fails(agent.Deadline, "")}, `a={"noop":1} b={}`, `a deadline/noop {"noop":1}`, ""},
		"action": {under(agent.Crash, plan.Policy{Name: "action", Action: []byte(`"stay"`)}),
			[]agent.Answer{fails(agent.Crash, "")}, `a="stay" b={}`, `a crash/action "stay"`, ""},
		"restart, given up": {under(agent.Crash, plan.Policy{Name: "restart"}),
			[]agent.Answer{fails(agent.Crash, "")}, `a=crash b={}`, `a crash/restart `, ""},
		"wait, given up": {under(agent.RateLimited, plan.Policy{Name: "wait"}),
			[]agent.Answer{fails(agent.RateLimited, "429")}, `a=rate_limited b={}`, `a rate_limited/wait `, "[1 rate_limited 429]"},
		"retry, accepted": {under(agent.InvalidAction, plan.Policy{Name: "retry", Attempts: 3}),
			[]agent.Answer{invalid, invalid, acts("7")}, "a=7 b={}", "a / 7",
			"[1 invalid_action no such move][2 invalid_action no such move]"},
		"retry, used up": {under(agent.InvalidAction, plan.Policy{Name: "retry"}),
			[]agent.Answer{invalid, invalid}, "a=invalid_action b={}", "a invalid_action/retry ",
			"[1 invalid_action no such move][2 invalid_action no such move]"},
		"retry of a crash": {under(agent.Crash, plan.Policy{Name: "retry"}),
			[]agent.Answer{fails(agent.Crash, "signal 9"), acts("1")}, "a=1 b={}", "a / 1", "[1 crash signal 9]"},
		"retry asks nobody who owes an answer": {under(agent.Deadline, plan.Policy{Name: "retry"}),
			[]agent.Answer{fails(agent.Deadline, "")}, "a=deadline b={}", "a deadline/retry ", ""},
		"retry asks nobody who is not there": {under(agent.Spawn, plan.Policy{Name: "retry"}),
			[]agent.Answer{{Failure: agent.Spawn, Unsent: true}}, "a=spawn b={}", "a spawn/retry  unsent", ""},
		"substitute": {under(agent.Crash, plan.Policy{Name: "substitute", Substitute: sub}),
			[]agent.Answer{fails(agent.Crash, "x"), acts("5")}, "a=5 b={}", "a /substitute 5", "[1 crash x]"},
		"substitute that fails": {under(agent.Crash, plan.Policy{Name: "substitute", Substitute: sub}),
			[]agent.Answer{fails(agent.Crash, "x"), fails(agent.Crash, "y")}, "a=crash b={}", "a crash/substitute ", "[1 crash x]"},
		"substitute that never had it": {under(agent.Crash, plan.Policy{Name: "substitute", Substitute: sub}),
			[]agent.Answer{fails(agent.Crash, "x"), {Failure: agent.Spawn, Unsent: true}}, "a=spawn b={}", "a spawn/substitute  unsent", "[1 crash x]"},
		"no action at all is null": {nil, []agent.Answer{{}}, "a=null b={}", "a / null", ""},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTrial(t, planOf(1, c.policies, "a", "b"))
			tr.world.ready = func(world.Init) world.Ready {
				return world.Ready{Observations: sees(0, "b", "a"), Noop: []byte(`{"noop":1}`)}
			}
			asks := 0
			tr.fleet.scripts["a"] = func(*agent.Observe) agent.Answer { asks++; return c.answers[asks-1] }
			res := tr.run(t)
			same(t, "asks", asks, len(c.answers))
			same(t, "given to the world", tr.world.given, []string{c.given})
			rec := tr.log.at(t, 0)
			same(t, "turn", turnText(rec.Turns[0]), c.turn)
			text := ""
			for _, a := range rec.Annex.Attempts {
				text += fmt.Sprintf("[%d %s %s]", a.Attempt, a.Failure, a.Error)
			}
			same(t, "attempts", text, c.attempts)
			same(t, "end", res.End, record.EndTicks)
		})
	}
}

func TestRetryIsTheSameObserveWithTheError(t *testing.T) {
	tr := newTrial(t, planOf(1, under(agent.InvalidAction, plan.Policy{Name: "retry"}), "a"))
	asks := 0
	tr.fleet.scripts["a"] = func(o *agent.Observe) agent.Answer {
		if asks++; o.Attempt == 1 {
			return fails(agent.InvalidAction, "no")
		}
		return acts("1")
	}
	tr.run(t)
	same(t, "lines", tr.fleet.asked, []string{
		`{"type":"observe","agent":"a","tick":0,"observation":{"t":0},"messages":[],"results":[]}` + "\n",
		`{"type":"observe","agent":"a","tick":0,"observation":{"t":0},"messages":[],"results":[],"attempt":2,"error":"no"}` + "\n",
	})
}

func TestSubstituteAnswersFromThenOn(t *testing.T) {
	policies := map[agent.Failure]plan.Policy{
		agent.Crash: {Name: "substitute", Substitute: &plan.Substitute{Kind: "stdio"}},
	}
	tr := newTrial(t, planOf(3, policies, "a"))
	asks := 0
	tr.fleet.scripts["a"] = func(o *agent.Observe) agent.Answer {
		if asks++; asks == 1 || o.Tick == 2 {
			return fails(agent.Crash, "")
		}
		return acts("1")
	}
	tr.run(t)
	same(t, "substituted", tr.fleet.replaced, []string{"a by stdio"})
	same(t, "a second time", turnText(tr.log.at(t, 2).Turns[0]), "a crash/skip ")
	start, err := Rebuild(t.Context(), tr.log, tr.cfg.Plan)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "rebuilt", start.Substitutes()["a"].Kind, "stdio")
}

func TestStopAbandonsTheTick(t *testing.T) {
	tr := newTrial(t, planOf(9, under(agent.Spawn, plan.Policy{Name: "stop"}), "a", "b"))
	tr.fleet.scripts["b"] = func(o *agent.Observe) agent.Answer {
		if o.Tick == 2 {
			return agent.Answer{Failure: agent.Spawn, Detail: "no such file", Unsent: true}
		}
		return acts("1")
	}
	err := tr.fault(t, `agent "b"`, "tick 2", "spawn", "no such file", "resumed")
	var stop *StopError
	if !errors.As(err, &stop) || stop.Agent != "b" || stop.Tick != 2 || stop.Failure != agent.Spawn {
		t.Errorf("stop error is %#v", err)
	}
	same(t, "committed", tr.fleet.committed, []int{0, 1})
}

func TestAbortCommitsWithoutAStep(t *testing.T) {
	policies := map[agent.Failure]plan.Policy{
		agent.Crash:         {Name: "abort"},
		agent.InvalidAction: {Name: "retry"},
	}
	tr := newTrial(t, planOf(9, policies, "a", "b", "c"))
	tr.fleet.scripts["a"] = func(o *agent.Observe) agent.Answer {
		if o.Tick == 1 {
			return fails(agent.Crash, "")
		}
		return acts("1")
	}
	tr.fleet.scripts["b"] = func(o *agent.Observe) agent.Answer {
		if o.Attempt == 1 {
			return fails(agent.InvalidAction, "no")
		}
		return acts("2", tells("c", "1"))
	}
	res := tr.run(t)
	same(t, "end", res.End, record.EndAborted)
	same(t, "steps", len(tr.world.given), 1)
	rec := tr.log.at(t, 1)
	same(t, "turns", []string{turnText(rec.Turns[0]), turnText(rec.Turns[1]), turnText(rec.Turns[2])},
		[]string{"a crash/abort ", "b / 2", "c / {}"})
	same(t, "messages", len(rec.Messages), 1)
}

func TestPoliciesThatCannotBe(t *testing.T) {
	tr := newTrial(t, planOf(1, under(agent.Crash, plan.Policy{Name: "pray"}), "a"))
	_ = tr.fault(t, "pray", "abort, action, continue, noop, restart, retry, skip, stop, substitute, wait")
	tr = newTrial(t, planOf(1, under(agent.Crash, plan.Policy{Name: "noop"}), "a"))
	_ = tr.fault(t, "noop", "played", "crash")
}

func TestTimedOutcomesAreCounted(t *testing.T) {
	tr := newTrial(t, planOf(3, nil, "a", "b"))
	tr.fleet.scripts["b"] = func(o *agent.Observe) agent.Answer {
		if o.Tick == 1 {
			return acts("1")
		}
		return agent.Answer{Failure: agent.Deadline, Timed: true, Unsent: o.Tick == 2}
	}
	res := tr.run(t)
	same(t, "timed", res.Timed, 2)
	same(t, "in tick 1", tr.log.at(t, 1).Annex.Timed, 0)
	same(t, "in tick 2", tr.log.at(t, 2).Annex.Timed, 1)
}
