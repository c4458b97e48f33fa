package engine

import (
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/world"
)

// refuser refuses every action that is not 1, by agent.
func refuser(w *played) {
	w.step = func(tick int, actions []world.Action) (world.Stepped, error) {
		why := map[string]string{}
		for _, a := range actions {
			if a.Failure == "" && string(a.JSON) != "1" {
				why[a.Agent] = "not " + string(a.JSON)
			}
		}
		if len(why) > 0 {
			return world.Stepped{}, &world.Refusal{Why: why}
		}
		return world.Stepped{Observations: again(tick, actions)}, nil
	}
}

func TestRefusedActionsAreAskedAgain(t *testing.T) {
	policies := map[agent.Failure]plan.Policy{
		agent.InvalidAction: {Name: "retry", Attempts: 3},
		agent.Deadline:      {Name: "action", Action: []byte(`9`)},
	}
	tr := newTrial(t, planOf(1, policies, "a", "b", "c", "d"))
	refuser(tr.world)
	tr.fleet.scripts["a"] = func(*agent.Observe) agent.Answer { return acts("1") }
	tr.fleet.scripts["b"] = func(o *agent.Observe) agent.Answer {
		switch o.Attempt {
		case 1:
			return acts("2", tells("a", `"never sent"`))
		case 2:
			same(t, "error", o.Error, "not 2")
			return fails(agent.InvalidAction, "half a line")
		}
		same(t, "error", o.Error, "half a line")
		return acts("1", tells("a", `"sent"`))
	}
	tr.fleet.scripts["c"] = func(*agent.Observe) agent.Answer { return acts("3", tells("a", `"c"`)) }
	tr.fleet.scripts["d"] = func(*agent.Observe) agent.Answer { return fails(agent.Deadline, "") }
	tr.run(t)
	same(t, "steps", tr.world.given, []string{
		"a=1 b=2 c=3 d=9",
		"a=1 b=1 c=3 d=deadline",
		"a=1 b=1 c=3 d=deadline",
		"a=1 b=1 c=invalid_action d=deadline",
	})
	rec := tr.log.at(t, 0)
	var turns []string
	for _, turn := range rec.Turns {
		turns = append(turns, turnText(turn))
	}
	same(t, "turns", turns, []string{"a / 1", "b / 1", "c invalid_action/retry ", "d deadline/action "})
	same(t, "messages", len(rec.Messages), 1)
	same(t, "message", string(rec.Messages[0].Body), `"sent"`)
	same(t, "attempts", len(rec.Annex.Attempts), 5)
	same(t, "an attempt keeps what was answered", string(rec.Annex.Attempts[0].Act.Send[0].Body), `"never sent"`)
}

func TestRefusalUnderOtherPolicies(t *testing.T) {
	for name, c := range map[string]struct {
		policy plan.Policy
		steps  []string
	}{
		"skip":   {plan.Policy{Name: "skip"}, []string{"a=2", "a=invalid_action"}},
		"action": {plan.Policy{Name: "action", Action: []byte("1")}, []string{"a=2", "a=1"}},
		"an action that is refused too": {plan.Policy{Name: "action", Action: []byte("3")},
			[]string{"a=2", "a=3", "a=invalid_action"}},
		"abort": {plan.Policy{Name: "abort"}, []string{"a=2"}},
		"substitute": {plan.Policy{Name: "substitute", Substitute: &plan.Substitute{Kind: "exec"}},
			[]string{"a=2", "a=1"}},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTrial(t, planOf(1, under(agent.InvalidAction, c.policy), "a"))
			refuser(tr.world)
			asks := 0
			tr.fleet.any = func(o *agent.Observe) agent.Answer {
				if asks++; asks == 1 {
					return acts("2")
				}
				if o.Seed != agent.TurnSeed(7, "a", 0) || string(o.Config) != "{}" {
					t.Errorf("a substitute with a process per turn was asked with seed %d and config %q", o.Seed, o.Config)
				}
				return acts("1")
			}
			tr.run(t)
			same(t, "steps", tr.world.given, c.steps)
		})
	}
}

func TestRefusalsThatAreTheWorldsFault(t *testing.T) {
	for name, c := range map[string]struct {
		why  map[string]string
		says string
	}{
		"nobody":               {nil, "no agent"},
		"who was not asked":    {map[string]string{"x": "?"}, `"x"`},
		"who did nothing":      {map[string]string{"b": "?"}, "null already"},
		"who ended itself ago": {map[string]string{"gone": "?"}, `"gone"`},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTrial(t, planOf(2, nil, "a", "b", "gone"))
			tr.world.step = func(tick int, actions []world.Action) (world.Stepped, error) {
				if tick == 0 {
					return world.Stepped{Observations: again(0, actions)}, nil
				}
				return world.Stepped{}, &world.Refusal{Why: c.why}
			}
			tr.fleet.scripts["b"] = func(*agent.Observe) agent.Answer { return fails(agent.Crash, "") }
			tr.fleet.scripts["gone"] = func(*agent.Observe) agent.Answer {
				return agent.Answer{Act: agent.Act{Done: true}}
			}
			_ = tr.fault(t, "played", "tick 1", c.says)
			same(t, "committed", tr.fleet.committed, []int{0})
		})
	}
}
