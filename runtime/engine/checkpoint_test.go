package engine

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/world"
)

// checkpointed plays a game of random failures under random policies and gives
// a checkpoint of each tick.
func checkpointed(t *testing.T, seed uint64) (*trial, []*Checkpoint) {
	t.Helper()
	p := lotteryPlan(25, somePolicies(rand.New(rand.NewPCG(seed, 5))))
	p.Entries[0].State, p.Checkpoint.Every = "snapshot", 1
	m := newMoody(t, seed)
	tr := &trial{fleet: m.scripted, log: &memory{}}
	var all []*Checkpoint
	tr.cfg = Config{
		Plan: p, World: newLottery(seed), Fleet: m, Log: tr.log, Run: "r1",
		OnCheckpoint: func(c *Checkpoint) error { all = append(all, c); return nil },
	}
	tr.run(t)
	if len(all) < 5 {
		t.Fatalf("seed %d: %d checkpoints", seed, len(all))
	}
	return tr, all
}

// pastFrom is what three readers of a log are told from a checkpoint on: the
// society at the end, the world, and the agents' processes.
func pastFrom(t *testing.T, tr *trial, from *Checkpoint, tick int) string {
	t.Helper()
	var b strings.Builder
	soc, err := replay(t.Context(), tr.log, tr.cfg.Plan, from, nil, func(*society, *record.Record) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	text, err := soc.encode()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "%s\n", text)
	err = WorldHistory(t.Context(), tr.log, tr.cfg.Plan, from, tick, -1, func(at int, actions []world.Action) error {
		fmt.Fprintf(&b, "%d %+v\n", at, actions)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	ids := []string{"a", "b", "c", "d", "e", "rabbit-1", "rabbit-2"}
	err = History(t.Context(), tr.log, tr.cfg.Plan, from, ids, func(o *agent.Observe, want *agent.Act) error {
		if o.Tick >= tick { // an answer that was late before it is told before it
			fmt.Fprintln(&b, exchange(o, want))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestACheckpointIsAsGoodAsTheLog holds what is read from every checkpoint of
// random games on against what is read from the log's start.
func TestACheckpointIsAsGoodAsTheLog(t *testing.T) {
	kept := map[string]int{}
	for seed := range uint64(25) {
		tr, all := checkpointed(t, seed)
		for _, c := range all {
			same(t, fmt.Sprintf("seed %d from tick %d", seed, c.Tick), pastFrom(t, tr, c, c.Tick), pastFrom(t, tr, nil, c.Tick))
			for _, what := range []string{"added", "gone", "substitute", "mail", "results", "parting", "parcels", "channels"} {
				kept[what] += strings.Count(string(c.Society), `"`+what+`":`)
			}
		}
	}
	for what, n := range kept {
		if n < 10 {
			t.Errorf("the checkpoints had only %d of %s", n, what)
		}
	}
}

// TestACheckpointOfAnotherRun is refused, whatever it says.
func TestACheckpointOfAnotherRun(t *testing.T) {
	_, all := checkpointed(t, 1)
	c := all[len(all)-1]
	for name, change := range map[string]func(c *Checkpoint){
		"tick": func(c *Checkpoint) { c.Tick++ },
		"hash": func(c *Checkpoint) { c.Hash[0]++ },
		"text": func(c *Checkpoint) { c.Society = c.Society[:len(c.Society)/2] },
		"agents": func(c *Checkpoint) {
			c.Society = []byte(strings.ReplaceAll(string(c.Society), `"id":"a"`, `"id":"zed"`))
		},
		"nothing": func(c *Checkpoint) { c.Society = nil },
	} {
		t.Run(name, func(t *testing.T) {
			bad := *c
			change(&bad)
			_, err := bad.society(lotteryPlan(25, map[agent.Failure]plan.Policy{}))
			if err == nil || !contains(err.Error(), "cannot use the checkpoint before tick") {
				t.Errorf("got %v", err)
			}
		})
	}
}
