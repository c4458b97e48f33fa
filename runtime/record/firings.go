package record

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/troupe-dev/troupe/workspace"
)

// A Firing is a fault of the scenario that has hit a process, or was about to:
// the fault's place in the plan, the tick, and the agent, empty for the
// supervisor.
type Firing struct {
	Fault int    `json:"fault"`
	Tick  int    `json:"tick"`
	Agent string `json:"agent,omitempty"`
}

// Firings is the file of a run that remembers which faults of processes have
// fired, a JSON object a line: what a tick that is played again must not do
// again, though the record knows nothing of it. One goroutine uses it.
type Firings struct {
	path  string
	file  *os.File // nil before the first
	fired map[Firing]bool
}

// OpenFirings reads the file at path, which need not be there. What is behind
// its last whole line was never synced, and is cut off: it has not fired.
func OpenFirings(path string) (*Firings, error) {
	f := &Firings{path: path, fired: map[Firing]bool{}}
	file, err := os.OpenFile(path, os.O_RDWR, 0o600)
	if errors.Is(err, os.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read which faults have fired: %w", err)
	}
	f.file = file
	whole, err := f.read()
	if err == nil {
		err = file.Truncate(whole)
	}
	if err == nil {
		_, err = file.Seek(whole, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot read which faults have fired: %w", err), file.Close())
	}
	return f, nil
}

// read takes the whole lines in and says how many bytes they have.
func (f *Firings) read() (whole int64, err error) {
	r := bufio.NewReader(f.file)
	for {
		line, err := r.ReadBytes('\n')
		var x Firing
		if errors.Is(err, io.EOF) || err == nil && json.Unmarshal(line, &x) != nil {
			return whole, nil
		}
		if err != nil {
			return whole, err
		}
		f.fired[x] = true
		whole += int64(len(line))
	}
}

// Fired says whether one has fired.
func (f *Firings) Fired(x Firing) bool { return f.fired[x] }

// Fire notes some that fire now, and returns once they are on disk. After an
// error they count as not fired.
func (f *Firings) Fire(list []Firing) error {
	err := f.create()
	var text []byte
	for _, x := range list {
		line, failed := json.Marshal(x)
		err = errors.Join(err, failed)
		text = append(append(text, line...), '\n')
	}
	if err == nil {
		_, err = f.file.Write(text)
	}
	if err == nil {
		err = f.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("cannot note which faults fire: %w", err)
	}
	for _, x := range list {
		f.fired[x] = true
	}
	return nil
}

// create makes the file, and its name last.
func (f *Firings) create() (err error) {
	if f.file != nil {
		return nil
	}
	if f.file, err = os.OpenFile(f.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err != nil {
		return err
	}
	return workspace.SyncDir(filepath.Dir(f.path))
}

// Close gives the file back.
func (f *Firings) Close() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}
