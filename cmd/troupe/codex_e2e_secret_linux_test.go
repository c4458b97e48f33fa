//go:build e2e

package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent/modeltest"
)

// codexPair is a run of two ticks of an agent with prompts of all kinds, and one
// with none.
const codexPair = codexHead + `agents:
  - id: able
    kind: codex
    system: {text: "` + player + `"}
    prompt: {text: "Play as one of {{len .agents}}.\nSay \"so\"."}
    files: [AGENTS.md]
    model: gpt-5.6
  - id: plain
    kind: codex
    state: none
    system: {text: "` + player + `"}
    model: gpt-5.6
`

// execCommand lets the agent able run a command in tick 0 before it answers.
func execCommand(command string) modeltest.Script {
	return modeltest.When(func(r *modeltest.Request) bool { return playerOf(r) == "able" && tickOf(r) == 0 },
		modeltest.Call("exec_command", map[string]any{"cmd": command, "yield_time_ms": 20_000}, strategist),
		func(r *modeltest.Request) modeltest.Reply {
			if playerOf(r) == "plain" { // it has forgotten how the match began
				return modeltest.Reply{Text: `{"action": {"move": "C"}}`}
			}
			return strategist(r)
		})
}

func newCodexPair(t *testing.T, script modeltest.Script) *claudeRun {
	t.Helper()
	c := newCodexRun(t, strings.Replace(codexPair, "turns: 4", "turns: 2", 1), script)
	// It lies above all workspaces, and is for the agent alone that names it.
	c.write(t, "AGENTS.md", "Owls are the house rule here.\n")
	return c
}

// The key reaches the model, and is seen by the supervisor alone; around the gateway
// by the tool, too, but in no file, by no command that it runs, and in nothing that is
// left of the run.
func TestE2ECodexSecret(t *testing.T) {
	t.Parallel()
	t.Run("through", func(t *testing.T) { t.Parallel(); testCodexSecret(t, false) })
	t.Run("bypass", func(t *testing.T) { t.Parallel(); testCodexSecret(t, true) })
}

func testCodexSecret(t *testing.T, bypass bool) {
	t.Helper()
	c := newCodexPair(t, execCommand(`env; cat /proc/self/environ; set; `+atGate))
	tail := c.key[len(c.key)-12:]
	args := []string{"run", "--name", "r", "scenario.yaml"}
	if bypass {
		args = append(args, "--set", "agents.able.gateway=bypass", "--set", "agents.able.env={OPENAI_BASE_URL: '"+c.model.URL+"/v1'}")
	}
	cmd := c.command(args...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.gate(t, func() {
		shells := 0
		for _, p := range processes() {
			if !strings.Contains(p.env, c.data) {
				continue
			}
			tool := strings.Contains(p.argv, "exec\x00")
			if strings.Contains(p.argv, tail) || strings.Contains(p.env, tail) && (!tool || !bypass) && p.pid != cmd.Process.Pid {
				t.Errorf("process %d has the key: %q", p.pid, p.argv)
			}
			if !tool && strings.Contains(p.argv, "here") {
				shells++
			}
		}
		if shells == 0 {
			t.Error("saw no shell of the tool's")
		}
	})
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, &said)
	}
	outputs := said.String()
	for _, args := range [][]string{
		{"events", "r"}, {"plan", "scenario.yaml"}, {"logs", "r", "able"}, {"transcript", "r", "able"}, {"transcript", "--json", "r", "able"}, {"ps"},
	} {
		outputs += c.troupe(t, 0, args...)
	}
	if strings.Contains(outputs, tail) {
		t.Error("a command printed the key")
	}
	if !strings.Contains(outputs, "TROUPE_AGENT=able") {
		t.Error("the tool saw no environment")
	}
	c.checkFiles(t, tail)
	c.checkBodies(t, tail)
	if got := c.model.Keys(); !reflect.DeepEqual(got, []string{c.key}) {
		t.Errorf("the model got the keys %v", got)
	}
}

// A transcript shows a turn from the prompt to the end, and a turn alone. What the
// entry gives reaches the model, once and in every turn, and each agent keeps to
// its own home.
func TestE2ECodexTranscript(t *testing.T) {
	t.Parallel()
	c := newCodexPair(t, func(r *modeltest.Request) modeltest.Reply {
		reply := execCommand("echo $((6 * 7)) owls && true")(r)
		reply.Thinking = fmt.Sprintf("Let me see about tick %d.", tickOf(r))
		return reply
	})
	c.play(t)
	whole := c.troupe(t, 0, "transcript", "r", "able")
	inOrder(t, whole,
		"── started\n", "exec --json", "── system prompt\nYou are player able.", "── prompt\nPlay as one of 2.",
		"══ tick 0", "── message\nPlay as one of 2.", "Owls are", "Tick 0.", `You observe: {"last":null`,
		"── reasoning\nLet me see about tick 0.", "── tool command_execution\n", "echo $((6 * 7)) owls && true", "── result\n42 owls",
		"── reply\nI have thought about it", "── end\nanswered\n200 tokens in and 40 out",
		" resume ", "══ tick 1", "── message\nTick 1.", "── reasoning\nLet me see about tick 1.", "── reply\n", "── end\nanswered\n")
	one := c.troupe(t, 0, "transcript", "r", "able", "--tick", "1")
	inOrder(t, one, "══ tick 1", "── message\nTick 1.", "── end\nanswered\n")
	calls := c.troupe(t, 0, "export", "r", "--what", "tool_calls")
	inOrder(t, calls, `"tick":0,"agent":"able","attempt":1,"call":"item_`, `"name":"command_execution","input":"{\"command\":`, `"result":"42 owls\n","is_error":false`)
	if n := strings.Count(calls, "\n"); n != 1 {
		t.Errorf("%d calls of tools, want 1: %s", n, calls)
	}
	for _, r := range c.model.Requests() {
		id, want := playerOf(r), 0
		if id == "able" {
			want = 1
		}
		for _, text := range []string{"Owls are the house rule here.", `Play as one of 2.\nSay \"so\".`} { // in every turn
			if n := strings.Count(string(r.Raw), text); n != want {
				t.Errorf("%s was told %q %d times: %s", id, text, n, r.Raw)
			}
		}
		if id == "plain" && r.Turn() > 0 {
			t.Errorf("%s has a past", id)
		}
	}
	c.checkThreads(t)
}

// checkThreads wants a thread in the home of the one that keeps it, and nothing of
// the tool's outside of homes.
func (c *claudeRun) checkThreads(t *testing.T) {
	t.Helper()
	var threads []string
	err := filepath.WalkDir(c.dir, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(filepath.Join(c.data, "runs", "r", "agents"), path)
		if d != nil && strings.HasPrefix(d.Name(), "rollout-") && strings.HasPrefix(rel, "able/home/.codex/sessions/") {
			threads = append(threads, rel)
		}
		if d != nil && d.Name() == ".codex" && rel != "able/home/.codex" && rel != "plain/home/.codex" {
			t.Errorf("%s lies outside of a home", path)
		}
		return err
	})
	if err != nil || len(threads) != 1 {
		t.Errorf("threads %v, %v", threads, err)
	}
}
