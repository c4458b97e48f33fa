//go:build e2e

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent/modeltest"
)

// A claudeRun is one run, named r, of a scenario whose agents are the real
// Claude Code, or Codex. Only their model is a stand-in.
type claudeRun struct {
	model *modeltest.Server
	key   string // like no other text
	path  string // PATH, on which there is Claude Code
	dir   string // of the scenario
	data  string
}

// newClaudeRun writes a scenario in which $MODEL stands for the model's URL.
func newClaudeRun(t *testing.T, scenario string, script modeltest.Script) *claudeRun {
	t.Helper()
	return startClaudeRun(t, scenario, func(*claudeRun) modeltest.Script { return script })
}

// startClaudeRun is newClaudeRun with a script that does something to the run.
// It must not use the model.
func startClaudeRun(t *testing.T, scenario string, script func(c *claudeRun) modeltest.Script) *claudeRun {
	t.Helper()
	c := &claudeRun{path: pathToClaude(t), key: fmt.Sprintf("sk-ant-canary-%016x", rand.Uint64()), dir: t.TempDir()}
	c.data = filepath.Join(c.dir, "data")
	c.model = modeltest.Start(script(c))
	t.Cleanup(func() {
		c.model.Close()
		if got := c.model.Strays(); len(got) > 0 {
			t.Errorf("agents asked for what the model does not serve: %v", got)
		}
		if left := processesIn(c.dir, 5*time.Second); len(left) > 0 {
			t.Errorf("processes left: %v", left)
		}
		if t.Failed() {
			c.tell(t)
		}
	})
	c.write(t, "scenario.yaml", strings.ReplaceAll(scenario, "$MODEL", c.model.URL))
	return c
}

// pathToClaude is PATH without this test's own programs, one of which is a
// stand-in for Claude Code.
func pathToClaude(t *testing.T) string {
	t.Helper()
	own, err := exec.LookPath("troupe")
	if err != nil {
		t.Fatal(err)
	}
	var dirs []string
	found := false
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if dir != filepath.Dir(own) {
			dirs = append(dirs, dir)
			_, err := exec.LookPath(filepath.Join(dir, "claude"))
			found = found || err == nil
		}
	}
	if !found {
		t.Fatal("there is no claude in PATH: this test drives Claude Code, of the npm package @anthropic-ai/claude-code")
	}
	return strings.Join(dirs, string(filepath.ListSeparator))
}

func (c *claudeRun) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// command is a call of troupe, with the key in its environment.
func (c *claudeRun) command(args ...string) *exec.Cmd {
	cmd := exec.Command("troupe", args...)
	cmd.Dir = c.dir
	cmd.Env = []string{
		"PATH=" + c.path, "HOME=" + c.dir, "TROUPE_DATA=" + c.data,
		"GORACE=atexit_sleep_ms=0", "ANTHROPIC_API_KEY=" + c.key, "OPENAI_API_KEY=" + c.key,
	}
	return cmd
}

// troupe calls a subcommand and gives what it wrote to stdout.
func (c *claudeRun) troupe(t *testing.T, wantCode int, args ...string) string {
	t.Helper()
	cmd := c.command(args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if ended := (*exec.ExitError)(nil); err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	if code := cmd.ProcessState.ExitCode(); code != wantCode {
		t.Errorf("troupe %v: exit %d, want %d\n%s%s", args, code, wantCode, &stdout, &stderr)
	}
	return stdout.String()
}

// play runs the scenario to its end.
func (c *claudeRun) play(t *testing.T, args ...string) jsonResult {
	t.Helper()
	out := c.troupe(t, 0, append([]string{"run", "--json", "--name", "r", "scenario.yaml"}, args...)...)
	return resultOf(t, out)
}

func resultOf(t *testing.T, out string) jsonResult {
	t.Helper()
	var r jsonResult
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return r
}

// tell logs what helps to understand a failure.
func (c *claudeRun) tell(t *testing.T) {
	events, _ := c.command("events", "r").Output()
	for line := range strings.Lines(string(events)) {
		if !strings.Contains(line, `"type":"observation"`) {
			t.Log(strings.TrimSpace(line))
		}
	}
	logs, _ := filepath.Glob(filepath.Join(c.data, "runs", "r", "agents", "*", "stderr.log"))
	for _, name := range logs {
		text, _ := os.ReadFile(name)
		t.Logf("%s:\n%s", name, text)
	}
}

// A claudeEvent is one line of a record, as far as these tests need it.
type claudeEvent struct {
	Type, Agent, Failure, Policy, Fact, Detail, Error, Session, Lease string
	Action, Result                                                    json.RawMessage
	Unsent                                                            bool
	Tick                                                              int
	USD                                                               float64
}

// events reads the record.
func (c *claudeRun) events(t *testing.T) []claudeEvent {
	t.Helper()
	var all []claudeEvent
	for line := range strings.Lines(c.troupe(t, 0, "events", "r")) {
		var e claudeEvent
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, e)
	}
	return all
}
