package supervisor

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// keep keeps a process on the watcher's core, next to who it talks with: a
// context switch on one core costs less than a wake-up on another. One with
// several threads would only be hindered. It reports whether the process is
// kept.
func (w *watcher) keep(pid int) bool {
	set := w.onlyCore()
	return len(threadsOf(pid)) == 1 && unix.SchedSetaffinity(pid, &set) == nil
}

// release gives a process that was kept all cores back, if it has several
// threads by now, which it reports.
func (w *watcher) release(pid int) bool {
	if len(threadsOf(pid)) < 2 {
		return false
	}
	for range releases {
		if !w.widen(pid) {
			break
		}
	}
	return true
}

// releases is how often the threads of a process are listed at most: those that
// start meanwhile are kept where the thread that starts them still is.
const releases = 4

// widen lets a process's threads run on all cores, but those that have chosen
// theirs themselves; it reports whether there were any to do that with.
func (w *watcher) widen(pid int) bool {
	some, kept := false, w.onlyCore()
	for _, tid := range threadsOf(pid) {
		var set unix.CPUSet
		if unix.SchedGetaffinity(tid, &set) == nil && set == kept && unix.SchedSetaffinity(tid, &w.cores) == nil {
			some = true
		}
	}
	return some
}

func (w *watcher) onlyCore() (set unix.CPUSet) {
	set.Set(w.core)
	return set
}

// threadsOf lists the threads of a process; none where it is gone.
func threadsOf(pid int) []int {
	entries, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/task")
	if err != nil {
		return nil
	}
	var tids []int
	for _, e := range entries {
		if tid, err := strconv.Atoi(e.Name()); err == nil {
			tids = append(tids, tid)
		}
	}
	return tids
}
