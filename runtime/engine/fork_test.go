package engine

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// before is a log that ends before a tick.
func (m *memory) before(tick int) *memory {
	return &memory{records: slices.Clone(m.records[:tick]), hashes: slices.Clone(m.hashes[:tick])}
}

// forkOf is a plan that took over what another has played before a tick.
func forkOf(p *plan.Plan, tick int) *plan.Plan {
	q := *p
	q.Fork = &plan.Fork{Run: "parent", Tick: tick, Plan: p}
	return &q
}

// TestAForkOfNothingChangedEndsAsItsParent forks random games at each of their
// ticks, and forks of them.
func TestAForkOfNothingChangedEndsAsItsParent(t *testing.T) {
	const ticks = 12
	for seed := range uint64(6) {
		whole, _ := lotteryTrial(t, seed, 1, ticks)
		want := whole.run(t)
		for k := range want.Ticks {
			tr, w := lotteryTrial(t, seed, 2, ticks)
			p := forkOf(tr.cfg.Plan, k)
			if k > 3 {
				p = forkOf(forkOf(tr.cfg.Plan, 3), k)
			}
			tr.log = whole.log.before(k)
			tr.cfg.Plan, tr.cfg.Log = p, tr.log
			var err error
			if tr.cfg.From, err = Restore(t.Context(), tr.log, p, "r1", w, nil); err != nil {
				t.Fatal(err)
			}
			text, err := tr.cfg.From.Society()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := decodeSociety(p, text); err != nil {
				t.Errorf("seed %d at tick %d: %v", seed, k, err)
			}
			if got := tr.run(t); fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
				t.Errorf("seed %d forked at tick %d:\n got %+v\nwant %+v", seed, k, got, want)
			}
		}
	}
}

// changedPlan has agents a, b and c, of which from tick 3 on a is driven by
// another program.
func changedPlan() (p, q *plan.Plan) {
	p = planOf(6, under(agent.Crash, plan.Policy{Name: "substitute", Substitute: &plan.Substitute{Kind: "stdio"}}), "a", "b", "c")
	for _, id := range []string{"a", "b", "c"} {
		p.Processes = append(p.Processes, plan.Process{ID: id, Agents: []string{id}, Command: []string{"old"}})
	}
	q = forkOf(p, 3)
	q.Entries = []plan.Entry{p.Entries[0], {ID: "other", Kind: "exec"}}
	q.Agents = slices.Clone(p.Agents)
	q.Processes = slices.Clone(p.Processes)
	q.Agents[0].Entry, q.Processes[0].Entry, q.Processes[0].Command = 1, 1, []string{"new"}
	return p, q
}

func TestAForkWithAnotherProgram(t *testing.T) {
	p, q := changedPlan()
	tr := newTrial(t, p)
	tr.fleet.any = func(o *agent.Observe) agent.Answer {
		if o.Tick == 1 && o.Attempt == 1 && o.Agent != "c" && len(tr.fleet.replaced) < 2 {
			return fails(agent.Crash, "")
		}
		return acts(fmt.Sprint(o.Tick), tells("a", `"hi"`))
	}
	tr.run(t)
	same(t, "stand-ins of the parent", len(tr.fleet.replaced), 2)
	lg := tr.log.before(3)
	start, err := Rebuild(t.Context(), lg, q)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "stand-ins at the fork", fmt.Sprintln(len(start.Substitutes()), start.Substitutes()["b"].Kind), "1 stdio\n")
	a := &start.soc.members[0]
	same(t, "a", fmt.Sprintln(a.entry, a.kind.name, a.substitute, len(a.mail)), "1 exec <nil> 3\n")
	same(t, "agents by entry", start.soc.perEntry, "[2 1]")

	var told []string
	err = History(t.Context(), lg, q, nil, []string{"a", "b", "c"}, func(o *agent.Observe, want *agent.Act) error {
		text := fmt.Sprintf("%s%d:%d", o.Agent, o.Tick, len(o.Messages))
		if want != nil {
			text += "=" + string(want.Action)
		}
		told = append(told, text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// a is told all and held to nothing; b's stand-in took over in tick 1.
	same(t, "told", told, "[a0:0 c0:0=0 a1:3 b1:0=1 c1:0=1 a2:3 b2:0=2 c2:0=2]")
}

func TestAForkWithoutAnAgentIsRefused(t *testing.T) {
	p, q := changedPlan()
	tr := newTrial(t, p)
	tr.run(t)
	q.Agents = q.Agents[1:]
	_, err := Rebuild(t.Context(), tr.log.before(3), q)
	if err == nil || !contains(err.Error(), "at the fork before tick 3: the plan does not know agent a") {
		t.Errorf("got %v", err)
	}
}

// TestAForkIsRepeatedFromItsFork holds a fork against its record with agents that
// know what came before, or not.
func TestAForkIsRepeatedFromItsFork(t *testing.T) {
	_, q := changedPlan()
	tr := newTrial(t, q.Fork.Plan)
	tr.fleet.any = func(o *agent.Observe) agent.Answer { return acts(fmt.Sprint(o.Tick)) }
	tr.run(t)
	again := newTrial(t, q)
	again.cfg.Log = tr.log
	again.fleet.any = func(o *agent.Observe) agent.Answer {
		if o.Tick < 3 {
			t.Errorf("asked in tick %d", o.Tick)
		}
		return acts(fmt.Sprint(o.Tick))
	}
	from, err := Restore(t.Context(), tr.log.before(3), q, "r1", again.world, nil)
	if err != nil {
		t.Fatal(err)
	}
	again.cfg.From, again.cfg.Uncompared = from, map[string]string{"b": "it went on with files"}
	res, err := Repeat(context.Background(), again.cfg)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "repeated", fmt.Sprint(res.From, res.Ticks, res.Answers, res.Uncompared, res.Difference), "3 3 6 map[b:it went on with files] <nil>")
}

func TestRecorded(t *testing.T) {
	rec := &record.Record{
		Tick: 4,
		Turns: []record.Turn{
			{Agent: "a", Action: []byte(`1`), Done: true}, {Agent: "c", Failure: agent.Deadline, Policy: "noop", Action: []byte(`0`), Unsent: true},
		},
		Messages: []record.Message{{From: "a", To: "c", Body: []byte(`2`)}, {From: "a", Channel: "sq", Body: []byte(`3`)}},
	}
	for id, want := range map[string]string{
		"a": "{Agent:a Tick:4 Action:[49] Send:[{To:c Channel: Body:[50]} {To: Channel:sq Body:[51]}] Done:true}  false true",
		"b": "{Agent: Tick:0 Action:[] Send:[] Done:false}  false false",
		"c": "{Agent: Tick:0 Action:[] Send:[] Done:false} deadline true true",
	} {
		a, there := Recorded(rec, id)
		same(t, id, fmt.Sprintf("%+v %s %t %t", a.Act, a.Failure, a.Unsent, there), want)
	}
}
