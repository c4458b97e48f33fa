//go:build !linux

package observe

import (
	"context"
	"net"
	"path/filepath"
)

func listen(data string) (net.Listener, error) {
	l, err := net.Listen("unix", filepath.Join(data, socketName))
	if err == nil {
		l.(*net.UnixListener).SetUnlinkOnClose(false)
	}
	return l, err
}

func dial(ctx context.Context, data string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "unix", filepath.Join(data, socketName))
}
