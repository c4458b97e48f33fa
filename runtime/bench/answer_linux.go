package bench

import (
	"bytes"
	"os"
	goruntime "runtime"
	"syscall"
	"unsafe"
)

// Child is the child in Go at work, until its stdin ends, or a tenant. Its system calls are
// raw ones, of which Go's scheduler knows nothing: there is nothing else for it
// to run meanwhile.
func Child(args []string) error {
	if len(args) > 0 && args[0] == tenantWord {
		return tenant(args[1:], os.Stdin, os.Stdout)
	}
	a, err := newAnswerer(args)
	if err != nil {
		return err
	}
	goruntime.LockOSThread()
	in, have := make([]byte, 2<<20), 0
	for {
		n, errno := rawRead(0, in[have:])
		if errno == syscall.EINTR {
			continue
		}
		if errno != 0 || n == 0 {
			return nil
		}
		have += n
		a.out = a.out[:0]
		rest := in[:have]
		for {
			line, behind, whole := bytes.Cut(rest, []byte("\n"))
			if !whole {
				break
			}
			a.hear(line)
			rest = behind
		}
		have = copy(in, rest)
		if errno := rawWrite(1, a.out); errno != 0 {
			return nil //nolint:nilerr // nobody listens any more
		}
		if a.asked && a.flood != quiet {
			begin(a.flood)
			a.flood = quiet
		}
	}
}

// begin floods on a thread of its own, until the process ends. It writes lines
// without braces, so many at once that none is torn by what others write.
func begin(flood string) {
	goruntime.GOMAXPROCS(2) // the caller's thread keeps its own for good
	var hoard [][]byte
	noise := bytes.Repeat(append(bytes.Repeat([]byte("."), 63), '\n'), 64)
	go func() {
		goruntime.LockOSThread()
		for {
			switch flood {
			case floodMemory:
				if len(hoard) < 256 { // MiB
					hoard = append(hoard, bytes.Repeat([]byte{1}, 1<<20))
				}
			case floodLog:
				_ = rawWrite(2, noise)
			case floodStdout:
				_ = rawWrite(1, noise)
			}
		}
	}()
}

// rawRead is read(2) without a word to Go's scheduler: it may block its thread
// and what runs on it alone.
func rawRead(fd int, b []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b))) //nolint:gosec // as package syscall does
	return int(n), errno
}

// rawWrite writes all of b, as rawRead reads.
func rawWrite(fd int, b []byte) syscall.Errno {
	for len(b) > 0 {
		n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b))) //nolint:gosec // as package syscall does
		switch errno {
		case 0:
			b = b[n:]
		case syscall.EINTR:
		default:
			return errno
		}
	}
	return 0
}
