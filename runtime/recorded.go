package runtime

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/supervisor"
	"github.com/troupe-dev/troupe/workspace"
)

// A recorded is a run as a data directory holds it, and a copy of its log up to
// now: whoever works on the data directory goes on meanwhile.
type recorded struct {
	dir      workspace.Run
	scratch  workspace.Run // goes with it
	release  func()        // of scratch
	manifest *record.Manifest
	file     *os.File // in scratch
	entries  *record.Copy
}

// scratchName is the directory beside the runs in which they are looked at: as
// deep below the data directory as they are.
const scratchName = "verify"

// recall copies a run's log. Damage of the log is found when it is read. The
// caller calls forget.
func recall(ctx context.Context, data, name, command string) (_ *recorded, err error) {
	if data, err = filepath.Abs(data); err != nil {
		return nil, fmt.Errorf("cannot use the data directory: %w", err)
	}
	runs, err := observe.Open(ctx, data, command)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, runs.Close()) }()
	r := &recorded{dir: (&observe.Store{Data: data}).Dir(name)}
	defer func() {
		if err != nil {
			r.forget()
		}
	}()
	if err := r.open(ctx, data, name); err != nil {
		return nil, err
	}
	if err := r.copyLog(ctx, runs, name); err != nil {
		return nil, err
	}
	return r, r.readManifest(name)
}

// sweepScratch removes what commands have left that were killed while they looked
// at runs of a data directory.
func sweepScratch(ctx context.Context, data string) error {
	return workspace.Sweep(filepath.Join(data, scratchName), func(dir string) error {
		_, err := supervisor.KillLeftovers(ctx, dir)
		return err
	})
}

// open makes the place for the copy.
func (r *recorded) open(ctx context.Context, data, name string) error {
	err := sweepScratch(ctx, data)
	if err == nil {
		r.scratch, r.release, err = workspace.Scratch(filepath.Join(data, scratchName))
	}
	if err == nil {
		r.file, err = os.Create(filepath.Join(r.scratch.Dir, "log"))
	}
	if err != nil {
		return fmt.Errorf("cannot make a place for a copy of the log of run %s: %w", name, err)
	}
	return nil
}

// copyLog copies what is on record now; why it cannot go on is found again by
// whoever reads the copy to its end.
func (r *recorded) copyLog(ctx context.Context, runs observe.Runs, name string) error {
	w := bufio.NewWriterSize(r.file, 1<<16)
	failed := runs.Entries(ctx, name, w)
	if errors.Is(failed, observe.ErrNoRun) || ctx.Err() != nil {
		return failed
	}
	err := w.Flush()
	if err != nil {
		return fmt.Errorf("cannot copy the log of run %s: %w", name, err)
	}
	size, err := r.file.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("cannot copy the log of run %s: %w", name, err)
	}
	r.entries, err = record.OpenCopy(r.file, size, failed)
	return err
}

// readManifest reads what the run was started with.
func (r *recorded) readManifest(name string) (err error) {
	if r.manifest, err = record.ReadManifest(r.dir.Manifest()); err != nil {
		return err
	}
	genesis := r.manifest.Plan.Genesis()
	if got := hex.EncodeToString(genesis[:]); got != r.manifest.Genesis {
		return fmt.Errorf("%s was changed: its plan's hash is %s, and it says %s; without the plan that run %s was started with its record cannot be read",
			r.dir.Manifest(), got, r.manifest.Genesis, name)
	}
	return nil
}

// forget removes the copy.
func (r *recorded) forget() {
	if r.file != nil {
		_ = r.file.Close()
	}
	if r.scratch.Dir != "" {
		_ = r.scratch.Remove()
		r.release()
		_ = os.Remove(filepath.Dir(r.scratch.Dir)) // if nobody else uses it
	}
}
