package engine

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/world"
)

// A lottery is a world that depends on its seed and the actions alone: each
// tick it observes some agents, removes and adds some, changes a channel, and
// refuses what begins with "bad.
type lottery struct {
	played
	seed   uint64
	alive  []string
	born   int
	chosen []string // as accepted
}

func newLottery(seed uint64) *lottery {
	w := &lottery{seed: seed}
	w.ready = func(init world.Init) world.Ready {
		for _, a := range init.Agents {
			w.alive = append(w.alive, a.ID)
		}
		return world.Ready{Observations: w.observe(0, rand.New(rand.NewPCG(seed, 99))), Noop: []byte(`"noop"`)}
	}
	w.step = w.turn
	return w
}

func (w *lottery) observe(tick int, r *rand.Rand) []world.Observation {
	var ids []string
	for _, id := range w.alive {
		if r.IntN(4) > 0 {
			ids = append(ids, id)
		}
	}
	return sees(tick, ids...)
}

func (w *lottery) turn(tick int, actions []world.Action) (world.Stepped, error) {
	why := map[string]string{}
	for _, a := range actions {
		if strings.HasPrefix(string(a.JSON), `"bad`) {
			why[a.Agent] = "bad move"
		}
	}
	if len(why) > 0 {
		return world.Stepped{}, &world.Refusal{Why: why}
	}
	w.chosen = append(w.chosen, w.given[len(w.given)-1])
	r := rand.New(rand.NewPCG(w.seed, uint64(tick)))
	var st world.Stepped
	for _, a := range actions {
		if a.Failure == agent.Done {
			w.alive = slices.DeleteFunc(w.alive, func(id string) bool { return id == a.Agent })
		}
	}
	if len(w.alive) > 3 && r.IntN(6) == 0 {
		i := r.IntN(len(w.alive))
		st.Remove = []string{w.alive[i]}
		w.alive = slices.Delete(w.alive, i, i+1)
	}
	if r.IntN(4) == 0 {
		w.born++
		id := fmt.Sprintf("rabbit-%d", w.born)
		st.Add = []world.Agent{{ID: id}}
		w.alive = append(w.alive, id)
	}
	if r.IntN(5) == 0 {
		st.Channels = []world.Channel{{Name: "den", Members: slices.Clone(w.alive[:r.IntN(len(w.alive)+1)])}}
	}
	for i, id := range w.alive {
		st.Scores = append(st.Scores, world.Score{Agent: id, Value: fmt.Append(nil, tick/(i+2))})
	}
	st.Observations = w.observe(tick+1, r)
	return st, nil
}

func lotteryPlan(ticks int, policies map[agent.Failure]plan.Policy) *plan.Plan {
	p := withChannels(planOf(ticks, policies, "a", "b", "c", "d", "e"),
		plan.Channel{Name: "den", Patterns: []string{"a", "rabbit-*"}, Members: []string{"a"}},
		plan.Channel{Name: "square", Patterns: []string{"*"}, Members: []string{"a", "b", "c", "d", "e"}})
	rabbits := later("rabbit-{n}", 1000)
	rabbits.Policies = policies
	p.Entries = append(p.Entries, rabbits)
	return withFaults(p, someFaults()...)
}

// someFaults are of messages, each for a while.
func someFaults() []plan.Fault {
	direct := &plan.Traffic{Sender: "*", Recipient: "?"}
	return []plan.Fault{
		{Kind: plan.FaultDrop, Traffic: toSquare, P: 0.1},
		{Kind: plan.FaultDelay, Traffic: &plan.Traffic{Channel: "*", Sender: "?"}, Ticks: 1, P: 0.2},
		{Kind: plan.FaultDelay, Traffic: direct, Ticks: 3, P: 0.2, From: 2},
		{Kind: plan.FaultDuplicate, Traffic: direct, P: 0.2, Until: 9},
		{Kind: plan.FaultPartition, Groups: [][]string{{"a", "rabbit-*"}, {"b", "c"}}, From: 3, Until: 8},
	}
}

// somePolicies draws one for each failure.
func somePolicies(r *rand.Rand) map[agent.Failure]plan.Policy {
	list := []plan.Policy{
		{Name: "skip"}, {Name: "noop"}, {Name: "action", Action: []byte(`"stay"`)}, {Name: "action", Action: []byte(`"bad one"`)},
		{Name: "retry"}, {Name: "retry", Attempts: 4},
		{Name: "substitute", Substitute: &plan.Substitute{Kind: "stdio"}},
	}
	policies := map[agent.Failure]plan.Policy{}
	for _, f := range []agent.Failure{agent.Deadline, agent.Crash, agent.Spawn, agent.InvalidAction, agent.Oversize} {
		policies[f] = list[r.IntN(len(list))]
	}
	return policies
}

// someAct draws what an agent answers.
func someAct(r *rand.Rand) agent.Act {
	act := agent.Act{Action: fmt.Appendf(nil, `"%d"`, r.IntN(100)), Done: r.IntN(40) == 0}
	if r.IntN(6) == 0 {
		act.Action = []byte(`"bad luck"`)
	}
	for range r.IntN(4) {
		body := fmt.Sprint(r.IntN(1000))
		switch r.IntN(3) {
		case 0:
			act.Send = append(act.Send, tells(string(rune('a'+r.IntN(6))), body))
		case 1:
			act.Send = append(act.Send, shouts("den", body))
		case 2:
			act.Send = append(act.Send, shouts("square", body))
		}
	}
	return act
}

// pure answers by the observe alone: the same line, the same answer.
func pure(seed uint64) script {
	return func(o *agent.Observe) agent.Answer {
		h := fnv.New64a()
		h.Write([]byte(line(o)))
		r := rand.New(rand.NewPCG(seed, h.Sum64()))
		switch r.IntN(12) {
		case 0:
			return agent.Answer{Failure: agent.Deadline, Timed: true}
		case 1:
			return agent.Answer{Failure: agent.Crash}
		case 2:
			return agent.Answer{Failure: agent.InvalidAction, Detail: "no"}
		case 3:
			return agent.Answer{Failure: agent.Spawn, Unsent: true}
		}
		return agent.Answer{Act: someAct(r)}
	}
}

func lotteryTrial(t *testing.T, seed, disorder uint64, ticks int) (*trial, *lottery) {
	p := lotteryPlan(ticks, somePolicies(rand.New(rand.NewPCG(seed, 5))))
	w := newLottery(seed)
	tr := &trial{fleet: newFleet(t, disorder), world: &w.played, log: &memory{}}
	tr.fleet.any = pure(seed)
	tr.cfg = Config{Plan: p, World: w, Fleet: tr.fleet, Log: tr.log, Run: "r1"}
	return tr, w
}

func TestTheHashDoesNotDependOnTheOrderOfAnswers(t *testing.T) {
	hashes := map[[32]byte]bool{}
	for seed := range uint64(20) {
		first, _ := lotteryTrial(t, seed, 1, 25)
		want := first.run(t).Hash
		for disorder := range uint64(4) {
			tr, _ := lotteryTrial(t, seed, disorder+2, 25)
			if got := tr.run(t).Hash; got != want {
				t.Errorf("seed %d: hash %x in another order, %x in the first", seed, got, want)
			}
		}
		hashes[want] = true
	}
	if len(hashes) != 20 {
		t.Errorf("20 seeds gave %d hashes", len(hashes))
	}
}
