//go:build e2e

package main

import (
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent/modeltest"
)

// codexHead begins a scenario of matches of four turns.
const codexHead = `name: codex
seed: 4
clock: {deadline: 3m}
limits: {usd: 10}
secrets: {OPENAI_API_KEY: {env: OPENAI_API_KEY}}
gateway: {openai: {url: "$MODEL"}}
world:
  kind: matrix-game
  config: {moves: [C, D], payoffs: {CC: 3, CD: 0, DC: 5, DD: 1}, turns: 4}
`

// codexQuarrel is a round robin of three models that remember.
const codexQuarrel = codexHead + `on_failure: {crash: {restart: {attempts: 100}}}
agents:
  - id: "{name}"
    for_each: [{name: alternator}, {name: grudger}, {name: tit-for-two-tats}]
    kind: codex
    model: gpt-5.6
    system: {text: "` + player + `"}
    command: [troupe, bot, "{name}"]
`

// newCodexRun is newClaudeRun for the real Codex.
func newCodexRun(t *testing.T, scenario string, script modeltest.Script) *claudeRun {
	t.Helper()
	return startCodexRun(t, scenario, func(*claudeRun) modeltest.Script { return script })
}

func startCodexRun(t *testing.T, scenario string, script func(c *claudeRun) modeltest.Script) *claudeRun {
	t.Helper()
	c := startClaudeRun(t, scenario, script)
	for _, dir := range filepath.SplitList(c.path) {
		if _, err := exec.LookPath(filepath.Join(dir, "codex")); err == nil {
			return c
		}
	}
	t.Fatal("there is no codex in PATH: this test drives Codex, of the npm package @openai/codex")
	return nil
}

// Models play out what bots do, to the byte, because each thread goes on over all
// its processes.
func TestE2ECodexDilemma(t *testing.T) {
	t.Parallel()
	bots := newCodexRun(t, codexQuarrel, strategist)
	want := bots.play(t, "--set", "agents.*.kind=stdio")
	c := newCodexRun(t, codexQuarrel, strategist)
	got := c.play(t)
	if got.Hash != want.Hash || !reflect.DeepEqual(got.Scores, want.Scores) || got.Outcomes["action"] != 2*got.Ticks || got.Timed != 0 {
		t.Errorf("%+v\nwant what bots play, %+v", got, want)
	}
	turns := got.Outcomes["action"]
	if m := got.Models; m == nil || m.Turns != turns || m.Input != 100*turns || m.Output != 20*turns {
		t.Errorf("used %+v in %d turns", got.Models, turns)
	}
	threads := map[string]string{}
	for _, e := range c.events(t) {
		if e.Type == "usage" && threads[e.Agent] != "" && threads[e.Agent] != e.Session {
			t.Errorf("%s had several threads", e.Agent)
		}
		if e.Type == "usage" {
			threads[e.Agent] = e.Session
		}
	}
	if len(threads) != 3 || threads["grudger"] == threads["alternator"] {
		t.Errorf("threads %v", threads)
	}
}

// Codex whose supervisor, processes, or both are killed again and again comes to
// the end that it would have had, and the model is never asked for a tick again
// once it is committed.
func TestE2ECodexCrash(t *testing.T) {
	t.Parallel()
	want := newCodexRun(t, codexQuarrel, strategist).play(t, "--set", "agents.*.kind=stdio") // as Codex plays it
	if want.Timed != 0 || want.Outcomes["action"] != 2*want.Ticks {
		t.Fatalf("left alone it came to %+v", want)
	}
	for kills := 12; kills > 0; {
		kills = killTool(t, codexQuarrel, kills, want)
	}
}

// notParked leaves out that processes ended after their turns, which the last may do
// after the last tick, and what was killed of what they had started.
var notParked = regexp.MustCompile(`\d (parked|swept); `)

