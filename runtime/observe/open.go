package observe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/troupe-dev/troupe/bus"
	"github.com/troupe-dev/troupe/workspace"
)

const socketName = "control.sock"

// patience is how long a command waits for another that has the store open for
// a moment.
const patience = 10 * time.Second

// again is how often a command that waits looks.
const again = 20 * time.Millisecond

// ListenControl listens on the control socket of a data directory that this
// process holds. release closes it and takes it away.
func ListenControl(data string) (l net.Listener, release func(), err error) {
	path := filepath.Join(data, socketName)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) { // a dead supervisor's
		return nil, nil, fmt.Errorf("cannot listen on the control socket: %w", err)
	}
	if l, err = listen(data); err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("cannot listen on the control socket: %w", err)
	}
	return l, func() {
		_ = l.Close()
		_ = os.Remove(path)
	}, nil
}

// DialControl connects to the supervisor of a data directory.
func DialControl(ctx context.Context, data string) (net.Conn, error) { return dial(ctx, data) }

// Open finds who can answer about a data directory: its supervisor, where one
// is alive, else its store, which it opens for as long as the Runs are not
// closed. A data directory that does not exist is an error.
func Open(ctx context.Context, data, command string) (Runs, error) {
	if _, err := os.Stat(data); err != nil {
		return nil, fmt.Errorf("no data directory: %w; name it with --data or TROUPE_DATA", err)
	}
	end := time.Now().Add(patience)
	for {
		if conn, err := DialControl(ctx, data); err == nil {
			_ = conn.Close()
			return newClient(data), nil
		}
		runs, err := openStore(data, command)
		var held *workspace.HeldError
		if !errors.As(err, &held) || time.Now().After(end) {
			return runs, err
		}
		// A supervisor that is starting or ending, or another command.
		select {
		case <-time.After(again):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Dial finds the supervisor of a data directory; nil where none is alive.
func Dial(ctx context.Context, data string) Runs {
	conn, err := DialControl(ctx, data)
	if err != nil {
		return nil
	}
	_ = conn.Close()
	return newClient(data)
}

// OpenRunning is Open for what only a run that is going can take: it waits up
// to patience until the run is.
func OpenRunning(ctx context.Context, data, command, run string, patience time.Duration) (Runs, error) {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if conn, err := DialControl(ctx, data); err == nil {
			_ = conn.Close()
			c := newClient(data)
			if r, err := c.Get(ctx, run); err == nil && r.Status == Running && !r.Started.IsZero() { // it is made
				return c, nil
			}
			_ = c.Close()
		}
		select {
		case <-time.After(again):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return Open(ctx, data, command)
}

// Stopped says how a run stands that seems to run no more, once it does not: at its
// end its supervisor goes at any moment. It waits for that, 10 s at most.
func Stopped(ctx context.Context, data, command, run string) (r Run, err error) {
	for end := time.Now().Add(patience); ; {
		if r, err = look(ctx, data, command, run); err == nil && r.Status != Running || time.Now().After(end) {
			return r, err
		}
		select {
		case <-time.After(again):
		case <-ctx.Done():
			return r, ctx.Err()
		}
	}
}

// look finds one run.
func look(ctx context.Context, data, command, run string) (Run, error) {
	runs, err := Open(ctx, data, command)
	if err != nil {
		return Run{}, err
	}
	r, err := runs.Get(ctx, run)
	return r, errors.Join(err, runs.Close())
}

// opened is a store with the means to close it.
type opened struct {
	Store
	close func()
}

func (o *opened) Close() error {
	o.close()
	return nil
}

func openStore(data, command string) (Runs, error) {
	release, err := workspace.HoldData(data, workspace.Holder{PID: os.Getpid(), Command: command, Since: time.Now(), Brief: true})
	if err != nil {
		return nil, err
	}
	b, err := bus.Start(bus.Options{Dir: filepath.Join(data, "bus")})
	if err != nil {
		release()
		return nil, err
	}
	return &opened{Store{Data: data, Bus: b}, func() {
		b.Close()
		release()
	}}, nil
}
