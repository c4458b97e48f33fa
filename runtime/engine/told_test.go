package engine

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
)

// hosted gives each agent of the start a process of its own name, but for those
// of shared, which have one together.
func hosted(p *plan.Plan, shared ...string) *plan.Plan {
	var host plan.Process
	for _, a := range p.Agents {
		if !slices.Contains(shared, a.ID) {
			p.Processes = append(p.Processes, plan.Process{ID: a.ID, Agents: []string{a.ID}})
			continue
		}
		host.ID, host.Agents = "shared", append(host.Agents, a.ID)
	}
	if host.ID != "" {
		p.Processes = append(p.Processes, host)
	}
	return p
}

func (x *Told) String() string {
	text := fmt.Sprintf("%d %s %s", x.Tick, x.Agent, x.What)
	for _, part := range []string{x.From, x.Channel, x.Name, string(x.Text)} {
		if part != "" {
			text += " " + part
		}
	}
	if x.Waits {
		text += " waits"
	}
	return text
}

// toldIn notes what is in an observe line.
func toldIn(o *agent.Observe) (all []string) {
	x := Told{Tick: o.Tick, Agent: o.Agent, What: ToldObservation, Text: o.Observation}
	all = append(all, x.String())
	for _, m := range o.Messages {
		all = append(all, (&Told{Tick: o.Tick, Agent: o.Agent, What: ToldMessage, From: m.From, Channel: m.Channel, Text: m.Body}).String())
	}
	for _, result := range o.Results {
		all = append(all, (&Told{Tick: o.Tick, Agent: o.Agent, What: ToldResult, Text: result}).String())
	}
	return all
}

// TestReadingsAreWhatProcessesWereTold plays random games, with messages that are
// lost, late and twice, agents that come, go and fail, and holds what is read of
// the record against the lines that processes had.
func TestReadingsAreWhatProcessesWereTold(t *testing.T) {
	messages := 0
	for seed := range uint64(20) {
		tr, _ := lotteryTrial(t, seed, 1, 25)
		hosted(tr.cfg.Plan, "a", "c")
		var mu sync.Mutex
		want := map[string]bool{}
		answer := tr.fleet.any
		tr.fleet.any = func(o *agent.Observe) agent.Answer {
			a := answer(o)
			mu.Lock()
			defer mu.Unlock()
			for _, text := range toldIn(o) {
				want[text] = want[text] || !a.Unsent
			}
			return a
		}
		tr.run(t)
		maps.DeleteFunc(want, func(_ string, had bool) bool { return !had })
		got := map[string]bool{}
		err := Readings(t.Context(), tr.log, tr.cfg.Plan, func(x *Told) error {
			reader := x.Agent
			if x.Agent == "a" || x.Agent == "c" {
				reader = "shared"
			}
			if x.Reader != reader && x.Reader != x.Agent+"-substitute" {
				t.Errorf("%s is told what is for %s", x.Reader, x.Agent)
			}
			if !x.Waits && (x.What == ToldObservation || x.What == ToldMessage || x.What == ToldResult) {
				got[x.String()] = true
			}
			if x.What == ToldMessage {
				messages++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range slices.Sorted(maps.Keys(want)) {
			if !got[text] {
				t.Errorf("seed %d: %s is not among the readings", seed, text)
			}
		}
		for _, text := range slices.Sorted(maps.Keys(got)) {
			if !want[text] {
				t.Errorf("seed %d: %s was never told", seed, text)
			}
		}
	}
	if messages < 100 {
		t.Errorf("only %d messages were told", messages)
	}
}

// readingsOf are those of one agent's that are no observations, with their readers.
func readingsOf(t *testing.T, lg *memory, p *plan.Plan, id string) string {
	t.Helper()
	var all []string
	err := Readings(t.Context(), lg, p, func(x *Told) error {
		if x.Agent == id && x.What != ToldObservation {
			all = append(all, x.Reader+": "+x.String())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return "\n" + strings.Join(all, "\n")
}

// What a process has before it is asked, why its answers are refused, what waits
// for it at the end, and who has it once another took over.
func TestReadingsFromBeginningToEnd(t *testing.T) {
	p := hosted(planOf(3, under(agent.Crash, plan.Policy{Name: "substitute", Substitute: &plan.Substitute{
		Kind: "stdio", Program: plan.Program{Files: []plan.File{{Path: "heir.py"}}},
	}}), "a", "b"), "a", "b")
	e := &p.Entries[0]
	e.Program.Files, e.Secrets, e.Credential = []plan.File{{Path: "player.py"}}, []string{"TOKEN"}, "KEY"
	e.Policies[agent.InvalidAction] = plan.Policy{Name: "retry", Attempts: 2}
	tr := newTrial(t, p)
	tr.fleet.any = func(o *agent.Observe) agent.Answer {
		switch {
		case o.Agent == "b":
			return acts(`{}`, tells("a", fmt.Sprint(o.Tick)))
		case o.Tick == 0 && o.Attempt == 1:
			return fails(agent.InvalidAction, "no move")
		case o.Tick == 1 && len(tr.fleet.replaced) == 0:
			return fails(agent.Crash, "")
		}
		return acts(`{}`)
	}
	tr.run(t)
	same(t, "what a's processes were told", readingsOf(t, tr.log, p, "a"), `
shared: 0 a config {}
shared: 0 a file player.py
shared: 0 a secret TOKEN
shared: 0 a secret KEY
shared: 0 a error no move
shared: 1 a message b 0
a-substitute: 1 a config {}
a-substitute: 1 a file heir.py
a-substitute: 1 a message b 0
a-substitute: 2 a message b 1
a-substitute: 3 a message b 2 waits`)
}

// At a fork the past goes to whoever has the agent from then on.
func TestReadingsOfAFork(t *testing.T) {
	p, q := changedPlan()
	q.Processes[0].ID = "other"
	q.Entries[1].Program.Files = []plan.File{{Path: "other.py"}}
	tr := newTrial(t, p)
	tr.fleet.any = func(o *agent.Observe) agent.Answer {
		if o.Agent == "c" && o.Tick == 0 {
			return acts(`{}`, tells("a", `"hi"`))
		}
		return acts(`{}`)
	}
	tr.run(t)
	same(t, "what a's processes were told", readingsOf(t, tr.log, q, "a"), `
a: 0 a config {}
other: 0 a config {}
other: 0 a file other.py
a: 1 a message c "hi"
other: 1 a message c "hi"`)
}

// Whose answers are on record reads nothing.
func TestReadingsOfTheRecorded(t *testing.T) {
	p := hosted(planOf(2, nil, "a"))
	p.Entries[0].Run = "earlier"
	tr := newTrial(t, p)
	tr.run(t)
	if err := Readings(t.Context(), tr.log, p, func(x *Told) error { return fmt.Errorf("%s is told %s", x.Reader, x) }); err != nil {
		t.Error(err)
	}
}
