package observe

import (
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// An interior is what is known of the agents of a run that is played. Its methods
// may be called concurrently.
type interior struct {
	processes atomic.Pointer[func() []Process]
	counts    atomic.Pointer[tally] // nil before anybody has asked

	mu     sync.Mutex
	memory map[int]uint64 // by pid
	looked time.Time
}

// Hosted has a function list the run's processes as they are; it may be called
// concurrently.
func (l *Live) Hosted(processes func() []Process) { l.inside.processes.Store(&processes) }

// Recorded takes in a record that is committed, for what is asked about agents. It
// keeps nothing of it, and costs next to nothing until somebody has asked.
func (l *Live) Recorded(r *record.Record, hash [record.HashSize]byte) {
	if t := l.inside.counts.Load(); t != nil {
		t.add(r, hash)
	}
}

// Answered takes in how long an agent took to answer. It costs next to nothing
// until somebody has asked about agents.
func (l *Live) Answered(agent string, took time.Duration) {
	if t := l.inside.counts.Load(); t != nil {
		t.answered(agent, took)
	}
}

// tallied is the run's tally, from now on fed with each commit.
func (l *Live) tallied(p *plan.Plan) *tally {
	if t := l.inside.counts.Load(); t != nil {
		return t
	}
	l.inside.counts.CompareAndSwap(nil, newTally(p))
	return l.inside.counts.Load()
}

// fresh is how long what processes take is not looked at again: it is a pass over
// all of the machine's.
const fresh = time.Second

// fleet lists the run's processes and the memory of each with all that it has
// started, in bytes by pid; none where the system does not tell.
func (l *Live) fleet() ([]Process, map[int]uint64) {
	list := l.inside.processes.Load()
	if list == nil {
		return nil, nil
	}
	processes := (*list)()
	return processes, l.inside.takes(processes)
}

func (n *interior) takes(processes []Process) map[int]uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	if time.Since(n.looked) < fresh {
		return n.memory
	}
	roots := make(map[int]bool, len(processes))
	for i := range processes {
		if pid := processes[i].PID; pid != 0 {
			roots[pid] = true
		}
	}
	all, err := readProcs("/proc")
	if err != nil {
		return nil
	}
	page := uint64(os.Getpagesize())
	n.memory = make(map[int]uint64, len(roots))
	for i, root := range trees(all, func(pid int) bool { return roots[pid] }) {
		if root != 0 {
			n.memory[root] += all[i].memory * page
		}
	}
	n.looked = time.Now()
	return n.memory
}
