package runtime

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/troupe-dev/troupe/bus"
	"github.com/troupe-dev/troupe/workspace"
)

// claim takes the run's name by making its directory. Whoever finds the directory
// finds the run.
func (r *run) claim(data string) error {
	r.host.claiming.Lock()
	defer r.host.claiming.Unlock()
	runs := filepath.Join(data, "runs")
	if err := os.MkdirAll(runs, 0o700); err != nil {
		return fmt.Errorf("cannot make a run: %w", err)
	}
	for n := 1; ; n++ {
		r.name = r.opts.Name
		if r.name == "" {
			r.name = fmt.Sprintf("%s-%d", r.baseName(), n)
		}
		r.dir = workspace.Run{Dir: filepath.Join(runs, r.name)}
		err := r.takeName()
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, os.ErrExist):
			return fmt.Errorf("cannot make run %s: %w", r.name, err)
		case r.opts.Name != "":
			return fmt.Errorf("run %s exists already: choose another --name, or remove it with troupe rm %s", r.name, r.name)
		}
	}
}

// takeName has the run known by its name and makes its directory; ErrExist where there
// is one of that name.
func (r *run) takeName() error {
	if _, err := os.Stat(r.dir.Manifest()); !errors.Is(err, os.ErrNotExist) {
		return cmp.Or(err, os.ErrExist)
	}
	leave, before, _ := r.host.enter(r)
	if before != nil {
		return os.ErrExist
	}
	err := r.makeDir()
	if err != nil {
		leave()
		return err
	}
	r.onStop(leave)
	return nil
}

// makeDir makes the run's directory, in place of what is left of a run whose
// supervisor was killed before its manifest was written: nothing of it had begun.
func (r *run) makeDir() error {
	err := os.Mkdir(r.dir.Dir, 0o700)
	if !errors.Is(err, os.ErrExist) {
		return err
	}
	if _, made := os.Stat(r.dir.Manifest()); !errors.Is(made, os.ErrNotExist) { // by another, since it was looked at
		return err
	}
	err = r.host.bus.DeleteStream(r.name) // of a fork that was not whole
	if errors.Is(err, bus.ErrNoStream) {
		err = nil
	}
	if err = errors.Join(err, r.dir.Remove()); err != nil {
		return err
	}
	return os.Mkdir(r.dir.Dir, 0o700)
}

// baseName is what the names of runs begin with that are given none.
func (r *run) baseName() string {
	if r.forking != nil {
		return r.forking.opts.Run + "-fork"
	}
	return r.plan.Name
}
