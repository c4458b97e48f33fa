//go:build e2e

package main

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent/modeltest"
)

// weather is a run of three ticks, all in one match, in whose second one the
// upstream of most agents misbehaves. Nobody pays for another's trouble: all are
// behind one gateway.
const weather = `name: weather
clock: {ticks: 3, deadline: 3m}
limits: {usd: 10}
secrets: {ANTHROPIC_API_KEY: {env: ANTHROPIC_API_KEY}}
gateway: {anthropic: {url: $MODEL, tries: 2, idle: 2s}}
world:
  kind: matrix-game
  config: {moves: [C, D], payoffs: {CC: 3, CD: 0, DC: 5, DD: 1}, turns: 3}
agents:
`

// A squall is what an upstream does in an agent's second tick: to its first so many
// requests, and what comes of it. The gateway makes each request for which there is
// no room twice, and the agent's tool each that failed three times.
type squall struct {
	does    modeltest.Reply // but for its text, if it is an answer
	times   int
	rest    string // of the agent's entry
	asked   int    // in that tick
	history string
}

var squalls = map[string]squall{
	"calm":       {asked: 1, history: `/ C; / C; / C; 1 started`},
	"crowded":    {modeltest.Reply{Status: 429, RetryAfter: time.Second, Text: "too many at once"}, 1, "", 2, `/ C; / C; / C; 1 started`},
	"overloaded": {modeltest.Reply{Status: 529, RetryAfter: time.Second, Text: "overloaded"}, 7, "", 8, `/ C; / C; / C; 1 started; 1 waiting`},
	"erring":     {modeltest.Reply{Status: 500, Text: "oh"}, 1, "", 2, `/ C; / C; / C; 1 started`},
	"broken":     {modeltest.Reply{Status: 500, Text: "oh"}, 99, "on_failure: {rate_limited: skip}", 3, `/ C; rate_limited/skip null; / C; 1 attempts; 1 failed; 1 started`},
	"cut":        {modeltest.Reply{Fail: modeltest.Cut, After: 4}, 1, "", 2, `/ C; / C; / C; 1 started`},
	"malformed":  {modeltest.Reply{Fail: modeltest.Garble, After: 4}, 1, "", 2, `/ C; / C; / C; 1 started`},
	"stalled":    {modeltest.Reply{Fail: modeltest.Hang, After: 4}, 1, "", 2, `/ C; / C; / C; 1 started`},
	"open":       {modeltest.Reply{Fail: modeltest.Hang, After: 1000}, 1, "", 1, `/ C; / C; / C; 1 started`},
	"slow":       {modeltest.Reply{Delay: 10 * time.Second}, 1, "", 1, `/ C; / C; / C; 1 started`},
}

// inSqualls is their model.
func inSqualls() modeltest.Script {
	var mu sync.Mutex
	asked := map[string]int{}
	return func(r *modeltest.Request) modeltest.Reply {
		id, reply := playerOf(r), strategist(r)
		if tickOf(r) != 1 {
			return reply
		}
		mu.Lock()
		defer mu.Unlock()
		asked[id]++
		s := squalls[id]
		if asked[id] > s.times {
			return reply
		}
		if s.does.Text == "" {
			s.does.Text = reply.Text
		}
		return s.does
	}
}

// What goes wrong upstream comes to what it should, for those alone whom it meets,
// and an answer that was all there is never asked for again.
func TestE2EClaudeUpstream(t *testing.T) {
	t.Parallel()
	scenario := weather
	for _, id := range slices.Sorted(maps.Keys(squalls)) {
		scenario += fmt.Sprintf("  - {id: %s, kind: claude, model: haiku, system: {text: %q}, flags: [--tools, \"\"], %s}\n", id, player, squalls[id].rest)
	}
	c := newClaudeRun(t, scenario, inSqualls())
	got := c.play(t)
	events := c.events(t)
	asked := map[string]int{}
	for _, r := range c.model.Requests() {
		if tickOf(r) == 1 {
			asked[playerOf(r)]++
		}
	}
	for id, want := range squalls {
		if h := claudeHistory(events, id); h != want.history || asked[id] != want.asked {
			t.Errorf("%s: %s; asked %d times\nwant %s; asked %d times", id, h, asked[id], want.history, want.asked)
		}
	}
	if want := map[string]int{"action": 29, "rate_limited": 1}; got.Ticks != 3 || got.Timed != 0 || !maps.Equal(got.Outcomes, want) {
		t.Errorf("%+v\nwant 3 ticks and %v", got, want)
	}
}
