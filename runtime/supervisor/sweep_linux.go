package supervisor

import (
	"os"
	"strconv"
	"syscall"
	"time"
)

const (
	// sweepPatience is how long what a dead child left may take to be gone once it
	// is killed.
	sweepPatience = 5 * time.Second
	// unsurePatience is how long those are looked for that are never seen alive:
	// each has started another and ended before it can be told whose it was.
	unsurePatience = 100 * time.Millisecond
)

// sweep kills whatever a dead child has left, and returns once it is gone; it
// says how many lived that were not in the child's process group, which is killed
// before. All of them are orphans by now, which were handed to this process, or
// descend from such. They are stopped before they are killed, so that those that
// start others come to an end.
func sweep(c *child) (killed int) {
	return kill(c.pid, func(found func(pid int)) (unsure bool) {
		unsure = survivors(func(t tag) bool { return t == c.tag }, func(uid int) bool { return uid == c.uid }, found)
		if g := c.group(); g != nil {
			for _, pid := range g.PIDs() {
				found(pid)
			}
			g.Kill()
		}
		return unsure
	})
}

// sweepRun is sweep for all children of a run, which are dead, at once; owners
// are the users that they had for themselves.
func sweepRun(b brand, owners map[int]bool) (killed int) {
	return kill(0, func(found func(pid int)) (unsure bool) {
		return survivors(b.has, func(uid int) bool { return owners[uid] }, found)
	})
}

// kill kills what find finds until that is nothing. Find says that it is unsure
// where it could not tell of somebody.
func kill(group int, find func(found func(pid int)) (unsure bool)) (killed int) {
	seen := map[int]bool{}
	pause := 100 * time.Microsecond
	for begun := time.Now(); ; {
		fresh, left := false, []int(nil)
		unsure := find(func(pid int) {
			left = append(left, pid)
			if seen[pid] {
				return
			}
			_ = syscall.Kill(pid, syscall.SIGSTOP) // at once: it may start others
			seen[pid], fresh = true, true
			if state, g := procState(pid, pid); state != 'Z' && state != 'X' && g != group {
				killed++
			}
		})
		took := time.Since(begun)
		if fresh && took < sweepPatience {
			continue // those may have started others before they stopped
		}
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		unsure = unsure && took < unsurePatience
		if len(left) == 0 && !unsure || took >= sweepPatience {
			return killed
		}
		time.Sleep(pause)
		if !unsure {
			pause = min(2*pause, 10*time.Millisecond)
		}
	}
}

// survivors finds the orphans with a tag or of a user that is wanted, and all
// that descend from them, those included that are dead and not collected yet. It
// is unsure where one ended before it could be told whose it was.
func survivors(tagged func(tag) bool, owned func(uid int) bool, found func(pid int)) (unsure bool) {
	for _, pid := range orphans() {
		t, known := tagOf(pid)
		uid, there := userOf(pid)
		switch {
		case t != 0 && tagged(t), uid != 0 && owned(uid):
			eachOfTree(pid, found)
		case !known || !there:
			unsure = true
		}
	}
	return unsure
}

// userOf is the user whose a process is; false where it is gone. Who may not be
// traced has files of root's, but its directory is its own.
func userOf(pid int) (uid int, ok bool) {
	var st syscall.Stat_t
	if syscall.Stat("/proc/"+strconv.Itoa(pid), &st) != nil {
		return 0, false
	}
	return int(st.Uid), true
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

// eachOfTree gives a process and all that descend from it.
func eachOfTree(pid int, yield func(pid int)) {
	yield(pid)
	for _, tid := range threadsOf(pid) {
		for _, child := range children(pid, tid) {
			eachOfTree(child, yield)
		}
	}
}
