package bus

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A log is truncated by writing the entries that are kept into a store of
// their own, and putting that log in the place of the old one. It is decided
// by a rename into readyDir: a process that dies before leaves the old log,
// and what it has made meanwhile is removed by the next bus; after it, the new
// log is put in its place by the next bus, before the store is started.

func readyDir(dir string) string { return filepath.Join(dir, "truncated") }
func workDir(dir string) string  { return filepath.Join(dir, "truncate") }

var errEnough = errors.New("read enough")

// Truncate drops all entries of the log behind one, 0 for all of them, and
// what is known of damage. It is on disk when the call returns; whatever
// happens meanwhile, the log is the old one or the new one. Nobody else may
// use the log during the call; who reads it may be told that there is none.
// After an error the bus must be closed, and a new one has one of the two.
func (s *Stream) Truncate(ctx context.Context, keep uint64) error {
	s.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.bus
	err := s.copyOut(ctx, keep)
	if err == nil {
		err = b.decide(s.name)
	}
	if err == nil {
		err = b.replace(ctx, s.name)
	}
	if err != nil {
		return fmt.Errorf("cannot truncate the log of %s: %w", s.name, err)
	}
	return nil
}

// copyOut writes the first entries into a store of their own, on disk.
func (s *Stream) copyOut(ctx context.Context, keep uint64) error {
	dir := workDir(s.bus.dir)
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	other, err := Start(Options{Dir: dir})
	if err != nil {
		return err
	}
	err = s.copyTo(ctx, other, keep)
	other.Close()
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	return syncTree(filepath.Join(streamsDir(dir), s.name))
}

func (s *Stream) copyTo(ctx context.Context, other *Bus, keep uint64) error {
	to, err := other.CreateStream(s.name)
	if err != nil || keep == 0 {
		return err
	}
	defer to.Close()
	copied := uint64(0)
	err = s.Read(ctx, 1, func(seq uint64, payload []byte) error {
		if err := to.Append(ctx, payload); err != nil {
			return err
		}
		if copied = seq; copied == keep {
			return errEnough
		}
		return nil
	})
	switch {
	case errors.Is(err, errEnough):
		return nil
	case err == nil:
		return fmt.Errorf("it has only %d entries, not %d", copied, keep)
	}
	return err
}

// decide makes the copy the log, once it is put in its place.
func (b *Bus) decide(run string) error {
	ready := readyDir(b.dir)
	if err := os.MkdirAll(ready, 0o700); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(streamsDir(workDir(b.dir)), run), filepath.Join(ready, run)); err != nil {
		return err
	}
	if err := errors.Join(syncDir(ready), syncDir(b.dir)); err != nil {
		return err
	}
	return os.RemoveAll(workDir(b.dir))
}

// replace puts the copy in its place while the store runs.
func (b *Bus) replace(ctx context.Context, run string) error {
	ctx, cancel := context.WithTimeout(ctx, apiWait)
	defer cancel()
	// At some time after a deletion the store removes the directory of all
	// logs, if that is empty. What begins with a dot is none to it, and it
	// removes one that is left behind when it is started.
	stay := filepath.Join(streamsDir(b.dir), ".stay")
	if err := os.MkdirAll(stay, 0o700); err != nil {
		return err
	}
	defer func() { _ = os.Remove(stay) }()
	if err := b.js.DeleteStream(ctx, run); err != nil && !errors.Is(known(err), ErrNoStream) {
		return err
	}
	if err := b.adopt(run); err != nil {
		return err
	}
	// The store finds the entries where it would make the log's files.
	_, err := b.CreateStream(run)
	return err
}

// adopt puts the copy in its place while the store does not know the log.
func (b *Bus) adopt(run string) error {
	to := filepath.Join(streamsDir(b.dir), run)
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	if err := b.ledger.forget(run); err != nil {
		return err
	}
	if err := os.MkdirAll(streamsDir(b.dir), 0o700); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(readyDir(b.dir), run), to); err != nil {
		return err
	}
	return errors.Join(syncDir(streamsDir(b.dir)), syncDir(readyDir(b.dir)))
}

// recover finishes, before the store is started, what a bus that died has left,
// and surveys the logs. Heal are those to be made again around their entries.
func (b *Bus) recover() (heal []string, err error) {
	b.ledger = &ledger{dir: marksDir(b.dir), surveys: map[string]*survey{}}
	if err := os.RemoveAll(workDir(b.dir)); err != nil {
		return nil, err
	}
	ready, err := os.ReadDir(readyDir(b.dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range ready {
		if err := b.adopt(e.Name()); err != nil {
			return nil, fmt.Errorf("cannot finish truncating the log of %s: %w", e.Name(), err)
		}
	}
	b.ledger, heal, err = openLedger(b.dir)
	return heal, err
}

func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return syncDir(path) // files are synced alike
	})
}
