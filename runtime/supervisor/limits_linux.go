package supervisor

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/troupe-dev/troupe/workspace"
)

// rlimits are the limits that the kernel holds each single process to. Those that
// the child ignores the signal of end it a second later. Spent is what processes
// before it have taken; own says that it has a user of its own.
func (l *Limits) rlimits(spent time.Duration, own bool) (list []workspace.Rlimit) {
	add := func(resource int, soft, hard uint64) {
		list = append(list, workspace.Rlimit{Resource: resource, Soft: soft, Hard: hard})
	}
	if l.Files > 0 {
		add(unix.RLIMIT_NOFILE, uint64(l.Files), uint64(l.Files))
	}
	if l.FileSize > 0 {
		add(unix.RLIMIT_FSIZE, uint64(l.FileSize), uint64(l.FileSize))
	}
	if l.CPU > 0 {
		seconds := uint64(max(l.CPU-spent+time.Second-1, time.Second) / time.Second)
		add(unix.RLIMIT_CPU, seconds, seconds+1)
	}
	if own && l.Processes > 0 {
		// The kernel does not tell that it has refused to start one: so there may be
		// some more than the limit, for that to be seen. Each thread counts.
		n := uint64(l.Processes + l.Processes/2 + 8)
		add(unix.RLIMIT_NPROC, n, n)
	}
	return list
}
