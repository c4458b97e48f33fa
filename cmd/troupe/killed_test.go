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

// A killed run is one that is killed again and again and resumed after each
// time, until it ends. Its name is r.
type killed struct {
	t        *testing.T
	command  func(args ...string) *exec.Cmd // a call of troupe
	data     string                         // the directory that it works in
	scenario string
	kills    int           // still to come
	longest  time.Duration // between two of them
	// harm is what happens to the run, if it is to be something else than that; it
	// gives how the supervisor ended.
	harm  func(cmd *exec.Cmd, ended <-chan error) error
	begun bool // there is a run to be resumed
}

// troupeIn gives calls of troupe that work in a data directory.
func troupeIn(data string) func(args ...string) *exec.Cmd {
	return func(args ...string) *exec.Cmd {
		cmd := exec.Command("troupe", args...)
		cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", "TROUPE_DATA="+data)
		return cmd
	}
}

// end plays the run to its end, whatever happens to it, and looks that nothing
// is left.
func (k *killed) end() {
	k.t.Helper()
	for over := false; !over; {
		_, over = k.turn()
	}
	if left := processesIn(filepath.Join(k.data, "runs"), 30*time.Second); len(left) > 0 {
		k.t.Errorf("there are still %v", left)
	}
}

// turn starts the run, or resumes it, and lets something happen to it; over
// says that it has come to its end, and got how.
func (k *killed) turn() (got outcome, over bool) {
	k.t.Helper()
	args := []string{"run", "--json", "--name", "r", k.scenario}
	if k.begun {
		args = []string{"resume", "--json", "r"}
	}
	cmd := k.command(args...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	harm := k.harm
	if harm == nil {
		harm = k.disturb
	}
	err := harm(cmd, ended)
	if _, serr := os.Stat(filepath.Join(k.data, "runs", "r", "plan.json")); serr == nil {
		k.begun = true // killed before that, its name is still free
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled() {
		return got, false
	}
	if err != nil || json.Unmarshal(out.Bytes(), &got) != nil {
		k.t.Fatalf("%v: %v\n%s%s", cmd.Args, err, out.Bytes(), said.Bytes())
	}
	return got, true
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
