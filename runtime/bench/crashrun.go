package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// crashName is what a run is called that is killed.
const crashName = "r"

// missed is the exit code of a run that has ended and missed an expectation.
const missed = 3

// An outcome is what --json says of a run.
type outcome struct {
	Hash  string
	Ticks int
	Timed int `json:"timed_outcomes"`
}

// A crashRun is one run that is killed and resumed until it ends.
type crashRun struct {
	*crasher
	data  string
	begun bool     // there is a run to be resumed
	seen  []string // the hash of each tick that was on record after the newest kill
}

// A victim is a supervisor at work.
type victim struct {
	*exec.Cmd
	ended chan error
}

// turn starts the run, or resumes it, and lets something happen to it; over
// says that it has come to its end.
func (r *crashRun) turn(ctx context.Context, happen func(*victim) error) (got outcome, over bool, err error) {
	args := []string{"run", "--json", "--name", crashName, "--data", r.data, r.path}
	if r.begun {
		args = []string{"resume", "--json", "--data", r.data, crashName}
		r.got.Resumes++
	}
	v := &victim{ourself(ctx, args...), make(chan error, 1)}
	var out, said bytes.Buffer
	v.Stdout, v.Stderr = &out, &said
	if err := v.Start(); err != nil {
		return got, false, fmt.Errorf("cannot start troupe %s: %w", args[0], err)
	}
	go func() { v.ended <- v.Wait() }()
	err = happen(v)
	if err == nil {
		err = <-v.ended
	}
	if ctx.Err() != nil {
		return got, false, errors.Join(ctx.Err(), err)
	}
	if _, serr := os.Stat(filepath.Join(r.data, "runs", crashName, "plan.json")); serr == nil {
		r.begun = true // killed before that, its name is still free
	}
	var exit *exec.ExitError
	switch {
	case err == nil, errors.As(err, &exit) && exit.ExitCode() == missed:
		if err := json.Unmarshal(out.Bytes(), &got); err != nil {
			return got, false, fmt.Errorf("cannot read what troupe %s says: %w\n%s", args[0], err, out.Bytes())
		}
		return got, true, nil
	case exit != nil && exit.Sys().(syscall.WaitStatus).Signaled():
		return got, false, nil
	case bytes.Contains(said.Bytes(), []byte("process failed twice")):
		return got, false, nil // a world that was killed twice stops its run resumably
	}
	return got, false, fmt.Errorf("troupe %s failed: %w\n%s", strings.Join(args, " "), err, said.Bytes())
}

// aims is what a kill may be of.
var aims = []struct {
	supervisor, agent bool
}{{true, false}, {true, true}, {false, true}}

// disturb kills the supervisor, an agent, or both, at some moment, until the
// supervisor has ended, or was killed.
func (r *crashRun) disturb(v *victim) error {
	for r.got.Kills.all() < r.kills {
		moment := time.NewTimer(r.moment())
		select {
		case err := <-v.ended:
			moment.Stop()
			v.ended <- err
			return nil
		case <-moment.C:
		}
		aim := aims[r.rand.IntN(len(aims))]
		hit := aim.agent && killOne(r.rand, filepath.Join(r.data, "runs"))
		struck := false
		if aim.supervisor {
			err := v.Process.Kill()
			if err != nil && !errors.Is(err, os.ErrProcessDone) {
				return err
			}
			struck = err == nil // else it was quicker
		}
		r.got.Kills.add(struck, hit)
		if r.progress != nil {
			r.progress(r.name(), r.got.Kills.all(), r.kills)
		}
		if aim.supervisor {
			return nil
		}
	}
	return nil
}

func (r *crashRun) moment() time.Duration {
	return time.Duration(r.rand.Int64N(int64(r.longest))) + time.Millisecond
}

// killOne kills one of the processes that work below a directory, if any.
func killOne(rand *rand.Rand, dir string) bool {
	pids := workingIn(dir, 0)
	return len(pids) > 0 && syscall.Kill(pids[rand.IntN(len(pids))], syscall.SIGKILL) == nil
}

// workingIn gives the processes that work below a directory, after giving them
// some time to end.
func workingIn(dir string, patience time.Duration) (pids []int) {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		pids = nil
		entries, _ := os.ReadDir("/proc")
		for _, e := range entries {
			pid, err := strconv.Atoi(e.Name())
			if err != nil {
				continue
			}
			cwd, err := os.Readlink("/proc/" + e.Name() + "/cwd")
			if err == nil && strings.HasPrefix(cwd, dir+"/") {
				pids = append(pids, pid)
			}
		}
		if len(pids) == 0 || time.Now().After(end) {
			return pids
		}
	}
}
