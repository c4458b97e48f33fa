//go:build e2e

package main

import (
	"strings"
	"testing"
)

// A fork goes on with the conversations that its agents had at its tick, in
// directories of its own: the real Claude Code finds its session there, and asks the
// model for what comes after it alone.
func TestE2EClaudeFork(t *testing.T) {
	t.Parallel()
	c := newClaudeRun(t, strings.Replace(quarrel, "limits:", "checkpoint: {every: 2, keep: 20}\nlimits:", 1), strategist)
	want := c.play(t)
	asked := len(c.model.Requests())
	got := resultOf(t, c.troupe(t, 0, "fork", "--json", "--name", "f", "--at", "2", "r"))
	if got.Hash != want.Hash || got.Fork == nil || len(got.Fork.Starts) > 0 {
		t.Errorf("the fork came to %+v\nwant %+v", got, want)
	}
	later := c.model.Requests()[asked:]
	if len(later) != 4*(want.Ticks-2) {
		t.Errorf("the model was asked %d times more, for %d ticks of four agents", len(later), want.Ticks-2)
	}
	for _, r := range later {
		if r.Turn() < 2 || tickOf(r) < 2 {
			t.Errorf("%s was asked for tick %d after %d turns", playerOf(r), tickOf(r), r.Turn())
		}
	}
}
