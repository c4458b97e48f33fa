package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A crashed run is one that is killed again and again and resumed after each
// time, until it ends.
type crashed struct {
	t        *testing.T
	data     string
	scenario string
	kills    int // still to come
	longest  time.Duration
	begun    bool
}

// crashScenarios are what is killed: agents that remember, alone and together,
// with messages and channels; agents that come and go; a world that is a
// process.
var crashScenarios = map[string]string{
	"alone": `name: alone
seed: 7
clock: {ticks: 60, deadline: 60s}
world: {kind: conversation, config: {rounds: 60, topic: all that was}}
channels: {square: {members: ["a-*"]}}
on_failure: {crash: {restart: {attempts: 100}}}
agents:
  - {id: "a-{n}", replicas: 5, command: [historian], config: {peers: [nobody, a-1, a-2, a-3]}}
`,
	"together": `name: together
seed: 7
clock: {ticks: 60, deadline: 60s}
world: {command: [troupe, world, conversation], config: {rounds: 60, topic: all that was}}
on_failure: {crash: {restart: {attempts: 100}}}
agents:
  - {id: "a-{n}", replicas: 6, per_process: 3, command: [historian], config: {peers: [nobody, a-1, a-5]}}
`,
	"rabbits": `name: rabbits
seed: 1202
clock: {ticks: 7, deadline: 60s}
world: {kind: population, config: {newborn: "rabbit-{n}", age: 1}}
on_failure: {crash: {restart: {attempts: 100}}}
agents:
  - {id: "rabbit-{n}", replicas: 1, max: 1000, command: [troupe, bot, rabbit]}
`,
}

// TestCrash is the other half of promise 1: a run that loses its supervisor,
// agents, or both, at any moment, ends with the hash it would have had.
func TestCrash(t *testing.T) {
	crash(t, 8)
}

// TestE2ECrash is TestCrash for longer.
func TestE2ECrash(t *testing.T) {
	crash(t, 70)
}

func crash(t *testing.T, kills int) {
	if testing.Short() {
		t.Skip("kills real processes for a while")
	}
	for name, yaml := range crashScenarios {
		t.Run(name, func(t *testing.T) {
			kills := kills
			t.Parallel()
			path := filepath.Join(t.TempDir(), name+".yaml")
			if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
				t.Fatal(err)
			}
			calm := &crashed{t: t, data: t.TempDir(), scenario: path}
			start := time.Now()
			want, _ := calm.turn()
			longest := time.Since(start)
			for runs := 0; kills > 0 || runs == 0; runs++ {
				c := &crashed{t: t, data: t.TempDir(), scenario: path, kills: kills, longest: longest}
				if got := c.end(); got != want || got.Timed != 0 {
					t.Errorf("killed, it ended as %+v; left alone, as %+v", got, want)
				}
				if kills == c.kills {
					longest = max(longest/2, time.Millisecond) // the machine was busier then
				}
				kills = c.kills
			}
		})
	}
}

// end plays the run to its end, whatever happens to it, and looks that nothing
// is left.
func (c *crashed) end() outcome {
	c.t.Helper()
	got, over := c.turn()
	for !over {
		got, over = c.turn()
	}
	if left := processesIn(filepath.Join(c.data, "runs"), 30*time.Second); len(left) > 0 {
		c.t.Errorf("there are still %v", left)
	}
	return got
}

// turn starts the run, or resumes it, and lets something happen to it; over
// says that it has come to its end.
func (c *crashed) turn() (got outcome, over bool) {
	c.t.Helper()
	args := []string{"run", "--json", "--name", "r", "--data", c.data, c.scenario}
	if c.begun {
		args = []string{"resume", "--json", "--data", c.data, "r"}
	}
	cmd := exec.Command("troupe", args...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	err := c.disturb(cmd, ended)
	if _, serr := os.Stat(filepath.Join(c.data, "runs", "r", "plan.json")); serr == nil {
		c.begun = true // killed before that, its name is still free
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled() {
		return got, false
	}
	if err != nil && bytes.Contains(said.Bytes(), []byte("process failed twice")) {
		return got, false // a world that was killed twice stops its run resumably
	}
	if err != nil {
		c.t.Fatalf("%v: %v\n%s", cmd.Args, err, said.Bytes())
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		c.t.Fatal(err)
	}
	return got, true
}

// disturb kills the supervisor, an agent, or both, at some moment, until the
// supervisor has ended.
func (c *crashed) disturb(cmd *exec.Cmd, ended <-chan error) error {
	for c.kills > 0 {
		select {
		case err := <-ended:
			return err
		case <-time.After(rand.N(c.longest) + time.Millisecond):
		}
		c.kills--
		what := rand.IntN(3)
		if agents := processesIn(filepath.Join(c.data, "runs"), 0); what > 0 && len(agents) > 0 {
			pid, _, _ := strings.Cut(agents[rand.IntN(len(agents))], " ")
			if n, err := strconv.Atoi(pid); err == nil {
				_ = syscall.Kill(n, syscall.SIGKILL)
			}
		}
		if what < 2 {
			_ = cmd.Process.Kill()
			return <-ended
		}
	}
	return <-ended
}
