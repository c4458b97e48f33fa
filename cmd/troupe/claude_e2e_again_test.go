//go:build e2e

package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// What models have answered is on record: the real Claude Code executes the run
// again, and plays another, without one request to a model, and without a key. What
// its tools tell differs each time; that is counted, and told where it matters.
func TestE2EClaudeAgain(t *testing.T) {
	t.Parallel()
	c := newPair(t, bash("echo $$ $RANDOM; date +%N"))
	want := c.play(t)
	if want.Outcomes["action"] != 4 || want.Models == nil || want.Models.Turns != 5 {
		t.Fatalf("it came to %+v", want)
	}
	c.key = ""
	asked := len(c.model.Requests())

	var verified struct {
		Executed struct {
			Answers, Drift int
			Uncompared     map[string]string `json:"not_compared"`
			Difference     *jsonDifference
		}
	}
	verify := func(wantCode int, args ...string) string {
		out := c.troupe(t, wantCode, append([]string{"verify", "--execute", "--json"}, args...)...)
		if err := json.Unmarshal([]byte(out), &verified); err != nil {
			t.Fatal(err, out)
		}
		return out
	}
	for _, run := range []string{"r", "again"} {
		out := verify(0, run)
		if x := verified.Executed; x.Answers != 4 || x.Drift != 2 || len(x.Uncompared) > 0 || x.Difference != nil {
			t.Errorf("executed again: %s", out)
		}
		if run == "r" {
			got := resultOf(t, c.troupe(t, 0, "run", "--json", "--name", "again", "--replay-models", "r", "scenario.yaml"))
			if got.Hash != want.Hash || got.Drift == nil || *got.Drift != 2 || got.Models == nil || got.Models.USD != 0 {
				t.Errorf("with another's models it came to %+v", got)
			}
		}
	}
	out := verify(3, "--strict", "r")
	if d := verified.Executed.Difference; d == nil || d.Agent != "able" || *d.Tick != 0 || d.B == nil || !strings.HasPrefix(*d.B, "differs: request 2 of able at tick 0 is not the one on record: at byte ") {
		t.Errorf("strictly: %s", out)
	}
	// The agent able is stopped at its first result, and what the other one sees of
	// that is not what it saw.
	strict := resultOf(t, c.troupe(t, 0, "run", "--json", "--name", "strict", "--replay-models", "r", "--strict", "scenario.yaml"))
	if strict.Outcomes["differs"] != 3 || strict.Outcomes["action"] != 1 {
		t.Errorf("a strict replay came to %+v", strict)
	}
	if n := len(c.model.Requests()); n != asked {
		t.Errorf("the model was asked %d times more", n-asked)
	}
}
