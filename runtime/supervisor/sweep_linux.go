package supervisor

import (
	"os"
	"syscall"
	"time"
)

// sweepPatience is how long what a dead child left may take to be gone once it
// is killed.
const sweepPatience = 5 * time.Second

// sweep kills whatever a dead child has left, and returns once it is gone; it
// says how many lived that were not in the child's process group, which is killed
// before. All of them are orphans by now, which were handed to this process, or
// descend from such. They are stopped before they are killed, so that those that
// start others come to an end.
func sweep(c *child) (killed int) {
	return kill(c.pid, func() []int {
		left := survivors(func(t tag) bool { return t == c.tag })
		if c.bond != nil && c.bond.group != nil {
			left = append(left, c.bond.group.PIDs()...)
		}
		return left
	})
}

// sweepRun is sweep for all children of a run, which are dead, at once.
func sweepRun(b brand) (killed int) { return kill(0, func() []int { return survivors(b.has) }) }

// kill kills what find finds until that is nothing.
func kill(group int, find func() []int) (killed int) {
	seen := map[int]bool{}
	pause := 100 * time.Microsecond
	for end := time.Now().Add(sweepPatience); ; {
		fresh, left := false, find()
		for _, pid := range left {
			if seen[pid] {
				continue
			}
			seen[pid], fresh = true, true
			state, g := procState(pid, pid)
			if state != 'Z' && state != 'X' && g != group {
				killed++
			}
			_ = syscall.Kill(pid, syscall.SIGSTOP)
		}
		if fresh {
			continue // those may have started others before they stopped
		}
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		if len(left) == 0 || time.Now().After(end) {
			return killed
		}
		time.Sleep(pause)
		pause = min(2*pause, 10*time.Millisecond)
	}
}

// survivors are the orphans with a tag that is wanted, and all that descend from
// them, those included that are dead and not collected yet.
func survivors(wanted func(tag) bool) (pids []int) {
	for _, pid := range orphans() {
		if m := tagOf(pid); m != 0 && wanted(m) {
			pids = appendTree(pids, pid)
		}
	}
	return pids
}

// orphans are the processes that were handed to this one. The kernel hands them
// to its first thread. The list is read twice: it may lack some when others end
// meanwhile.
func orphans() (pids []int) {
	self := os.Getpid()
	seen := map[int]bool{}
	for range 2 {
		for _, pid := range children(self, self) {
			if _, ours := reaper.children.Load(pid); ours || seen[pid] || reaper.before[pid] {
				continue
			}
			seen[pid] = true
			pids = append(pids, pid)
		}
	}
	return pids
}

// appendTree appends a process and all that descend from it.
func appendTree(pids []int, pid int) []int {
	pids = append(pids, pid)
	for _, tid := range threadsOf(pid) {
		for _, child := range children(pid, tid) {
			pids = appendTree(pids, child)
		}
	}
	return pids
}
