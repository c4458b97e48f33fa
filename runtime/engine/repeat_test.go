package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/world"
)

// An accountant is a moody fleet that keeps what every process answered, in a
// list that begins anew with each substitute.
type accountant struct {
	*moody
	lives map[string][][]string // by agent, by process
}

func (a *accountant) Substitute(id string, s plan.Substitute) {
	a.lives[id] = append(a.lives[id], a.answered[id])
	a.moody.Substitute(id, s)
}

// An echoing fleet answers what was recorded, for observes that are the
// recorded ones, in their order.
type echoing struct {
	*scripted
	t     *testing.T
	lives map[string][][]string
	other func(o *agent.Observe, act *agent.Act) // changes an answer
	asked int
}

func (e *echoing) answer(o *agent.Observe) agent.Answer {
	queue := e.lives[o.Agent]
	if len(queue) == 0 || len(queue[0]) == 0 {
		e.t.Errorf("asked %s, and there is nothing on its account", line(o))
		return agent.Answer{}
	}
	text := queue[0][0]
	queue[0] = queue[0][1:]
	e.asked++
	want, action, _ := strings.Cut(text, " → ")
	if got := strings.TrimSuffix(line(o), "\n"); got != want {
		e.t.Errorf("asked %s, want %s", got, want)
	}
	act := e.act(action)
	if e.other != nil {
		e.other(o, &act)
	}
	return agent.Answer{Act: act}
}

// act reads what exchange wrote.
func (e *echoing) act(text string) agent.Act {
	if text == "unknown" {
		return agent.Act{Action: []byte(`"anything"`)}
	}
	var act agent.Act
	head, sends, _ := strings.Cut(text, " [")
	n := strings.LastIndexByte(head, ' ')
	act.Action, act.Done = []byte(head[:n]), head[n+1:] == "true"
	for _, s := range strings.Split(strings.TrimSuffix(sends, "]"), "] [") {
		if parts := strings.SplitN(s, " ", 3); len(parts) == 3 {
			act.Send = append(act.Send, agent.Send{To: parts[0], Channel: parts[1], Body: []byte(parts[2])})
		}
	}
	return act
}

func (e *echoing) Substitute(id string, s plan.Substitute) {
	e.lives[id] = e.lives[id][1:]
	e.scripted.Substitute(id, s)
}

// moodyRun plays a game of random failures, and gives its trial and account.
func moodyRun(t *testing.T, seed uint64) (*trial, map[string][][]string) {
	t.Helper()
	p := lotteryPlan(25, somePolicies(rand.New(rand.NewPCG(seed, 5))))
	a := &accountant{newMoody(t, seed), map[string][][]string{}}
	tr := &trial{fleet: a.scripted, log: &memory{}}
	tr.cfg = Config{Plan: p, World: newLottery(seed), Fleet: a, Log: tr.log, Run: "r1"}
	tr.run(t)
	for id, last := range a.answered {
		a.lives[id] = append(a.lives[id], last)
	}
	return tr, a.lives
}

func repeatOf(t *testing.T, tr *trial, seed uint64, lives map[string][][]string) (*echoing, Config) {
	e := &echoing{scripted: newFleet(t, seed+100), t: t, lives: lives}
	e.any = e.answer
	cfg := tr.cfg
	cfg.Fleet, cfg.World = e, newLottery(seed)
	return e, cfg
}

// TestARunIsRepeated plays games of random failures under random policies
// again: every process is told what it answered, and nothing differs.
func TestARunIsRepeated(t *testing.T) {
	skipped, asked := 0, 0
	for seed := range uint64(60) {
		tr, lives := moodyRun(t, seed)
		e, cfg := repeatOf(t, tr, seed, lives)
		res, err := Repeat(t.Context(), cfg)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if res.Difference != nil {
			t.Fatalf("seed %d: %s", seed, res.Difference.Text("recorded", "now"))
		}
		same(t, "ticks", res.Ticks, len(tr.log.records))
		same(t, "retired", sorted(e.retired), sorted(tr.fleet.retired))
		same(t, "added", e.added, tr.fleet.added)
		same(t, "replaced", sorted(e.replaced), sorted(tr.fleet.replaced))
		for _, n := range res.Skipped {
			skipped += n
		}
		asked += res.Answers
	}
	if skipped < 100 || asked < 1000 {
		t.Errorf("only %d outcomes skipped and %d answers compared", skipped, asked)
	}
}

