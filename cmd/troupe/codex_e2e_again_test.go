//go:build e2e

package main

import (
	"encoding/json"
	"testing"
)

// What its models have answered is on record: the real Codex executes the run again,
// and plays another, without one request to a model, and without a key.
func TestE2ECodexAgain(t *testing.T) {
	t.Parallel()
	c := newCodexPair(t, execCommand("echo $$ $RANDOM; date +%N"))
	want := c.play(t)
	if want.Outcomes["action"] != 4 || want.Models == nil || want.Models.Turns != 5 || want.Models.USD <= 0 {
		t.Fatalf("it came to %+v", want)
	}
	c.key = ""
	asked := len(c.model.Requests())
	var verified struct {
		Executed struct {
			Answers    int
			Drift      int
			Uncompared map[string]string `json:"not_compared"`
			Difference *jsonDifference
		}
	}
	out := c.troupe(t, 0, "verify", "--execute", "--json", "r")
	if err := json.Unmarshal([]byte(out), &verified); err != nil {
		t.Fatal(err, out)
	}
	// What the command says differs; and an agent that keeps no thread begins anew.
	if x := verified.Executed; x.Answers != 3 || x.Drift != 2 || x.Uncompared["plain"] == "" || len(x.Uncompared) > 1 || x.Difference != nil {
		t.Errorf("executed again: %s", out)
	}
	got := resultOf(t, c.troupe(t, 0, "run", "--json", "--name", "again", "--replay-models", "r", "scenario.yaml"))
	if got.Hash != want.Hash || got.Drift == nil || *got.Drift != 2 || got.Models == nil || got.Models.USD != 0 {
		t.Errorf("with another's models it came to %+v", got)
	}
	if n := len(c.model.Requests()); n != asked {
		t.Errorf("the model was asked %d times more", n-asked)
	}
}
