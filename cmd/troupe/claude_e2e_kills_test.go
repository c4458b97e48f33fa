//go:build e2e

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
// time, until it ends. Its name is r.
type crashed struct {
	*claudeRun
	kills   int           // still to come
	longest time.Duration // between two
	begun   bool
}

// turn starts the run, or resumes it, and lets something happen to it; over
// says that it has come to its end.
func (c *crashed) turn(t *testing.T) (got outcome, over bool) {
	t.Helper()
	args := []string{"run", "--json", "--name", "r", "scenario.yaml"}
	if c.begun {
		args = []string{"resume", "--json", "r"}
	}
	cmd := c.command(args...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
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
	if err != nil || json.Unmarshal(out.Bytes(), &got) != nil {
		t.Fatalf("%v: %v\n%s%s", cmd.Args, err, out.Bytes(), said.Bytes())
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