// TestTheFirstOtherAnswerIsFound changes one answer of such a game.
func TestTheFirstOtherAnswerIsFound(t *testing.T) {
	found := 0
	for seed := range uint64(40) {
		tr, lives := moodyRun(t, seed)
		e, cfg := repeatOf(t, tr, seed, lives)
		n, where, known := int(seed)*3, "", false
		e.other = func(o *agent.Observe, act *agent.Act) {
			if e.asked == n+1 {
				known = string(act.Action) != `"anything"`
				where = fmt.Sprintf("tick %d, agent %s, action", o.Tick, o.Agent)
				act.Action = append([]byte(`[`), append(act.Action, ']')...)
			}
		}
		res, err := Repeat(t.Context(), cfg)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		switch {
		case where == "" || !known: // the game was shorter, or any answer will do
			if res.Difference != nil {
				t.Errorf("seed %d: %s", seed, res.Difference.Text("recorded", "now"))
			}
		case res.Difference == nil || res.Difference.Where() != where || res.Difference.Byte != 0:
			t.Errorf("seed %d: %+v, want %s", seed, res.Difference, where)
		default:
			found++
		}
	}
	if found < 10 {
		t.Errorf("only %d changes were found", found)
	}
}

// repeated plays a run of three ticks again, with another world or fleet.
func repeated(t *testing.T, p *plan.Plan, first, second func(tr *trial)) *Repeated {
	t.Helper()
	tr := newTrial(t, p)
	if first != nil {
		first(tr)
	}
	tr.run(t)
	again := newTrial(t, p)
	again.log, again.cfg.Log = tr.log, tr.log
	if first != nil {
		first(again)
	}
	if second != nil {
		second(again)
	}
	res, err := Repeat(t.Context(), again.cfg)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestWhatDiffersIsTold(t *testing.T) {
	answer := func(a agent.Answer, tick int) func(tr *trial) {
		return func(tr *trial) {
			tr.fleet.scripts["b"] = func(o *agent.Observe) agent.Answer {
				if o.Tick == tick {
					return a
				}
				return acts(`{}`)
			}
		}
	}
	steps := func(more world.Stepped) func(tr *trial) {
		return func(tr *trial) {
			tr.world.step = func(tick int, _ []world.Action) (world.Stepped, error) {
				st := world.Stepped{Observations: sees(tick+1, "a", "b")}
				if tick == 1 {
					st.Scores, st.Columns, st.Events, st.Done = more.Scores, more.Columns, more.Events, more.Done
				}
				return st, nil
			}
		}
	}
	for name, c := range map[string]struct {
		second func(tr *trial)
		want   string
	}{
		"an action":  {answer(acts(`{"x":1}`), 1), `tick 1, agent b, action: at byte 1: recorded {}, now {"x":1}`},
		"a message":  {answer(acts(`{}`, tells("a", `1`)), 2), `tick 2, agent b, send: recorded nothing, now {"to":"a","body":1}`},
		"an end":     {answer(agent.Answer{Act: agent.Act{Action: []byte(`{}`), Done: true}}, 0), `tick 0, agent b, done: at byte 0: recorded false, now true`},
		"a failure":  {answer(fails(agent.Crash, "killed"), 1), `tick 1, agent b, action: at byte 0: recorded {}, now crash: killed`},
		"no world":   {steps(world.Stepped{}), ``},
		"a score":    {steps(world.Stepped{Scores: []world.Score{{Agent: "a", Value: []byte(`3`)}}}), `tick 1, agent a, score: recorded nothing, now 3`},
		"a column":   {steps(world.Stepped{Columns: []world.Column{{Name: "c", Value: []byte(`3`)}}}), `tick 1, column c: recorded nothing, now 3`},
		"an event":   {steps(world.Stepped{Events: [][]byte{[]byte(`3`)}}), `tick 1, event: recorded nothing, now 3`},
		"an end too": {steps(world.Stepped{Done: true}), `tick 1, end: recorded nothing, now done`},
		"an observation": {func(tr *trial) {
			tr.world.step = func(tick int, _ []world.Action) (world.Stepped, error) {
				return world.Stepped{Observations: sees(tick+7, "a", "b")}, nil
			}
		}, `tick 1, agent a, observation: at byte 5: recorded {"t":1}, now {"t":7}`},
		"a refusal": {func(tr *trial) {
			tr.world.step = func(int, []world.Action) (world.Stepped, error) {
				return world.Stepped{}, &world.Refusal{Why: map[string]string{"b": "no"}}
			}
		}, `tick 0, agent b, action: at byte 0: recorded {}, now refused by the world: no`},
	} {
		t.Run(name, func(t *testing.T) {
			res := repeated(t, planOf(3, nil, "a", "b"), nil, c.second)
			got := ""
			if res.Difference != nil {
				got = res.Difference.Text("recorded", "now")
			}
			same(t, "difference", got, c.want)
		})
	}
}

func TestAgentsThatCannotBeCompared(t *testing.T) {
	p := planOf(4, nil, "a", "b", "m", "s")
	p.Entries = append(p.Entries, p.Entries[0], p.Entries[0])
	p.Entries[1].Kind = "claude"
	p.Entries[2].State = "none"
	p.Agents[2].Entry, p.Agents[3].Entry = 1, 2
	first := func(tr *trial) {
		tr.fleet.any = func(o *agent.Observe) agent.Answer {
			switch {
			case o.Agent == "s" && o.Tick%2 == 0: // its process is started before tick 0, and before tick 2
				tr.fleet.facts = append(tr.fleet.facts, record.Fact{Agent: "s", Kind: "started"})
			case o.Agent == "b" && o.Tick == 1:
				return agent.Answer{Failure: agent.Deadline, Timed: true, Unsent: true}
			}
			return acts(fmt.Sprintf(`{"said":%d}`, o.Tick))
		}
	}
	res := repeated(t, p, first, func(tr *trial) {
		tr.fleet.scripts["m"] = func(*agent.Observe) agent.Answer { return acts(`"a model says otherwise"`) }
		tr.fleet.scripts["s"] = func(o *agent.Observe) agent.Answer {
			if o.Tick >= 2 {
				return acts(`"it remembers"`)
			}
			return acts(fmt.Sprintf(`{"said":%d}`, o.Tick))
		}
	})
	if res.Difference != nil {
		t.Errorf("difference: %s", res.Difference.Text("recorded", "now"))
	}
	same(t, "compared", res.Answers, 4+3+2)
	same(t, "skipped", res.Skipped, map[string]int{"deadline": 1})
	same(t, "not compared", res.Uncompared, map[string]string{
		"m": "its kind claude talks to a model around the gateway",
		"s": "it was started anew by tick 2 and its state is none",
	})
}

func TestRepeatingIsInterrupted(t *testing.T) {
	tr := newTrial(t, planOf(3, nil, "a"))
	tr.run(t)
	again := newTrial(t, tr.cfg.Plan)
	again.cfg.Log = tr.log
	ctx, cancel := context.WithCancel(t.Context())
	again.fleet.any = func(*agent.Observe) agent.Answer { cancel(); return acts(`{}`) }
	if _, err := Repeat(ctx, again.cfg); err == nil || ctx.Err() == nil {
		t.Errorf("error is %v", err)
	}
	failing := newTrial(t, tr.cfg.Plan)
	failing.cfg.Log = tr.log
	failing.fleet.any = func(*agent.Observe) agent.Answer { return fails(agent.Spawn, "no such file") }
	if _, err := Repeat(t.Context(), failing.cfg); err == nil || !contains(err.Error(), `cannot start a process for agent "a" again at tick 0: no such file`) {
		t.Errorf("error is %v", err)
	}
}
