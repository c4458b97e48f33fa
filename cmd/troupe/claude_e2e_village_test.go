//go:build e2e

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent/modeltest"
)

// villager writes its diary every day, and tells the square how long that is. One
// pins a notice to the board.
func villager(r *modeltest.Request) modeltest.Reply {
	found := isRound.FindStringSubmatch(r.LastUser())
	who := villagerIs(r)
	if found == nil || who == "" {
		return modeltest.Reply{Text: "I do not know who I am, or which day it is"}
	}
	commands := []string{"echo 'day " + found[1] + " of " + who + "' >> diary.md", "cat diary.md"}
	if who == "clara" && found[1] == "1" {
		commands = append([]string{"troupe checkout . --force", "echo 'wood is there' >> board.md", "troupe commit board.md --message notice"}, commands...)
	}
	done, results := stepsOf(r), r.Results()
	if len(results) > 0 && results[0].Error {
		return modeltest.Reply{Text: fmt.Sprintf(`{"action": {"did": %q}}`, "failed: "+results[0].Text)}
	}
	if done < len(commands) {
		return modeltest.Reply{Tools: []modeltest.ToolUse{{Name: "Bash", Input: map[string]string{"command": commands[done], "description": "work"}}}}
	}
	days := strings.Count(results[0].Text, " of "+who)
	return modeltest.Reply{Text: fmt.Sprintf(`{"action": {"did": "%d days"}, "send": [{"channel": "square", "body": "%s has written %d days"}]}`, days, who, days)}
}

func villagerIs(r *modeltest.Request) string {
	for _, name := range []string{"ada", "bruno", "clara", "dora"} {
		if strings.Contains(r.System, "You are "+name+", the ") {
			return name
		}
	}
	return ""
}

// Villagers are parked between their days, and come back to their homes and to what
// was said in the square. What they have in common is changed by commits alone.
func TestE2EClaudeVillage(t *testing.T) {
	t.Parallel()
	c := newShippedRun(t, villager)
	got := c.playShipped(t, "village.yaml", "world.config.rounds=3", "expect=[]")
	if got.Outcomes["action"] != 12 || got.Timed != 0 {
		t.Errorf("it came to %+v", got)
	}
	parked := 0
	for _, e := range c.events(t) {
		if e.Fact == "parked" {
			parked++
		}
		if want := fmt.Sprintf(`{"did":"%d days"}`, e.Tick+1); e.Type == "outcome" && string(e.Action) != want {
			t.Errorf("tick %d: %s did %s, want %s", e.Tick, e.Agent, e.Action, want)
		}
	}
	if parked < 2*3 { // of four, two have a place
		t.Errorf("%d times somebody was parked", parked)
	}
	for _, r := range c.model.Requests() {
		for _, name := range []string{"ada", "bruno", "clara", "dora"} {
			heard := strings.Contains(r.LastUser(), name+" has written 2 days")
			if last := strings.Contains(r.LastUser(), `"round":3`) && name != villagerIs(r); last != heard {
				t.Errorf("%s heard of %s: %v\n%s", villagerIs(r), name, heard, r.LastUser())
			}
		}
	}
	run := filepath.Join(c.data, "runs", "r")
	if board, err := os.ReadFile(filepath.Join(run, "shared", "board.md")); err != nil || string(board) != "# Notices\nwood is there\n" {
		t.Errorf("the board says %q, %v", board, err)
	}
	diary, err := exec.Command("tar", "-xzOf", filepath.Join(run, "agents", "dora", "work.tar.gz"), "work/diary.md").CombinedOutput()
	if err != nil || !strings.HasSuffix(string(diary), "day 1 of dora\nday 2 of dora\nday 3 of dora\n") {
		t.Errorf("dora's diary says %q, %v", diary, err)
	}
}
