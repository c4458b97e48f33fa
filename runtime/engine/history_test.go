package engine

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

// A moody fleet fails in every way there is, and keeps its own account of what
// each agent's process answered.
type moody struct {
	*scripted
	r        *rand.Rand
	busy     map[string]*agent.Observe // still to be answered, by who missed a deadline
	answered map[string][]string
}

func newMoody(t *testing.T, seed uint64) *moody {
	m := &moody{
		scripted: newFleet(t, seed), r: rand.New(rand.NewPCG(seed, 77)),
		busy: map[string]*agent.Observe{}, answered: map[string][]string{},
	}
	m.any = m.answer
	return m
}

func (m *moody) note(o *agent.Observe, act *agent.Act) {
	m.answered[o.Agent] = append(m.answered[o.Agent], exchange(o, act))
}

func exchange(o *agent.Observe, act *agent.Act) string {
	text := strings.TrimSuffix(line(o), "\n")
	if act == nil {
		return text + " → unknown"
	}
	text += fmt.Sprintf(" → %s %v", act.Action, act.Done)
	for _, s := range act.Send {
		text += fmt.Sprintf(" [%s %s %s]", s.To, s.Channel, s.Body)
	}
	return text
}

// late lets a process answer what it still owes.
func (m *moody) late(id string) {
	o := m.busy[id]
	delete(m.busy, id)
	m.facts = append(m.facts, record.Fact{Agent: id, Kind: "late", Tick: o.Tick})
	m.note(o, nil)
}

func (m *moody) answer(o *agent.Observe) agent.Answer {
	if m.busy[o.Agent] != nil {
		switch m.r.IntN(3) {
		case 0:
			return agent.Answer{Failure: agent.Deadline, Timed: true, Unsent: true}
		case 1:
			m.late(o.Agent)
		case 2: // it was killed
			delete(m.busy, o.Agent)
		}
	}
	act := someAct(m.r)
	detail := fmt.Sprint("error ", m.r.IntN(1000))
	switch m.r.IntN(12) {
	case 0:
		m.note(o, nil)
		return agent.Answer{Failure: agent.Oversize, Detail: detail}
	case 1:
		m.note(o, &act)
		return agent.Answer{Failure: agent.InvalidAction, Detail: detail, Act: act}
	case 2:
		m.note(o, nil)
		return agent.Answer{Failure: agent.InvalidAction, Detail: detail}
	case 3:
		return agent.Answer{Failure: agent.Crash, Detail: detail}
	case 4:
		return agent.Answer{Failure: agent.Spawn, Detail: detail, Unsent: true}
	case 5, 6:
		m.busy[o.Agent] = keep(o, 0)
		return agent.Answer{Failure: agent.Deadline, Detail: detail, Timed: true}
	}
	m.note(o, &act)
	return agent.Answer{Act: act}
}

// Facts is the barrier: some answer late before it, to this tick or an earlier
// one.
func (m *moody) Facts() []record.Fact {
	for _, id := range []string{"a", "b", "c", "d", "e", "rabbit-1", "rabbit-2"} {
		if m.busy[id] != nil && m.r.IntN(3) == 0 {
			m.late(id)
		}
	}
	return m.scripted.Facts()
}

// Substitute begins with a process that has answered nothing.
func (m *moody) Substitute(id string, s plan.Substitute) {
	delete(m.busy, id)
	delete(m.answered, id)
	m.scripted.Substitute(id, s)
}

// TestHistoryIsWhatWasAnswered plays games of random failures under random
// policies and holds the history of each agent against what its process was
// really asked and answered.
func TestHistoryIsWhatWasAnswered(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(60) {
		p := lotteryPlan(25, somePolicies(rand.New(rand.NewPCG(seed, 5))))
		m := newMoody(t, seed)
		tr := &trial{fleet: m.scripted, log: &memory{}}
		tr.cfg = Config{Plan: p, World: newLottery(seed), Fleet: m, Log: tr.log, Run: "r1"}
		tr.run(t)
		together := map[string][]string{}
		ids := []string{"a", "b", "c", "d", "e", "rabbit-1", "rabbit-2"}
		if err := History(t.Context(), tr.log, p, nil, ids, collector(together)); err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			alone := map[string][]string{}
			if err := History(t.Context(), tr.log, p, nil, []string{id}, collector(alone)); err != nil {
				t.Fatal(err)
			}
			want := strings.Join(m.answered[id], "\n")
			for what, got := range map[string]string{"alone": strings.Join(alone[id], "\n"), "together": strings.Join(together[id], "\n")} {
				if got != want {
					t.Fatalf("seed %d, history of %s %s:\n got\n%s\nwant\n%s", seed, id, what, got, want)
				}
			}
			count(seen, want)
		}
		seen["substitutes"] += len(m.replaced)
	}
	for _, what := range []string{`"attempt":3`, "unknown", "bad luck", `"results":[{`, `"from":`, "substitutes"} {
		if seen[what] < 10 {
			t.Errorf("the games had only %d of %s", seen[what], what)
		}
	}
}

func collector(into map[string][]string) func(*agent.Observe, *agent.Act) error {
	return func(o *agent.Observe, want *agent.Act) error {
		into[o.Agent] = append(into[o.Agent], exchange(o, want))
		return nil
	}
}

func count(seen map[string]int, text string) {
	for _, what := range []string{`"attempt":3`, "unknown", "bad luck", `"results":[{`, `"from":`} {
		seen[what] += strings.Count(text, what)
	}
}

// TestHistoryIsYieldsToKeep holds what was yielded until the log is read.
func TestHistoryIsYieldsToKeep(t *testing.T) {
	tr, _ := lotteryTrial(t, 1, 1, 25)
	tr.run(t)
	type pair struct {
		o    *agent.Observe
		want *agent.Act
		text string
	}
	var pairs []pair
	err := History(t.Context(), tr.log, tr.cfg.Plan, nil, []string{"a", "b", "c"}, func(o *agent.Observe, want *agent.Act) error {
		pairs = append(pairs, pair{o, want, exchange(o, want)})
		return nil
	})
	if err != nil || len(pairs) < 10 {
		t.Fatalf("%d observes, error %v", len(pairs), err)
	}
	for _, p := range pairs {
		same(t, "kept", exchange(p.o, p.want), p.text)
	}
}

// TestALateAnswerCountsUntilTheAgentIsAskedAgain: whoever was asked again
// without it had been started anew.
func TestALateAnswerCountsUntilTheAgentIsAskedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		fact int // the tick whose record has it
		want string
	}{
		"in the same record": {0, "0 1 2"},
		"in the next":        {1, "0 1 2"},
		"too late":           {2, "1 2"},
		"never":              {9, "1 2"},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTrial(t, planOf(3, nil, "a"))
			tr.fleet.any = func(o *agent.Observe) agent.Answer {
				if o.Tick == c.fact {
					tr.fleet.facts = []record.Fact{{Agent: "a", Kind: "late", Tick: 0}}
				}
				if o.Tick == 0 {
					return fails(agent.Deadline, "")
				}
				return acts("1")
			}
			tr.run(t)
			var got []string
			err := History(t.Context(), tr.log, tr.cfg.Plan, nil, []string{"a"}, func(o *agent.Observe, want *agent.Act) error {
				if (want == nil) != (o.Tick == 0) {
					t.Errorf("tick %d is expected to be answered with %v", o.Tick, want)
				}
				got = append(got, fmt.Sprint(o.Tick))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			same(t, "ticks", strings.Join(got, " "), c.want)
		})
	}
}
