//go:build !linux

package supervisor

import (
	"os"
	"syscall"
)

// ownGroup puts a child into a process group of its own. Its life is not tied
// to ours: only Linux can do that.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// sessionOf is for systems that have walls.
func sessionOf(int) int { return 0 }

// pipe makes a pipe that no child inherits by accident.
func pipe() (r, w int, err error) {
	var p [2]int
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := syscall.Pipe(p[:]); err != nil {
		return 0, 0, err
	}
	syscall.CloseOnExec(p[0])
	syscall.CloseOnExec(p[1])
	return p[0], p[1], nil
}

// self is the file that was started as this program.
func self() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// openFiles lists this process's descriptors.
const openFiles = "/dev/fd"
