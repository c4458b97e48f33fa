//go:build e2e

package main

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent/modeltest"
)

// contributes is what a model of public goods gives: something else in each
// round, and than the others.
func contributes(id string, round int) int {
	n, _ := strconv.Atoi(id[len(id)-1:])
	return (5*n + 3*round + len(id)) % 21
}

// giver plays contributes.
func giver(r *modeltest.Request) modeltest.Reply {
	found := askedInAll.FindStringSubmatch(r.LastUser())
	var seen struct{ Round int }
	if found == nil || json.Unmarshal([]byte(found[2]), &seen) != nil {
		return modeltest.Reply{Text: "nobody told me what I see"}
	}
	return modeltest.Reply{Text: fmt.Sprintf(`{"action": {"contribution": %d}}`, contributes(playerOf(r), seen.Round))}
}

// Eight Claude Code and two Codex play twenty rounds, and each has earned what the
// closed form e − c + (m/n)Σc says of what is on record.
func TestE2EClaudePublicGoods(t *testing.T) {
	t.Parallel()
	const rounds, players, endowment, multiplier = 20, 10, 20, 1.6
	c := newCodexRun(t, "", giver)
	got := c.playShipped(t, "public-goods.yaml", "agents.neighbour-*.kind=codex", "gateway.openai.url="+c.model.URL)
	if got.Ticks != rounds || got.Outcomes["action"] != rounds*players || got.Timed != 0 || got.Models == nil || got.Models.Turns != players*rounds {
		t.Fatalf("%+v: want %d rounds in which all %d act", got, rounds, players)
	}
	gave, own := make([]int, rounds), map[string]int{}
	for _, e := range c.events(t) {
		if e.Type != "outcome" || e.Action == nil {
			continue
		}
		var a struct{ Contribution int }
		if err := json.Unmarshal(e.Action, &a); err != nil {
			t.Fatal(err)
		}
		if a.Contribution != contributes(e.Agent, e.Tick+1) {
			t.Errorf("%s gave %d in round %d", e.Agent, a.Contribution, e.Tick+1)
		}
		gave[e.Tick] += a.Contribution
		own[e.Agent] += a.Contribution
	}
	pot := 0
	for _, n := range gave {
		pot += n
	}
	if len(own) != players || len(got.Scores) != players {
		t.Fatalf("%d players acted, and %d have scores", len(own), len(got.Scores))
	}
	for id, n := range own {
		want := float64(rounds*endowment-n) + multiplier/players*float64(pot)
		if score, err := strconv.ParseFloat(string(got.Scores[id]), 64); err != nil || math.Abs(score-want) > 1e-9*want {
			t.Errorf("%s earned %s, want %v", id, got.Scores[id], want)
		}
	}
}
