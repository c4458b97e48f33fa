package main

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/scenarios"
	"github.com/troupe-dev/troupe/workspace"
)

// explain adds to an error what the user can do about it, where that is known.
func explain(err error) error {
	var held *workspace.HeldError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &held):
		return fmt.Errorf("%w\n  wait for it, stop it, or use another directory: --data DIR", err)
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w\n  choose another port; 0 takes any free one", err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w\n  the disk is full: make room, or use another directory: --data DIR", err)
	case errors.Is(err, syscall.EFBIG):
		return fmt.Errorf("%w\n  files may not grow that large here: see ulimit -f, or use another file system: --data DIR", err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w\n  use a directory that can be written: --data DIR", err)
	case errors.Is(err, observe.ErrNoRun):
		return fmt.Errorf("%w\n  troupe ps lists the runs", err)
	}
	return err
}

// resumable adds to the error that stopped a run how it goes on.
func resumable(err error, run string) error {
	return fmt.Errorf("%w\n  %stroupe resume %s goes on", err, first(err), run)
}

// unresumed is explain for a run that could not be resumed. It has only its own
// data directory.
func unresumed(err error, run string) error {
	if first(err) != "" {
		return resumable(err, run)
	}
	return explain(err)
}

// first is what to do about a disk that does not take what is written, "" for
// other errors.
func first(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "the disk is full: make room, and "
	case errors.Is(err, syscall.EFBIG):
		return "files may not grow that large here, see ulimit -f: allow it, and "
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return "the data directory cannot be written: see to that, and "
	}
	return ""
}

// runName refuses names that no run can have; empty asks for one to be made.
func runName(name string) error {
	if name == "" {
		return nil
	}
	if err := scenarios.ValidID(name); err != nil {
		return usage("the run's name: %w", err)
	}
	return nil
}
