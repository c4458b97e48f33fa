package supervisor

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/troupe-dev/troupe/workspace"
)

// rlimits are the limits that the kernel holds each single process to. Those that
// the child ignores the signal of end it a second later.
func (l *Limits) rlimits() (list []workspace.Rlimit) {
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
		seconds := uint64((l.CPU + time.Second - 1) / time.Second)
		add(unix.RLIMIT_CPU, seconds, seconds+1)
	}
	return list
}
