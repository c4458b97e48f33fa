package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// typedLines gives what is typed, a line at a time, as it is taken. stop ends that,
// whether or not something more is typed.
func typedLines(in *os.File) (lines <-chan string, stop func(), err error) {
	stopped, ring, err := os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the input: %w", err)
	}
	typed, over, done := make(chan string), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		defer close(typed)
		s := bufio.NewScanner(&patientReader{in, stopped})
		s.Buffer(nil, agent.MaxLine)
		for s.Scan() {
			select {
			case typed <- s.Text():
			case <-over:
				return
			}
		}
	}()
	return typed, func() {
		close(over)
		_ = ring.Close()
		<-done
		_ = stopped.Close()
	}, nil
}

// A patientReader reads from a file and is at its end when the writing end of a pipe
// is closed: a read of a terminal cannot be ended otherwise.
type patientReader struct{ in, stopped *os.File }

// Read implements io.Reader.
func (r *patientReader) Read(b []byte) (int, error) {
	for {
		fds := []unix.PollFd{{Fd: int32(r.in.Fd()), Events: unix.POLLIN}, {Fd: int32(r.stopped.Fd()), Events: unix.POLLIN}}
		switch _, err := unix.Poll(fds, -1); {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 0, fmt.Errorf("cannot wait for the input: %w", err)
		case fds[1].Revents != 0:
			return 0, io.EOF
		default:
			return r.in.Read(b)
		}
	}
}
