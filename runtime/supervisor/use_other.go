//go:build !linux

package supervisor

import (
	"io/fs"
	"time"

	"github.com/troupe-dev/troupe/workspace"
)

// A use is what a child and all that it started take together: here nobody knows.
type use struct {
	pids   []int
	tasks  int
	memory int64
	cpu    time.Duration
}

func (*watched) use([]int) use                                 { return use{} }
func (*use) proportional() int64                               { return 0 }
func (*orphanage) of(*child) []int                             { return nil }
func newOrphanage() *orphanage                                 { return nil }
func (*Limits) rlimits(time.Duration, bool) []workspace.Rlimit { return nil }

// An orphanage is the orphans that were handed to this process: here none.
type orphanage struct{}

type inode struct{}

func blocks(info fs.FileInfo) (bytes int64, of inode, shared bool) {
	return info.Size(), inode{}, false
}
