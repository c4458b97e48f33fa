//go:build e2e

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent/modeltest"
)

// writes is a command that adds a line to a file.
func writes(path, line string) string {
	return fmt.Sprintf(`python3 -c "open('%s', 'a').write('%s\n')"`, path, line)
}

// teamWork is what each of the team does in a round: commands, one after another.
var teamWork = map[string]map[string][]string{
	"1": {
		"architect":   {"troupe checkout .", writes("PLAN.md", "lines by developer-1, words by developer-2"), "troupe commit PLAN.md --message plan"},
		"developer-1": {"troupe lock wc.py"},
		"developer-2": {"troupe lock wc.py"},
	},
	"2": {
		"developer-1": {"troupe checkout .", writes("wc.py", "def lines(text): return len(text.splitlines())"), "troupe commit wc.py --message lines", "troupe unlock"},
		"tester":      {"troupe checkout .", writes("PLAN.md", "the tester knows better"), "troupe commit PLAN.md"},
	},
	"3": {
		"developer-2": {"troupe checkout .", writes("wc.py", "def words(text): return len(text.split())"), "troupe commit wc.py --message words", "troupe unlock"},
	},
	"4": {
		"tester": {"troupe checkout . --force", "python3 -c \"import wc; assert wc.lines('a b') + wc.words('a b') == 3\"",
			"python3 -c \"import os; os.makedirs('tests', exist_ok=True)\"", writes("tests/test_wc.py", "import wc"), "troupe commit tests --message tests"},
	},
}

var isRound = regexp.MustCompile(`"round":(\d+)`)

// member does its work by the tool Bash, and stops where a command fails.
func member(r *modeltest.Request) modeltest.Reply {
	found := isRound.FindStringSubmatch(r.LastUser())
	if found == nil {
		return modeltest.Reply{Text: "nobody told me the round"}
	}
	commands := teamWork[found[1]][playerOf(r)]
	done := stepsOf(r)
	if results := r.Results(); len(results) > 0 && results[0].Error {
		return modeltest.Reply{Text: fmt.Sprintf(`{"action": {"did": %q}}`, "failed: "+results[0].Text)}
	}
	if done < len(commands) {
		return modeltest.Reply{Tools: []modeltest.ToolUse{{Name: "Bash", Input: map[string]string{"command": commands[done], "description": "work"}}}}
	}
	return modeltest.Reply{Text: fmt.Sprintf(`{"action": {"did": "%d things"}, "send": [{"channel": "team", "body": "round %s is done"}]}`, done, found[1])}
}

// stepsOf counts the tools that were called since the user last said something.
func stepsOf(r *modeltest.Request) int {
	n := 0
	for _, m := range r.Messages {
		for _, b := range m.Blocks {
			switch {
			case b.Type == "tool_result":
				n++
			case m.Role == "user" && b.Type == "text" && strings.Contains(b.Text, "You observe: "):
				n = 0
			}
		}
	}
	return n
}

// A team works on one repository: two developers on the same file, one after the
// other by leases, and nothing of either is lost; who may not write somewhere is
// refused.
func TestE2EClaudeTeam(t *testing.T) {
	t.Parallel()
	c := newShippedRun(t, member)
	c.path = "/usr/bin:" + c.path // a python3 in a home is not for agents
	got := c.playShipped(t, "team.yaml", "world.config.rounds=4", "expect=[]")
	if got.Outcomes["action"] != 16 || got.Timed != 0 {
		t.Errorf("it came to %+v", got)
	}
	want := map[string]string{
		"wc.py":            "def lines(text): return len(text.splitlines())\ndef words(text): return len(text.split())\n",
		"PLAN.md":          "# Plan\n\nNothing yet.\nlines by developer-1, words by developer-2\n",
		"tests/test_wc.py": "import wc\n",
	}
	for name, text := range want {
		if found, err := os.ReadFile(filepath.Join(c.data, "runs", "r", "shared", name)); err != nil || string(found) != text {
			t.Errorf("%s: %q, %v; want %q", name, found, err, text)
		}
	}
	var refused, leases []string
	for _, e := range c.events(t) {
		switch {
		case e.Type == "lease":
			leases = append(leases, fmt.Sprint(e.Tick, " ", e.Agent, " ", e.Lease))
		case e.Type == "result" && strings.Contains(string(e.Result), `"error":`):
			refused = append(refused, fmt.Sprint(e.Tick, " ", e.Agent, " ", string(e.Result)))
		case e.Type == "outcome" && strings.Contains(string(e.Action), "failed"):
			t.Errorf("tick %d: %s %s", e.Tick, e.Agent, e.Action)
		}
	}
	if len(refused) != 1 || !strings.HasPrefix(refused[0], "1 tester ") || !strings.Contains(refused[0], "PLAN.md may not be written by tester") {
		t.Errorf("refused is %q, want what the tester did to the plan", refused)
	}
	if want := []string{"0 developer-1 granted", "0 developer-2 waits", "1 developer-1 ended", "1 developer-2 granted", "2 developer-2 ended"}; !slices.Equal(leases, want) {
		t.Errorf("the leases went %q, want %q", leases, want)
	}
}
