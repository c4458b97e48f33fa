package workspace

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// Names of scratch directories: while one is made, nobody holds it yet.
const (
	scratchPrefix = "run-"
	unheldPrefix  = ".new-"
)

// Scratch makes a directory below base in which something can be run and then
// removed. It is held by flock until release, so that Sweep knows those whose
// process was killed.
func Scratch(base string) (r Run, release func(), err error) {
	for {
		r, release, err = makeScratch(base)
		if !errors.Is(err, os.ErrNotExist) { // as where Sweep took it for a dead one's
			break
		}
	}
	if err != nil {
		return Run{}, nil, fmt.Errorf("cannot make a scratch directory: %w", err)
	}
	return r, release, nil
}

func makeScratch(base string) (r Run, release func(), err error) {
	if err := os.MkdirAll(base, 0o700); err != nil {
		return r, nil, err
	}
	fresh, err := os.MkdirTemp(base, unheldPrefix)
	if err != nil {
		return r, nil, err
	}
	lock := holdDir(fresh)
	ok, err := lock.TryLock()
	if err == nil && !ok {
		err = os.ErrNotExist // Sweep is about to remove it
	}
	if err == nil {
		r.Dir = filepath.Join(base, scratchPrefix+strings.TrimPrefix(filepath.Base(fresh), unheldPrefix))
		err = os.Rename(fresh, r.Dir)
	}
	if err != nil {
		_ = lock.Unlock()
		_ = os.Remove(fresh)
		return r, nil, err
	}
	return r, func() { _ = lock.Unlock() }, nil
}

func holdDir(dir string) *flock.Flock { return flock.New(dir, flock.SetFlag(os.O_RDONLY)) }

// Sweep removes the scratch directories below base whose process is gone. Before,
// end is called with each, to end what lives in it. Base goes with the last one.
func Sweep(base string, end func(dir string) error) error {
	var errs []error
	for _, name := range readDir(base) {
		dir := filepath.Join(base, name)
		lock := holdDir(dir)
		if ok, err := lock.TryLock(); err != nil || !ok {
			continue // it is in use, or gone meanwhile
		}
		var err error
		if strings.HasPrefix(name, scratchPrefix) {
			err = end(dir)
		}
		if err == nil {
			err = Run{Dir: dir}.Remove()
		}
		errs = append(errs, err, lock.Unlock())
	}
	_ = os.Remove(base) // if nobody else uses it
	return errors.Join(errs...)
}
