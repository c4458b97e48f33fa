package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A fable is a scenario of two ticks in a directory of its own. Its first
// agent, good, answers well whatever becomes of the others. Agents of some leave
// marks beside their directories, so that none has walls.
type fable struct {
	dir     string
	ids     []string
	entries []string
}

func newFable(t *testing.T) *fable {
	t.Helper()
	f := &fable{dir: t.TempDir()}
	// No program, though it looks like one: this is found out when it is started.
	f.write(t, "broken", "\x7fELF and no more", 0o700)
	f.agent("good", `command: [faulty, says, '{"good":true}']`)
	return f
}

func (f *fable) write(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// agent adds an entry of one agent with the rest of its line.
func (f *fable) agent(id, rest string) {
	f.ids = append(f.ids, id+": {}")
	f.entries = append(f.entries, "  - {id: "+id+", "+rest+"}")
}

// fableHead is the number of lines before the first entry.
const fableHead = 13

func (f *fable) text() string {
	all := strings.Join(f.ids, ", ")
	return fmt.Sprintf(`name: fable
clock: {deadline: 60s}
isolation: none
limits: {usd: none}
secrets: {ANTHROPIC_API_KEY: {env: ANTHROPIC_API_KEY}}
world:
  command: [faulty, world-script]
  config:
    ready: {observations: {%s}, noop: {idles: true}}
    steps:
      - {observations: {%s}}
      - {done: true}
agents:
%s
`, all, all, strings.Join(f.entries, "\n"))
}

// troupe runs a subcommand on the fable and gives its exit code.
func (f *fable) troupe(t *testing.T, args ...string) (code int, out, said string) {
	t.Helper()
	f.write(t, "fable.yaml", f.text(), 0o600)
	cmd := exec.Command("troupe", args...)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = f.dir, &stdout, &stderr
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", "ANTHROPIC_API_KEY=sk-ant-fable")
	err := cmd.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

// play runs the fable and gives what it said and its record.
func (f *fable) play(t *testing.T, wantCode int) (out, said, events string) {
	t.Helper()
	code, out, said := f.troupe(t, "run", "--name", "r", "fable.yaml")
	if code != wantCode {
		t.Errorf("exit %d, want %d\n%s%s", code, wantCode, out, said)
	}
	code, events, err := f.troupe(t, "events", "r")
	if code != 0 {
		t.Fatal(err)
	}
	return out, said, events
}

// A recorded is one line of a record, as far as history needs it.
type recorded struct {
	Type, Agent, Failure, Policy, Fact, Name string
	Action, Value                            json.RawMessage
	Unsent                                   bool
}

// history tells what became of an agent: each tick's outcome as failure/policy
// and action, then how often which fact was recorded. It fails the test where
// the world was given anything but the recorded outcome.
func history(t *testing.T, events, id string) string {
	t.Helper()
	var parts, outcomes, given []string
	counts := map[string]int{}
	for line := range strings.Lines(events) {
		var e recorded
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		switch {
		case e.Type == "column" && e.Name == "actions":
			given = append(given, gave(t, e.Value, id)...)
		case e.Agent != id:
		case e.Type == "outcome":
			text := fmt.Sprintf("%s/%s %s", e.Failure, e.Policy, e.Action)
			if e.Unsent {
				text += " unsent"
			}
			parts = append(parts, text)
			if string(e.Action) != "null" {
				e.Failure = "" // the policy's action stands for the agent's
			}
			outcomes = append(outcomes, e.Failure+string(e.Action))
		case e.Type == "attempt":
			counts["attempts"]++
		case e.Type == "fact":
			counts[e.Fact]++
		}
	}
	if strings.Contains(events, `"end":"aborted"`) { // the world does not see that tick
		outcomes = outcomes[:max(len(outcomes)-1, 0)]
	}
	if a, b := strings.Join(given, " "), strings.Join(outcomes, " "); a != b {
		t.Errorf("%s: the world was given %s, recorded is %s", id, a, b)
	}
	for _, k := range []string{"attempts", "crashed", "differs", "failed", "substituted", "started", "waiting"} {
		if counts[k] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[k], k))
		}
	}
	return strings.Join(parts, "; ")
}

// gave finds what the world was given for an agent in one tick.
func gave(t *testing.T, column []byte, id string) (list []string) {
	t.Helper()
	var all []recorded
	if err := json.Unmarshal(column, &all); err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if a.Agent == id {
			list = append(list, a.Failure+string(a.Action))
		}
	}
	return list
}
