//go:build e2e

package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent/modeltest"
)

// The real Codex hands in its action by the tool of the run's own server, and what
// it says after that is no matter. A server and settings of the entry's own are there
// beside it.
func TestE2ECodexActs(t *testing.T) {
	t.Parallel()
	act := modeltest.Always(modeltest.Reply{Tools: []modeltest.ToolUse{
		{Namespace: "mcp__troupe", Name: "act", Input: map[string]any{"action": map[string]string{"move": "D"}}},
	}})
	c := newCodexPair(t, modeltest.When(func(r *modeltest.Request) bool { return playerOf(r) == "able" && len(r.Results()) == 0 }, act,
		modeltest.Say(`I have said {"action": {"move": "C"}}`)))
	got := c.play(t,
		"--set", "agents.able.mcp={other: {command: python3, args: [-c, pass]}}",
		"--set", "agents.able.settings={web_search: disabled}")
	if got.Outcomes["action"] != 4 || got.Timed != 0 {
		t.Errorf("it came to %+v", got)
	}
	for _, e := range c.events(t) {
		want := map[string]string{"able": `{"move":"D"}`, "plain": `{"move":"C"}`}[e.Agent]
		if e.Type == "outcome" && string(e.Action) != want {
			t.Errorf("tick %d: %s did %s", e.Tick, e.Agent, e.Action)
		}
	}
	for _, r := range c.model.Requests() {
		if !slices.Contains(r.Tools, "act") || !slices.Contains(r.Tools, "send_message") || playerOf(r) == "able" == slices.Contains(r.Tools, "web_search") {
			t.Errorf("%s is offered %q", playerOf(r), r.Tools)
		}
	}
	text := c.troupe(t, 0, "transcript", "r", "able", "--tick", "0")
	inOrder(t, text, "── tool mcp__troupe__act\n", "── result\n", "── reply\nI have said")
	if strings.Contains(text, "an error") {
		t.Error(text)
	}
}
