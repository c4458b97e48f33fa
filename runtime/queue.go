package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/workspace"
)

// queueDir is where a server keeps what it is to play, a file a run.
func (s *server) queueDir() string { return filepath.Join(s.host.data, "queue") }

func (s *server) queueFile(run string) string { return filepath.Join(s.queueDir(), run+".json") }

// keep writes down that a run is to be played.
func (s *server) keep(j *job) error {
	err := os.MkdirAll(s.queueDir(), 0o700)
	if err == nil {
		err = workspace.WriteFile(s.queueFile(j.Run), true, func(w io.Writer) error { return json.NewEncoder(w).Encode(j) })
	}
	if err != nil {
		return fmt.Errorf("cannot queue run %s: %w", j.Run, err)
	}
	return nil
}

// forget has a run played no more.
func (s *server) forget(run string) error {
	err := os.Remove(s.queueFile(run))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// recall takes up what a server before was to play. What cannot be read is
// logged and left where it is.
func (s *server) recall() error {
	files, err := os.ReadDir(s.queueDir())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("cannot read the queue: %w", err)
	}
	var queue []*job
	for _, f := range files {
		j, err := s.recalled(filepath.Join(s.queueDir(), f.Name()))
		if errors.Is(err, os.ErrNotExist) { // the run was removed
			err = os.Remove(filepath.Join(s.queueDir(), f.Name()))
		}
		if err != nil {
			s.opts.Log.Error("cannot go on with a run of the queue", "file", f.Name(), "error", err)
			continue
		}
		if j != nil {
			queue = append(queue, j)
		}
	}
	slices.SortFunc(queue, func(a, b *job) int { return a.Since.Compare(b.Since) })
	s.mu.Lock() // the API answers already
	defer s.mu.Unlock()
	s.queue = queue
	for _, j := range queue {
		s.jobs[j.Run] = j
	}
	return nil
}

func (s *server) recalled(path string) (*job, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	j := &job{queued: true, done: make(chan struct{})}
	if err := json.Unmarshal(text, j); err != nil {
		return nil, err
	}
	m, err := record.ReadManifest(s.host.store.Dir(j.Run).Manifest())
	if err != nil {
		return nil, err
	}
	j.plan = &m.Plan
	return j, nil
}
