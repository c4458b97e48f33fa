package observe

import (
	"context"
	"io"

	"github.com/troupe-dev/troupe/runtime/record"
)

// Records implements Runs.
func (s *Store) Records(ctx context.Context, run string, from int, w io.Writer) error {
	if err := s.exists(run); err != nil {
		return err
	}
	lg, release, err := s.open(ctx, run)
	if err != nil {
		return err
	}
	defer release()
	return lg.Copy(ctx, from, w)
}

// Read calls fn with each record of a run from a tick on to the newest, and the
// hash that the chain has after it. An error of fn ends the reading and is
// returned as it is.
func Read(ctx context.Context, runs Runs, run string, from int, fn func(r *record.Record, hash [record.HashSize]byte) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	in, out := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := runs.Records(ctx, run, from, out)
		_ = out.CloseWithError(err)
		written <- err
	}()
	err := record.ReadCopy(in, fn)
	_ = in.CloseWithError(err)
	if err != nil {
		cancel() // a supervisor that gives it away may not notice by itself
	}
	if failed := <-written; err == nil {
		err = failed
	}
	return err
}
