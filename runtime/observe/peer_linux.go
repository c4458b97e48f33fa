package observe

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Outsiders hangs up on processes that descend from this one: what an agent
// started may not command its own run. Permissions keep agents off a socket only
// where they have other users than this process.
func Outsiders(l net.Listener) net.Listener { return outsiders{l} }

type outsiders struct{ net.Listener }

func (o outsiders) Accept() (net.Conn, error) {
	for {
		c, err := o.Listener.Accept()
		if err != nil || !inside(c) {
			return c, err
		}
		_ = c.Close()
	}
}

// inside says whether the process that has connected descends from this one, or
// may do so.
func inside(c net.Conn) bool {
	raw, err := c.(*net.UnixConn).SyscallConn()
	if err != nil {
		return true
	}
	var peer *unix.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) {
		peer, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err != nil || failed != nil {
		return true
	}
	const tries = 3 // a parent may end while its line is followed
	for range tries {
		if found, whole := descends(int(peer.Pid)); whole {
			return found
		}
	}
	return true
}

// descends follows the parents of a process to this one, or to where there is
// none; whole says that the line was not lost. This process itself does not
// descend from it, and neither does one of another PID namespace, which has no
// number here.
func descends(pid int) (found, whole bool) {
	own := os.Getpid()
	for first := true; pid != own || first; first = false {
		if pid <= 0 || pid == own {
			return false, true
		}
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return false, false
		}
		// pid (name) state ppid …: the name may hold anything.
		fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
		if len(fields) < 2 {
			return false, false
		}
		if pid, err = strconv.Atoi(string(fields[1])); err != nil {
			return false, false
		}
	}
	return true, true
}
