// Package workspace owns the directories of a run: who may hold them, what is
// in them, and the walls around the processes that work in them.
package workspace

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// A Holder is who has a data directory locked.
type Holder struct {
	PID     int       `json:"pid"`
	Command string    `json:"command"`
	Since   time.Time `json:"since"`
	// Brief says that the holder only reads and will soon let go.
	Brief bool `json:"brief,omitempty"`
}

// A HeldError says that a data directory is locked by somebody else.
type HeldError struct {
	Dir string
	Holder
}

func (e *HeldError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("data directory %s is held by another process", e.Dir)
	}
	return fmt.Sprintf("data directory %s is held by process %d (troupe %s) since %s",
		e.Dir, e.PID, e.Command, e.Since.Local().Format("15:04:05"))
}

// HoldData makes the data directory and takes it for this process until
// release is called. One that another process holds is a *HeldError; it does
// not wait. The lock is the kernel's: it ends with the process, however that
// dies.
func HoldData(dir string, h Holder) (release func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the data directory: %w", err)
	}
	path := filepath.Join(dir, "lock")
	fl := flock.New(path, flock.SetPermissions(0o600))
	ok, err := fl.TryLock()
	if err != nil {
		return nil, fmt.Errorf("cannot lock the data directory: %w", err)
	}
	if !ok {
		held := &HeldError{Dir: dir}
		if text, err := os.ReadFile(path); err == nil {
			_ = json.Unmarshal(text, &held.Holder) // half-written by its holder: stay without a name
		}
		return nil, held
	}
	text, err := json.Marshal(h)
	if err == nil {
		err = os.WriteFile(path, append(text, '\n'), 0o600)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot name the holder in %s: %w", path, err), fl.Unlock())
	}
	return func() { _ = fl.Unlock() }, nil
}

// AwaitData is HoldData that waits up to patience for a brief holder to let go.
func AwaitData(dir string, h Holder, patience time.Duration) (release func(), err error) {
	end := time.Now().Add(patience)
	for {
		release, err = HoldData(dir, h)
		var held *HeldError
		if !errors.As(err, &held) || !held.Brief || time.Now().After(end) {
			return release, err
		}
		time.Sleep(20 * time.Millisecond)
	}
}
