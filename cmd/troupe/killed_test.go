package main

import (
	"bytes"
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

// A killed run is one that is killed again and again and resumed after each
// time, until it ends.
type killed struct {
	t        *testing.T
	data     string
	scenario string
	kills    int           // still to come
	longest  time.Duration // between two of them
}

// end plays the run to its end, whatever happens to it, and looks that nothing
// is left.
func (k *killed) end() {
	k.t.Helper()
	for begun := false; !k.turn(begun); {
		_, err := os.Stat(filepath.Join(k.data, "runs", "r", "plan.json"))
		begun = err == nil // killed before that, its name is still free
	}
	if left := processesIn(filepath.Join(k.data, "runs"), 30*time.Second); len(left) > 0 {
		k.t.Errorf("there are still %v", left)
	}
}

// turn starts the run, or resumes it, and lets something happen to it; over
// says that it has come to its end.
func (k *killed) turn(begun bool) (over bool) {
	k.t.Helper()
	args := []string{"run", "--name", "r", "--data", k.data, k.scenario}
	if begun {
		args = []string{"resume", "--data", k.data, "r"}
	}
	cmd := exec.Command("troupe", args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	err := k.disturb(cmd, ended)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled() {
		return false
	}
	if err != nil {
		k.t.Fatalf("%v: %v\n%s", cmd.Args, err, said.Bytes())
	}
	return true
}

// disturb kills the supervisor, an agent, or both, at some moment, until the
// supervisor has ended.
func (k *killed) disturb(cmd *exec.Cmd, ended <-chan error) error {
	for k.kills > 0 {
		select {
		case err := <-ended:
			return err
		case <-time.After(rand.N(k.longest) + time.Millisecond):
		}
		k.kills--
		what := rand.IntN(3)
		if agents := processesIn(filepath.Join(k.data, "runs"), 0); what > 0 && len(agents) > 0 {
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
