package bus

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// A DamageError says that the store has lost entries of a log, or cannot read
// them any more.
type DamageError struct {
	Run   string
	Entry uint64 // the first one that was missed
	Err   error
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("entry %d is lost or damaged on disk: %v", e.Entry, e.Err)
}

func (e *DamageError) Unwrap() error { return e.Err }

// A ledger has the survey of each log. The store itself forgets: it cuts damaged
// blocks off and goes on with what is left. So how many entries a damaged log
// had, at least, is kept in a file beside the store until the log is truncated
// or deleted, and whoever opens it next is told too.
type ledger struct {
	dir     string // of these files
	mu      sync.Mutex
	surveys map[string]*survey
}

func marksDir(dir string) string { return filepath.Join(dir, "damaged") }

// openLedger looks at all logs of a store that is not running. Heal are those
// whose description is damaged, which is the same for all logs: the store
// takes them for none.
func openLedger(dir string) (l *ledger, heal []string, err error) {
	l = &ledger{dir: marksDir(dir), surveys: map[string]*survey{}}
	logs, err := os.ReadDir(streamsDir(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	for _, e := range logs {
		run := e.Name()
		if !e.IsDir() || CheckToken(run) != nil {
			continue // what the store is deleting begins with a dot
		}
		stream := filepath.Join(streamsDir(dir), run)
		s, err := surveyLog(stream, run)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		s.last = max(s.last, l.marked(run))
		l.surveys[run] = s
		if s.damaged {
			if err := l.mark(run); err != nil {
				return nil, nil, err
			}
		}
		if err := s.dropIndex(); err != nil {
			return nil, nil, err
		}
		if s.last == 0 {
			continue // nothing that could be lost
		}
		described, err := describe(stream, run)
		if err != nil {
			return nil, nil, err
		}
		if !described {
			heal = append(heal, run)
		}
	}
	return l, heal, nil
}

// describe looks at a log's description and takes away a damaged one.
func describe(stream, run string) (ok bool, err error) {
	path := filepath.Join(stream, "meta.inf")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	sum, err := os.ReadFile(filepath.Join(stream, "meta.sum"))
	if err == nil && string(sum) == hex.EncodeToString(checksum([]byte(run), text)) {
		return true, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return false, os.Remove(path) // the store writes both where this one is missing
}

// of is the survey of a log, an empty one for a log that is new.
func (l *ledger) of(run string) *survey {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.surveys[run]
	if s == nil {
		s = &survey{run: run}
		l.surveys[run] = s
	}
	return s
}

func (l *ledger) marked(run string) uint64 {
	text, err := os.ReadFile(filepath.Join(l.dir, run))
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	return n
}

// mark keeps for later that a log is damaged. Written twice it says the same.
func (l *ledger) mark(run string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.surveys[run]
	if s == nil || s.held() == 0 {
		return nil
	}
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return fmt.Errorf("cannot note that the log of %s is damaged: %w", run, err)
	}
	path := filepath.Join(l.dir, run)
	err := os.WriteFile(path+".tmp", fmt.Appendln(nil, s.held()), 0o600)
	if err == nil {
		err = os.Rename(path+".tmp", path)
	}
	if err == nil {
		err = syncDir(l.dir)
	}
	if err != nil {
		return fmt.Errorf("cannot note that the log of %s is damaged: %w", run, err)
	}
	return nil
}

// forget ends what is known of a log that is deleted, or sound again.
func (l *ledger) forget(run string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.surveys[run]; s != nil {
		s.clear() // streams that are open have it too
		delete(l.surveys, run)
	}
	if err := os.Remove(filepath.Join(l.dir, run)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// damaged makes the error for an entry that the log had.
func (s *Stream) damaged(entry uint64, err error) error {
	damage := &DamageError{s.name, entry, err}
	if err := s.bus.ledger.mark(s.name); err != nil {
		return errors.Join(damage, err)
	}
	return damage
}
