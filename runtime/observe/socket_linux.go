package observe

import (
	"context"
	"fmt"
	"net"
	"os"
)

// A socket's path may have 107 bytes, a data directory's any number: so both
// ends name it through a descriptor of the directory.
func throughDir[T any](data string, use func(path string) (T, error)) (T, error) {
	d, err := os.Open(data)
	if err != nil {
		var none T
		return none, err
	}
	defer func() { _ = d.Close() }()
	return use(fmt.Sprintf("/proc/self/fd/%d/%s", d.Fd(), socketName))
}

func listen(data string) (net.Listener, error) {
	return throughDir(data, func(path string) (net.Listener, error) {
		l, err := net.Listen("unix", path)
		if err == nil {
			l.(*net.UnixListener).SetUnlinkOnClose(false) // by this name it could not be found again
		}
		return l, err
	})
}

func dial(ctx context.Context, data string) (net.Conn, error) {
	return throughDir(data, func(path string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	})
}
