//go:build e2e

package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent/modeltest"
	"github.com/troupe-dev/troupe/runtime/gateway"
)

// pair is a run of two ticks of an agent with tools and one without.
const pair = `name: pair
clock: {ticks: 2, deadline: 3m}
limits: {usd: 10}
secrets: {ANTHROPIC_API_KEY: {env: ANTHROPIC_API_KEY}}
gateway: {anthropic: {url: "$MODEL"}}
world:
  kind: matrix-game
  config: {moves: [C, D], payoffs: {CC: 3, CD: 0, DC: 5, DD: 1}, turns: 2}
agents:
  - id: able
    kind: claude
    model: haiku
    system: {text: "` + player + `"}
    prompt: {text: "Play as one of {{len .agents}}."}
    allowed_tools: [Bash]
    files: [CLAUDE.md]
  - id: plain
    kind: claude
    model: haiku
    system: {text: "` + player + `"}
    flags: [--tools, ""]
`

// bash lets the agent able run a command in tick 0 before it answers.
func bash(command string) modeltest.Script {
	input := map[string]string{"command": command, "description": "look around"}
	return modeltest.When(func(r *modeltest.Request) bool { return playerOf(r) == "able" && tickOf(r) == 0 },
		modeltest.Call("Bash", input, strategist), strategist)
}

func newPair(t *testing.T, script modeltest.Script) *claudeRun {
	t.Helper()
	c := newClaudeRun(t, pair, script)
	// It lies above all workspaces, and is for the agent alone that names it.
	c.write(t, "CLAUDE.md", "Owls are the house rule here.\n")
	return c
}

// atGate waits at a file for somebody to look at it, and goes on once there is
// another beside it.
const atGate = `touch here; until [ -e go ]; do sleep 0.02; done`

// gate runs look while the agent able is at the gate.
func (c *claudeRun) gate(t *testing.T, look func()) {
	t.Helper()
	work := filepath.Join(c.data, "runs", "r", "agents", "able", "work")
	eventually(t, "the tool", func() bool { _, err := os.Stat(filepath.Join(work, "here")); return err == nil })
	look()
	if err := os.WriteFile(filepath.Join(work, "go"), nil, 0o600); err != nil {
		t.Error(err)
	}
}

// The key reaches the model, and is seen nowhere else: neither while a tool of
// the agent's prints all that it can see of its environment, nor in what is
// left of the run.
func TestE2EClaudeSecret(t *testing.T) {
	t.Parallel()
	c := newPair(t, bash(`env; cat /proc/self/environ /proc/$PPID/environ /proc/$PPID/cmdline; set; `+atGate))
	tail := c.key[len(c.key)-12:] // a part of a key is too much already
	cmd := c.command("run", "--name", "r", "scenario.yaml")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.gate(t, func() {
		mine := 0
		for _, p := range processes() {
			if strings.Contains(p.env, c.data) {
				mine++
			}
			if strings.Contains(p.argv, tail) || strings.Contains(p.env, tail) && p.pid != cmd.Process.Pid {
				t.Errorf("process %d has the key: %q", p.pid, p.argv)
			}
		}
		if mine < 4 { // the supervisor, two agents, a shell
			t.Errorf("saw only %d processes of the run", mine)
		}
	})
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, &said)
	}
	outputs := said.String()
	for _, args := range [][]string{
		{"events", "r"}, {"plan", "scenario.yaml"}, {"logs", "r", "able"}, {"transcript", "r", "able"},
		{"transcript", "--json", "r", "able"}, {"transcript", "r", "plain"}, {"ps"},
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
	for _, r := range c.model.Requests() {
		if bytes.Contains(r.Raw, []byte(tail)) {
			t.Errorf("the model was told the key: %s", r.Raw)
		}
	}
}

// checkFiles looks for a text in all files beside and below the scenario.
func (c *claudeRun) checkFiles(t *testing.T, text string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(c.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		files++
		content, err := os.ReadFile(path)
		if bytes.Contains(content, []byte(text)) || strings.Contains(path, text) {
			t.Errorf("%s has the key", path)
		}
		return err
	})
	if err != nil || files < 10 {
		t.Errorf("looked at %d files: %v", files, err)
	}
}

// checkBodies looks for a text in what models were asked and answered, which is kept
// compressed.
func (c *claudeRun) checkBodies(t *testing.T, text string) {
	t.Helper()
	dir := filepath.Join(c.data, "runs", "r", "gateway")
	bodies := 0
	err := gateway.ReadExchanges(dir, func(e *gateway.Exchange) error {
		for _, hash := range []string{e.Hash, e.Response} {
			body, err := gateway.ReadBody(dir, hash)
			if err != nil {
				return err
			}
			if bytes.Contains(body, []byte(text)) {
				t.Errorf("the record of %s in tick %d has the key: %s", e.Agent, e.Tick, body)
			}
			bodies++
		}
		return nil
	})
	if err != nil || bodies < 2 {
		t.Errorf("looked at %d bodies: %v", bodies, err)
	}
}
