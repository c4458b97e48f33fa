package supervisor

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

func pointer[T any](p *T) unsafe.Pointer { return unsafe.Pointer(p) } //nolint:gosec // for one system call

// ownGroup puts a child into a process group of its own and ties its life to
// the thread that starts it. It is a session of its own too: within one, anybody
// may have a stopped process go on.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}

// sessionOf is the session that a process is in, by the process that began it; 0
// where it is gone.
func sessionOf(pid int) int {
	id, err := unix.Getsid(pid)
	if err != nil {
		return 0
	}
	return id
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

// readPipe is read(2) of a descriptor that does not block. Go's scheduler is not
// told: where a child takes the processor over in between, it would start
// another thread in place of this one.
func readPipe(fd int, b []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b))) //nolint:gosec // for one system call
	return int(n), errno
}

// writePipe is write(2), as readPipe is read(2).
func writePipe(fd int, b []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b))) //nolint:gosec // for one system call
	return int(n), errno
}

// giveWay lets others run that wait for this thread's core.
func giveWay() { _, _, _ = syscall.RawSyscall(syscall.SYS_SCHED_YIELD, 0, 0, 0) }

// pinThread keeps the calling thread on a core, where that is allowed.
func pinThread(core int) {
	var set unix.CPUSet
	set.Set(core)
	_ = unix.SchedSetaffinity(0, &set)
}