// codexTroubled are agents that have a bad second tick, each with the rest of its
// entry and what becomes of it.
var codexTroubled = map[string]struct{ rest, history string }{
	"sound":   {"", `/ C; / C; / C; / C; 4 started`},
	"killed":  {"", `/ C; / C; / C; / C; 1 crashed; 5 started`},
	"hung":    {"deadline: 15s", `/ C; deadline/skip null; deadline/skip null unsent; deadline/skip null unsent; 3 failed; 2 started`},
	"babbler": {"", `/ C; invalid_action/retry null; / C; / C; 2 attempts; 1 failed; 5 started`},
	// by the gateway it would wait for room, and none the wiser
	"crowded": {"gateway: bypass, env: {OPENAI_BASE_URL: $MODEL/v1}", `/ C; / C; / C; / C; 5 started; 1 waiting`},
	"cut":     {"", `/ C; / C; / C; / C; 5 started; 1 waiting`},
	"garbled": {"", `/ C; / C; / C; / C; 5 started; 1 waiting`},
	"loaded":  {"", `/ C; / C; / C; / C; 5 started; 1 waiting`},
	"shy":     {"", `/ C; refused/skip null; / C; / C; 1 attempts; 1 failed; 4 started`},
	"alone":   {"on_failure: {rate_limited: skip}", `/ C; rate_limited/skip null; / C; / C; 1 attempts; 1 failed; 4 started`},
	// has no connection at all
	"lost":  {"gateway: bypass, env: {OPENAI_BASE_URL: 'http://127.0.0.1:1/v1'}, on_failure: {rate_limited: skip}", `rate_limited/skip null; rate_limited/skip null; rate_limited/skip null; rate_limited/skip null; 4 attempts; 4 failed; 4 started`},
	"broke": {"on_failure: {budget: skip}", `/ C; budget/skip null; / C; / C; 1 attempts; 1 failed; 4 started`},
}

// inCodexTrouble is their model.
func inCodexTrouble(t *testing.T, c *claudeRun) modeltest.Script {
	var kill sync.Once
	var failed [4]atomic.Int32
	// What fails does so for as many requests as one turn makes: the tool repeats
	// all but what meets a 429 that does not say when.
	fails := func(i int, times int32, bad, good modeltest.Reply) modeltest.Reply {
		if failed[i].Add(1) <= times {
			return bad
		}
		return good
	}
	return func(r *modeltest.Request) modeltest.Reply {
		id, tick := playerOf(r), tickOf(r)
		reply := strategist(r)
		if tick != 1 {
			return reply
		}
		switch id {
		case "killed":
			first := false
			kill.Do(func() { first = true; c.signal(t, id, syscall.SIGKILL) })
			if first {
				<-r.Context().Done()
			}
		case "hung":
			<-r.Context().Done()
		case "babbler":
			return modeltest.Reply{Text: `I move {"action": {"move": "sideways"}}`}
		case "crowded":
			return fails(0, 1, modeltest.Reply{Status: 429, Text: "too many at once"}, reply)
		case "cut":
			return fails(1, 3, modeltest.Reply{Text: reply.Text, Fail: modeltest.Cut, After: 3}, reply)
		case "garbled":
			return fails(2, 3, modeltest.Reply{Text: reply.Text, Fail: modeltest.Garble, After: 3}, reply)
		case "loaded":
			return fails(3, 3, modeltest.Reply{Status: 500, Text: "oh"}, reply)
		case "shy":
			return modeltest.Reply{StopReason: "refusal"}
		case "alone":
			return modeltest.Reply{Fail: modeltest.Cut}
		case "broke":
			return modeltest.Reply{Status: 401, Text: "no such key"}
		}
		return reply
	}
}

// Twelve at once, each with a trouble of its own, and each comes to what it should
// without a tick that fails for the others.
func TestE2ECodexTrouble(t *testing.T) {
	t.Parallel()
	scenario := strings.Replace(codexHead, "{deadline: 3m}", "{ticks: 4, deadline: 3m}", 1) + "agents:\n"
	for _, id := range slices.Sorted(maps.Keys(codexTroubled)) {
		rest := codexTroubled[id].rest
		if rest != "" {
			rest = ", " + rest
		}
		scenario += fmt.Sprintf("  - {id: %s, kind: codex, model: gpt-5.6, system: {text: %q}%s}\n", id, player, rest)
	}
	c := startCodexRun(t, scenario, func(c *claudeRun) modeltest.Script { return inCodexTrouble(t, c) })
	got := c.play(t)
	events := c.events(t)
	for id, want := range codexTroubled {
		if h := notParked.ReplaceAllString(claudeHistory(events, id), ""); h != want.history {
			t.Errorf("%s: %s\nwant %s", id, h, want.history)
		}
	}
	want := map[string]int{"action": 37, "deadline": 3, "budget": 1, "rate_limited": 5, "refused": 1, "invalid_action": 1}
	if got.Ticks != 4 || got.Timed != 3 || !maps.Equal(got.Outcomes, want) {
		t.Errorf("%+v\nwant 4 ticks, 3 outcomes by a clock, and %v", got, want)
	}
	texts := map[string]string{"crowded": "429", "cut": "stream disconnected", "garbled": "stream disconnected", "loaded": "high demand"}
	for _, e := range events {
		if e.Fact == "waiting" && !strings.Contains(e.Detail, texts[e.Agent]) {
			t.Errorf("%s waits: %s", e.Agent, e.Detail)
		}
	}
}
