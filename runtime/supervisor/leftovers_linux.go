package supervisor

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/troupe-dev/troupe/workspace"
)

// leftoverWait is how long killed processes may take to be gone.
const leftoverWait = 10 * time.Second

// KillLeftovers kills every process that a dead supervisor of the run in dir
// has left, and returns how many there were once they are gone: those with the
// run's tag, or whose environment says that they live in one of the run's
// directories, or that are of its users, but for users whom a run that is alive has
// got. They are stopped first, so that they start no more. Its caller holds the data
// directory, or the scratch one, so that no supervisor of it is alive.
func KillLeftovers(ctx context.Context, dir string) (killed int, err error) {
	if groups, err := workspace.FindCgroups(GroupPrefix(dir)); err == nil {
		if killed, err = groups.Clear(); err != nil {
			return killed, err
		}
	}
	owners, release := workspace.Run{Dir: dir}.ClaimOwners()
	defer release()
	bounded, cancel := context.WithTimeout(ctx, leftoverWait)
	defer cancel()
	seen := map[int]bool{}
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		left := leftovers(dir, owners)
		if len(left) == 0 {
			return killed + len(seen), nil
		}
		fresh := false
		for _, pid := range left {
			fresh = fresh || !seen[pid]
			seen[pid] = true
			_ = syscall.Kill(pid, syscall.SIGSTOP)
		}
		if fresh && bounded.Err() == nil {
			continue
		}
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		select {
		case <-time.After(pause):
		case <-bounded.Done():
			if ctx.Err() != nil {
				return killed + len(seen), ctx.Err()
			}
			return killed + len(seen), fmt.Errorf("processes of its dead supervisor cannot be killed: pids %v", left)
		}
	}
}

// leftovers are the processes, other than this one, that live in a run's
// directories, or are of its users: the environment of those may be closed to this
// process. One that is dead and not collected has no environment, and is root's.
func leftovers(dir string, owners map[int]bool) (pids []int) {
	of := brandOf(dir)
	names, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return nil
	}
	for _, name := range names {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if err != nil || pid == os.Getpid() {
			continue
		}
		if state, _ := procState(pid, pid); state == 'Z' || state == 'X' {
			continue
		}
		var st syscall.Stat_t
		if len(owners) > 0 && syscall.Stat(filepath.Dir(name), &st) == nil && owners[int(st.Uid)] {
			pids = append(pids, pid)
			continue
		}
		env, err := os.ReadFile(name)
		if t, _ := tagOf(pid); of.has(t) || err == nil && livesIn(env, dir) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// livesIn says whether an environment names a home or a directory for
// temporary files below dir.
func livesIn(env []byte, dir string) bool {
	for _, v := range bytes.Split(env, []byte{0}) {
		for _, name := range []string{"HOME=", "TMPDIR="} {
			if bytes.HasPrefix(v, []byte(name+dir+"/")) {
				return true
			}
		}
	}
	return false
}
