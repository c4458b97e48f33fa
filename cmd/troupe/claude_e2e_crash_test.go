//go:build e2e

package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"syscall"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent/modeltest"
	"github.com/troupe-dev/troupe/runtime/gateway"
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
    command: [troupe, bot, "{name}"]
`

// calmly is what the quarrel comes to where nobody is killed: bots play it as the
// model does.
func calmly(t *testing.T) jsonResult {
	t.Helper()
	want := newClaudeRun(t, quarrel, strategist).play(t, "--set", "agents.*.kind=stdio", "--set", "agents.*.state=reobserve")
	if want.Timed != 0 || want.Outcomes["action"] != 4*want.Ticks {
		t.Fatalf("left alone it came to %+v", want)
	}
	return want
}

// Real Claude Code whose supervisor, processes, or both are killed again and
// again comes to the end that it would have had, and what is on record costs
// nothing twice: the model is asked for nothing that it has answered to the end.
func TestE2EClaudeCrash(t *testing.T) {
	t.Parallel()
	want := calmly(t)
	for kills := 12; kills > 0; { // it may end before all are done
		kills = killTool(t, quarrel, kills, want)
	}
}

// Where processes alone are killed, in the middle of an answer, the rest of it is
// taken in and is the next process's: the model is asked once for each turn.
func TestE2EClaudeKilled(t *testing.T) {
	t.Parallel()
	want := calmly(t)
	kills := 0
	c := startClaudeRun(t, quarrel, func(c *claudeRun) modeltest.Script {
		return func(r *modeltest.Request) modeltest.Reply {
			id, reply := playerOf(r), strategist(r)
			if (tickOf(r)+len(id))%5 == 0 { // some alone, and some two at a time
				reply.Pause = 50 * time.Millisecond
				reply.Sent = func(n int) {
					if n == 3 {
						c.signal(t, id, syscall.SIGKILL)
					}
				}
			}
			return reply
		}
	})
	got := c.play(t)
	if got.Hash != want.Hash || got.Timed != 0 {
		t.Errorf("killed, it ended as %+v; left alone, as %+v", got, want)
	}
	for _, e := range c.events(t) {
		if e.Fact == "crashed" {
			kills++
		}
	}
	turns := want.Outcomes["action"]
	if asked, paid := len(c.model.Requests()), c.paidOnce(t); asked != turns || paid != turns || kills < turns/6 {
		t.Errorf("with %d kills the model was asked %d times for %d turns, and has answered %d times to the end", kills, asked, turns, paid)
	}
}

// killTool plays a run with as many kills as there is time for, and says how many
// are left.
func killTool(t *testing.T, scenario string, kills int, want jsonResult) (left int) {
	t.Helper()
	c := startClaudeRun(t, scenario, func(c *claudeRun) modeltest.Script { return c.unanswered(t, slowly) })
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
	turns, asked, paid := want.Outcomes["action"], len(c.model.Requests()), c.paidOnce(t)
	t.Logf("%d kills, %d lives of the supervisor, %d crashes of agents on record, %d requests for %d turns",
		kills-k.kills, lives, crashes, asked, turns)
	// A supervisor takes along what is under way, and a process what is not answered yet.
	if most := (lives-1)*len(want.Scores) + kills - k.kills; paid != turns || asked-paid > most {
		t.Errorf("%d answers came to their end in %d turns, and %d broke off, of at most %d", paid, turns, asked-paid, most)
	}
	if again := resultOf(t, c.troupe(t, 0, "resume", "r", "--json")); !reflect.DeepEqual(again.Scores, want.Scores) || again.Outcomes["action"] != turns {
		t.Errorf("it came to %+v\nwant %+v", again, want)
	}
	return k.kills
}

// exchanges are what is on record of the answers of models that came to their end.
func (c *claudeRun) exchanges(t *testing.T) (all []gateway.Exchange) {
	t.Helper()
	err := gateway.ReadExchanges(filepath.Join(c.data, "runs", "r", "gateway"), func(e *gateway.Exchange) error {
		if e.Whole && e.Status < 300 {
			all = append(all, *e)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return all
}

// unanswered is a script that is asked for nothing that has its answer on record.
func (c *claudeRun) unanswered(t *testing.T, script modeltest.Script) modeltest.Script {
	return func(r *modeltest.Request) modeltest.Reply {
		for _, e := range c.exchanges(t) {
			if e.Agent == playerOf(r) && e.Tick == tickOf(r) {
				t.Errorf("%s asks in tick %d for what is on record: %+v", e.Agent, e.Tick, e)
			}
		}
		return script(r)
	}
}

// paidOnce counts the exchanges that came to their end, and looks that each is there
// once.
func (c *claudeRun) paidOnce(t *testing.T) (paid int) {
	t.Helper()
	seen := map[string]bool{}
	for _, e := range c.exchanges(t) {
		at := fmt.Sprint(e.Agent, " ", e.Tick, " ", e.Attempt, " ", e.Hash)
		if seen[at] {
			t.Errorf("it is paid twice: %+v", e)
		}
		seen[at] = true
		paid++
	}
	return paid
}

// betweenKills is the longest time between two kills: as long as the tool takes
// to start, and a few ticks.
const betweenKills = 3 * time.Second

// slowly answers as strategist does, after and over a while that makes room for a
// death.
func slowly(r *modeltest.Request) modeltest.Reply {
	reply := strategist(r)
	reply.Delay, reply.Pause = rand.N(100*time.Millisecond), rand.N(20*time.Millisecond)
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
