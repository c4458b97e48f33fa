//go:build !linux

package supervisor

import (
	"sync"
	"syscall"
)

// Elsewhere there is no subreaper: each child is waited for by itself, and
// orphans go to the init process.
var reaper struct {
	starting sync.RWMutex
	children children
}

type children struct{}

// Store waits for the child and tells its status.
func (children) Store(pid int, tell func(death)) {
	go func() {
		var d death
		var used syscall.Rusage
		for {
			if _, err := syscall.Wait4(pid, &d.status, 0, &used); err != syscall.EINTR {
				break
			}
		}
		d.took(&used)
		tell(d)
	}()
}

func holdReaper() (release func() (killed int)) { return func() int { return 0 } }
