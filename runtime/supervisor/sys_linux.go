package supervisor

import (
	"syscall"
	"unsafe"
)

func pointer[T any](p *T) unsafe.Pointer { return unsafe.Pointer(p) } //nolint:gosec // for one system call

// ownGroup puts a child into a process group of its own and ties its life to
// the thread that starts it.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// pipe makes a pipe that no child inherits by accident.
func pipe() (r, w int, err error) {
	var p [2]int
	err = syscall.Pipe2(p[:], syscall.O_CLOEXEC)
	return p[0], p[1], err
}

// self is the running binary: the kernel's own name for it, which holds even
// where its file was replaced or removed.
func self() string { return "/proc/self/exe" }

// openFiles lists this process's descriptors.
const openFiles = "/proc/self/fd"
