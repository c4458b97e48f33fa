//go:build e2e

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent/modeltest"
)

// trouble is a run of four ticks, all in one match, of which most agents have
// a bad second one. What hangs is given time enough to start beside all the
// others.
const trouble = `name: trouble
clock: {ticks: 4, deadline: 3m}
limits: {usd: 10}
secrets: {ANTHROPIC_API_KEY: {env: ANTHROPIC_API_KEY}}
gateway: {anthropic: {url: $MODEL}}
world:
  kind: matrix-game
  config: {moves: [C, D], payoffs: {CC: 3, CD: 0, DC: 5, DD: 1}, turns: 4}
agents:
`

// troubled are the agents, each with the rest of its entry and what becomes of
// it: its outcomes, as history tells them.
var troubled = map[string]struct{ rest, history string }{
	"sound":  {"", `/ C; / C; / C; / C; 1 started`},
	"killed": {"", `/ C; / C; / C; / C; 1 crashed; 2 started`},
	"frozen": {"deadline: 30s, on_failure: {deadline: {restart: {attempts: 2}}}", `/ C; / C; / C; / C; 1 restarted; 2 started`},
	"hung":   {"deadline: 30s", `/ C; deadline/skip null; deadline/skip null unsent; deadline/skip null unsent; 3 failed; 1 started`},
	"silent": {"deadline: 30s", `/ C; deadline/skip null; deadline/skip null unsent; deadline/skip null unsent; 3 failed; 1 started`},
	// asked again it does better in tick 1, and not in tick 2
	"babbler": {"", `/ C; / C; invalid_action/retry null; / C; 3 attempts; 1 failed; 1 started`},
	"shy":     {"", `/ C; refused/skip null; / C; / C; 1 attempts; 1 failed; 1 started`},
	"busy":    {"max_turns: 1, allowed_tools: [Bash]", `/ C; limit/skip null; / C; / C; 1 failed; 1 started`},
	// the answer that passes the limit is paid, and taken
	"poor": {"limits: {usd: 0.05}, on_failure: {budget: skip}", `/ C; / C; budget/skip null unsent; budget/skip null unsent; 2 failed; 1 started`},
	// and a turn that passes it halfway ends there
	"broke": {"limits: {usd: 0.05}, on_failure: {budget: skip}, allowed_tools: [Bash]", `/ C; budget/skip null; budget/skip null unsent; budget/skip null unsent; 1 attempts; 3 failed; 1 started`},
}

// inTrouble is their model.
func inTrouble(t *testing.T, c *claudeRun) modeltest.Script {
	hold := func(r *modeltest.Request) modeltest.Reply {
		<-r.Context().Done()
		return modeltest.Reply{}
	}
	var kill sync.Once
	return func(r *modeltest.Request) modeltest.Reply {
		id, tick := playerOf(r), tickOf(r)
		reply := strategist(r)
		switch fmt.Sprint(id, " ", tick) {
		case "killed 1":
			first := false
			kill.Do(func() { first = true; c.signal(t, id, syscall.SIGKILL) })
			if first {
				return hold(r)
			}
		case "sound 0": // the tick is not over before that one is stopped
			c.awaitResult(t, "frozen")
			c.signal(t, "frozen", syscall.SIGSTOP)
		case "hung 1":
			reply.Fail, reply.After = modeltest.Hang, 1000
		case "silent 1":
			return hold(r)
		case "babbler 1", "babbler 2":
			if tick == 2 || !strings.Contains(r.LastUser(), "was not accepted") {
				return modeltest.Reply{Text: `I move {"action": {"move": "sideways"}}`}
			}
		case "shy 1":
			return modeltest.Reply{StopReason: "refusal"}
		case "poor 1":
			reply.Usage = modeltest.Usage{Input: 100, Output: 200_000}
		case "busy 1", "broke 1":
			return modeltest.Reply{Usage: modeltest.Usage{Input: 100, Output: 200_000}, Tools: []modeltest.ToolUse{{Name: "Bash", Input: map[string]string{"command": "true", "description": "do nothing"}}}}
		}
		return reply
	}
}

// Ten at once, each with a trouble of its own, and each comes to what it
// should without a tick that fails for the others.
func TestE2EClaudeTrouble(t *testing.T) {
	t.Parallel()
	scenario := trouble
	for _, id := range slices.Sorted(maps.Keys(troubled)) {
		rest := troubled[id].rest
		if !strings.Contains(rest, "Bash") {
			rest += `, flags: [--tools, ""]`
		}
		scenario += fmt.Sprintf("  - {id: %s, kind: claude, model: haiku, system: {text: %q}, %s}\n",
			id, player, strings.TrimPrefix(rest, ", "))
	}
	c := startClaudeRun(t, scenario, func(c *claudeRun) modeltest.Script { return inTrouble(t, c) })
	got := c.play(t)
	events := c.events(t)
	for id, want := range troubled {
		if h := claudeHistory(events, id); h != want.history {
			t.Errorf("%s: %s\nwant %s", id, h, want.history)
		}
	}
	want := map[string]int{"action": 26, "deadline": 6, "budget": 5, "limit": 1, "refused": 1, "invalid_action": 1}
	if got.Ticks != 4 || got.Timed != 6 || !maps.Equal(got.Outcomes, want) {
		t.Errorf("%+v\nwant 4 ticks, 6 outcomes by a clock, and %v", got, want)
	}
	for _, id := range []string{"killed", "frozen"} {
		c.checkResumed(t, events, id)
	}
	c.checkTold(t, events)
}
