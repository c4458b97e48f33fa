//go:build e2e

package main

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent/modeltest"
)

// quarrel is a round robin of four models that remember.
const quarrel = `name: quarrel
seed: 4
clock: {deadline: 3m}
limits: {usd: 10}
secrets: {ANTHROPIC_API_KEY: {env: ANTHROPIC_API_KEY}}
gateway: {anthropic: {url: "$MODEL"}}
on_failure: {crash: {restart: {attempts: 100}}}
world:
  kind: matrix-game
  config: {moves: [C, D], payoffs: {CC: 3, CD: 0, DC: 5, DD: 1}, turns: 5}
agents:
  - id: "{name}"
    for_each: [{name: alternator}, {name: grudger}, {name: suspicious-tit-for-tat}, {name: tit-for-two-tats}]
    kind: claude
    state: session
    model: haiku
    system: {text: "` + player + `"}
    flags: [--tools, ""]
`

// Real Claude Code whose supervisor, processes, or both are killed again and
// again comes to the end that it would have had, and what is on record costs
// nothing twice: the model is never asked for a tick again once it is committed.
func TestE2EClaudeCrash(t *testing.T) {
	t.Parallel()
	calm := newClaudeRun(t, quarrel, slowly)
	want := calm.play(t)
	if want.Timed != 0 || want.Outcomes["action"] != 4*want.Ticks {
		t.Fatalf("left alone it came to %+v", want)
	}
	for kills := 20; kills > 0; { // it may end before all are done
		kills = killTool(t, quarrel, kills, want)
	}
}

// killTool plays a run with as many kills as there is time for, and says how many
// are left.
func killTool(t *testing.T, scenario string, kills int, want jsonResult) (left int) {
	t.Helper()
	c := newClaudeRun(t, scenario, slowly)
	k := &killed{t: t, command: c.command, data: c.data, scenario: "scenario.yaml", kills: kills, longest: betweenKills}
	lives := 0
	for over := false; !over; lives++ {
		asked, recorded := len(c.model.Requests()), 0
		if k.begun {
			recorded = c.recorded(t)
		}
		var got outcome
		got, over = k.turn()
		c.checkAskedOnce(t, asked, recorded)
		if over && (got.Hash != want.Hash || got.Timed != 0) {
			t.Errorf("killed, it ended as %+v; left alone, as %+v", got, want)
		}
	}
	crashes := 0
	for _, e := range c.events(t) {
		switch e.Fact {
		case "crashed":
			crashes++
		case "unrecorded":
			t.Errorf("%s: %s", e.Agent, e.Detail)
		}
	}
	turns := want.Outcomes["action"]
	t.Logf("%d kills, %d lives of the supervisor, %d crashes of agents on record, %d requests for %d turns",
		kills-k.kills, lives, crashes, len(c.model.Requests()), turns)
	if again := resultOf(t, c.troupe(t, 0, "resume", "r", "--json")); !reflect.DeepEqual(again.Scores, want.Scores) || again.Outcomes["action"] != turns {
		t.Errorf("it came to %+v\nwant %+v", again, want)
	}
	return k.kills
}

// betweenKills is the longest time between two kills: as long as the tool takes
// to start, and a few ticks.
const betweenKills = 3 * time.Second

// slowly answers as strategist does, after a while that makes room for a death.
func slowly(r *modeltest.Request) modeltest.Reply {
	reply := strategist(r)
	reply.Delay = rand.N(200 * time.Millisecond)
	return reply
}

// checkAskedOnce looks at what the model was asked. A tick that is followed by
// another is not asked for any more; nor is one that was on record when this
// life of the supervisor began, with the model's n-th request.
func (c *claudeRun) checkAskedOnce(t *testing.T, n, recorded int) {
	t.Helper()
	newest := 0
	for i, r := range c.model.Requests() {
		tick := tickOf(r)
		if tick < newest || i >= n && tick < recorded {
			t.Errorf("request %d, of %s, is for tick %d, after one for tick %d; with request %d there were %d ticks on record",
				i, playerOf(r), tick, newest, n, recorded)
		}
		newest = max(newest, tick)
	}
}

// recorded is how many ticks are on record.
func (c *claudeRun) recorded(t *testing.T) int {
	t.Helper()
	var runs []struct{ Ticks int }
	if out := c.troupe(t, 0, "ps", "--json"); json.Unmarshal([]byte(out), &runs) != nil || len(runs) != 1 {
		t.Fatalf("ps says %s", out)
	}
	return runs[0].Ticks
}
