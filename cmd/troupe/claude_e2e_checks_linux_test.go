//go:build e2e

package main

import (
	"fmt"
	"strings"
	"testing"
)

// checkResumed wants one session in both of an agent's processes.
func (c *claudeRun) checkResumed(t *testing.T, events []claudeEvent, id string) {
	t.Helper()
	sessions := map[string]bool{}
	for _, e := range events {
		if e.Agent == id && e.Type == "usage" {
			sessions[e.Session] = true
		}
	}
	text := c.troupe(t, 0, "transcript", "r", id)
	for session := range sessions {
		if len(sessions) != 1 || strings.Count(text, "── started\n") != 2 || strings.Count(text, " --resume "+session+"\n") != 1 {
			t.Errorf("%s had the sessions %v:\n%s", id, sortedKeys(sessions), text)
		}
	}
}

// checkTold looks at what was said to those who were asked more than once.
func (c *claudeRun) checkTold(t *testing.T, events []claudeEvent) {
	t.Helper()
	asked := map[string]int{}
	reasons := 0
	for _, r := range c.model.Requests() {
		asked[fmt.Sprint(playerOf(r), " ", tickOf(r))]++
		if strings.Contains(r.LastUser(), `was not accepted: move is "sideways"`) {
			reasons++
		}
	}
	// The tool itself repeats what meets a refusal before it says so.
	for of, want := range map[string]int{"sound 1": 1, "killed 1": 2, "frozen 1": 1, "babbler 1": 2, "babbler 2": 2, "hung 1": 1, "silent 1": 1, "poor 1": 1, "poor 2": 0, "broke 1": 1, "broke 2": 0} {
		if asked[of] != want {
			t.Errorf("the model was asked %d times for %s, want %d", asked[of], of, want)
		}
	}
	if reasons != 2 {
		t.Errorf("%d reasons were told, want 2", reasons)
	}
	for _, e := range events {
		if e.Fact == "crashed" && !strings.Contains(e.Detail, "killed by signal 9") {
			t.Errorf("%s %s: %s", e.Agent, e.Fact, e.Detail)
		}
	}
	// It had its answer, but not its end.
	if text := c.troupe(t, 0, "transcript", "r", "hung", "--tick", "1"); !strings.Contains(text, "── reply") || strings.Contains(text, "── end") {
		t.Errorf("it did not hang after its answer:\n%s", text)
	}
}
