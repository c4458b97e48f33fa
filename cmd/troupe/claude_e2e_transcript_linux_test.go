//go:build e2e

package main

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent/modeltest"
)

// A transcript shows a turn from the prompt to the cost, and a turn alone. What
// the entry gives reaches the model, and each agent keeps to its own home.
func TestE2EClaudeTranscript(t *testing.T) {
	t.Parallel()
	think := func(r *modeltest.Request) modeltest.Reply {
		reply := bash("echo $((6 * 7)) owls && true")(r)
		reply.Thinking = fmt.Sprintf("Let me see about tick %d.", tickOf(r))
		return reply
	}
	c := newPair(t, think)
	c.play(t)
	whole := c.troupe(t, 0, "transcript", "r", "able")
	inOrder(t, whole,
		"── started\n", "stream-json", "── system prompt\nYou are player able.", "── prompt\nPlay as one of 2.",
		"══ tick 0", "── message\nTick 0.", `You observe: {"last":null`,
		"── reasoning\nLet me see about tick 0.", "── tool Bash\n", "echo $((6 * 7)) owls && true", "── result\n42 owls",
		"── reply\nI have thought about it", "── end\nanswered\n$0.0", " for 2 turns, 200 tokens in and 40 out",
		"══ tick 1", "── message\nTick 1.", "── reasoning\nLet me see about tick 1.", "── reply\n", "── end\nanswered\n")
	one := c.troupe(t, 0, "transcript", "r", "able", "--tick", "1")
	inOrder(t, one, "══ tick 1", "── message\nTick 1.", "── end\nanswered\n")
	calls := c.troupe(t, 0, "export", "r", "--what", "tool_calls")
	inOrder(t, calls, `"tick":0,"agent":"able","attempt":1,"call":"toolu_`, `"name":"Bash","input":"{\"command\":\"echo $((6 * 7)) owls && true\"`, `"result":"42 owls","is_error":false`)
	if n := strings.Count(calls, "\n"); n != 1 {
		t.Errorf("%d calls of tools, want 1: %s", n, calls)
	}
	if strings.Contains(one, "tick 0") || strings.Contains(one, "owls") {
		t.Errorf("tick 1 alone has more:\n%s", one)
	}
	if !strings.Contains(whole, one) {
		t.Errorf("tick 1 alone is not part of the whole:\n%s", one)
	}
	for _, r := range c.model.Requests() {
		id, want := playerOf(r), 0
		if id == "able" {
			want = 1
		}
		if n := strings.Count(string(r.Raw), "Owls are the house rule here."); n != want {
			t.Errorf("%s was told CLAUDE.md %d times: %s", id, n, r.Raw)
		}
		if n := strings.Count(r.System, "Play as one of 2."); n != want {
			t.Errorf("%s was told its prompt %d times: %s", id, n, r.System)
		}
		for _, tool := range []string{"ListAgents", "SendMessage", "RemoteTrigger"} {
			if slices.Contains(r.Tools, tool) || strings.Contains(string(r.Raw), tool) {
				t.Errorf("%s may reach other sessions with %s: it has %q", id, tool, r.Tools)
			}
		}
	}
	c.checkHomes(t)
}

// checkHomes wants the tool's configuration in each agent's home, and nowhere
// else.
func (c *claudeRun) checkHomes(t *testing.T) {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir(c.dir, func(path string, d fs.DirEntry, err error) error {
		if d != nil && strings.HasPrefix(d.Name(), ".claude") {
			rel, _ := filepath.Rel(filepath.Join(c.data, "runs", "r", "agents"), path)
			found[rel] = true
			if parts := strings.Split(rel, "/"); len(parts) < 3 || parts[1] != "home" {
				t.Errorf("%s lies outside of a home", path)
			}
		}
		return err
	})
	for _, id := range []string{"able", "plain"} {
		if !found[id+"/home/.claude.json"] {
			t.Errorf("agent %s has no configuration of its own: %v", id, sortedKeys(found))
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// inOrder wants parts in a text, each behind the one before.
func inOrder(t *testing.T, text string, parts ...string) {
	t.Helper()
	rest := text
	for _, part := range parts {
		_, after, ok := strings.Cut(rest, part)
		if !ok {
			t.Errorf("%q is missing or too early in\n%s", part, text)
			return
		}
		rest = after
	}
}

// A data directory may have a long name: sockets are the first to fail of it.
func TestE2EClaudeLongPath(t *testing.T) {
	t.Parallel()
	c := newPair(t, bash("mktemp"))
	c.data = filepath.Join(c.dir, strings.Repeat("long-name/", 15), "data")
	got := c.play(t)
	if got.Outcomes["action"] != 4 {
		t.Errorf("%+v", got)
	}
	if text := c.troupe(t, 0, "transcript", "r", "able"); !strings.Contains(text, filepath.Join(c.data, "runs", "r", "agents", "able", "tmp")) {
		t.Errorf("the tool's temporary files are not the agent's:\n%s", text)
	}
}
