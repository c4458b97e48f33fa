//go:build !linux

package workspace

import "errors"

// Cgroups are the places in which a process may make control groups: here none.
type Cgroups struct{}

// CgroupLimits are what a control group holds its processes to.
type CgroupLimits struct{ Memory, Processes int64 }

// FindCgroups finds none.
func FindCgroups(string) (*Cgroups, error) {
	return nil, errors.New("this system has no control groups")
}

// A Cgroup holds processes to limits together.
type Cgroup struct{ Procs []int }

// Make makes none.
func (*Cgroups) Make(string, CgroupLimits) (*Cgroup, error) {
	return nil, errors.New("this system has no control groups")
}

// String says that there are none.
func (*Cgroups) String() string { return "none" }

// Clear has nothing to remove.
func (*Cgroups) Clear() (killed int, err error) { return 0, nil }

// Joined does nothing.
func (*Cgroup) Joined() {}

// OutOfMemory is 0.
func (*Cgroup) OutOfMemory() int { return 0 }

// Refused is 0.
func (*Cgroup) Refused() int { return 0 }

// Memory is 0.
func (*Cgroup) Memory() int64 { return 0 }

// Processes is 0.
func (*Cgroup) Processes() int64 { return 0 }

// Kill does nothing.
func (*Cgroup) Kill() {}

// PIDs are none.
func (*Cgroup) PIDs() []int { return nil }

// Remove has nothing to remove.
func (*Cgroup) Remove() error { return nil }
