package mcp

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/troupe-dev/troupe/runtime/socket"
)

// errNoPaths is told where a tool's call names none.
var errNoPaths = errors.New(`want "paths", a list with at least one; "." is the whole tree`)

func checkout(ctx context.Context, s *Server, args []byte) (string, error) {
	var in struct {
		Paths []string `json:"paths"`
		Force bool     `json:"force"`
	}
	if err := arguments(args, &in); err != nil {
		return "", err
	}
	if len(in.Paths) == 0 {
		return "", errNoPaths
	}
	return s.inCopy(ctx, in.Paths, func(w *socket.Copy, paths []string) (string, error) {
		out, err := w.Checkout(paths, in.Force)
		switch {
		case err != nil:
			return "", err
		case len(out.Missing) > 0:
			return "", fmt.Errorf("the shared tree has no %s (version %d)", strings.Join(out.Missing, ", "), out.Version)
		}
		return fmt.Sprintf("Checked out %d files of version %d.", out.Files, out.Version), nil
	})
}

func commit(ctx context.Context, s *Server, args []byte) (string, error) {
	var in struct {
		Paths   []string `json:"paths"`
		Message string   `json:"message"`
		Merge   bool     `json:"merge"`
		Token   int      `json:"token"`
	}
	if err := arguments(args, &in); err != nil {
		return "", err
	}
	if len(in.Paths) == 0 {
		return "", errNoPaths
	}
	return s.inCopy(ctx, in.Paths, func(w *socket.Copy, paths []string) (string, error) {
		out, err := w.Commit(paths, in.Message, in.Token, in.Merge)
		switch names := strings.Join(out.Files, ", "); {
		case err != nil:
			return "", err
		case len(out.Files) == 0:
			return "Nothing to commit: no file is changed.", nil
		case out.Staged > 0:
			return fmt.Sprintf("Staged %s as request %d: decided when tick %d ends.", names, out.Staged, out.Tick), nil
		default:
			return fmt.Sprintf("Committed %s as version %d.", names, out.Version), nil
		}
	})
}

func lock(ctx context.Context, s *Server, args []byte) (string, error) {
	var in struct {
		Paths   []string `json:"paths"`
		Ticks   int      `json:"ticks"`
		Seconds float64  `json:"seconds"`
	}
	if err := arguments(args, &in); err != nil {
		return "", err
	}
	if len(in.Paths) == 0 {
		return "", errNoPaths
	}
	return s.inCopy(ctx, in.Paths, func(w *socket.Copy, paths []string) (string, error) {
		reply, err := w.Lock(paths, socket.TTL{Ticks: in.Ticks, Time: seconds(in.Seconds)})
		switch {
		case err != nil:
			return "", err
		case reply.Token > 0:
			return fmt.Sprintf("Granted with token %d.", reply.Token), nil
		}
		return decided("Asked for", reply), nil
	})
}

func unlock(ctx context.Context, s *Server, args []byte) (string, error) {
	var in struct {
		Paths []string `json:"paths"`
	}
	if err := arguments(args, &in); err != nil {
		return "", err
	}
	return s.inCopy(ctx, in.Paths, func(w *socket.Copy, paths []string) (string, error) {
		reply, err := w.Unlock(paths)
		switch {
		case err != nil:
			return "", err
		case reply.Realtime:
			return "Unlocked.", nil
		}
		return decided("Asked for", reply), nil
	})
}
