package observe

import (
	"net"

	"golang.org/x/sys/unix"

	"github.com/troupe-dev/troupe/workspace"
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
	child, known := workspace.ChildAbove(int(peer.Pid))
	return child != 0 || !known
}
