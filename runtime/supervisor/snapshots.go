package supervisor

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/workspace"
)

// A position is how far an agent is: it has had everything before the attempt
// after this one. A tick without attempt is before its first one.
type position struct {
	tick    int
	attempt int
}

// had says whether an observe came at or before the position.
func (x position) had(o *agent.Observe) bool {
	return o.Tick < x.tick || o.Tick == x.tick && o.Attempt <= x.attempt
}

// snapshots are the states that the agents of one process told, in a file for
// each time: its name is the tick that has to be committed for the states to be
// those of the run. The files that go with one are the capture of the same tick.
// For one goroutine at a time.
type snapshots struct {
	dir   string
	sync  bool
	made  bool  // the directory is there
	ticks []int // that there are, ascending
}

// A told state is one line of a file.
type toldState struct {
	Agent   string          `json:"agent"`
	Tick    int             `json:"tick"`
	Attempt int             `json:"attempt,omitempty"`
	State   json.RawMessage `json:"state"`
}

const statesSuffix = ".jsonl"

// openSnapshots forgets what was told after a run's last tick, and what is not
// whole.
func openSnapshots(dir string, sync bool, last int) (*snapshots, error) {
	s := &snapshots{dir: dir, sync: sync}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), statesSuffix)
		tick, bad := strconv.Atoi(name)
		if ok && bad == nil && tick <= last {
			s.ticks = append(s.ticks, tick)
			continue
		}
		err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
	}
	slices.Sort(s.ticks)
	if err != nil {
		return nil, fmt.Errorf("cannot use the states of agents: %w", err)
	}
	return s, nil
}

// newest is the tick of the newest; -1 for none.
func (s *snapshots) newest() int {
	if len(s.ticks) == 0 {
		return -1
	}
	return s.ticks[len(s.ticks)-1]
}

func (s *snapshots) path(tick int) string {
	return filepath.Join(s.dir, strconv.Itoa(tick)+statesSuffix)
}

// write adds the states of a tick, or takes the place of those that were told
// in the same one. They are there whole or not at all.
func (s *snapshots) write(tick int, states []toldState) error {
	err := s.store(tick, states)
	if err != nil {
		return fmt.Errorf("cannot keep the states of agents: %w", err)
	}
	if at, found := slices.BinarySearch(s.ticks, tick); !found {
		s.ticks = slices.Insert(s.ticks, at, tick)
	}
	return nil
}

func (s *snapshots) store(tick int, states []toldState) error {
	if err := s.make(); err != nil {
		return err
	}
	return workspace.WriteFile(s.path(tick), s.sync, func(w io.Writer) error {
		out := bufio.NewWriter(w)
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false) // a state is given back as it was told
		for i := range states {
			if err := enc.Encode(&states[i]); err != nil {
				return err
			}
		}
		return out.Flush()
	})
}

// make makes the directory.
func (s *snapshots) make() error {
	if s.made {
		return nil
	}
	err := os.MkdirAll(s.dir, 0o700)
	for dir, up := filepath.Dir(s.dir), 0; err == nil && s.sync && up < 3; dir, up = filepath.Dir(dir), up+1 {
		err = workspace.SyncDir(dir) // states, checkpoints, the run: the names of those below
	}
	s.made = err == nil
	return err
}

// syncDir brings the names in a directory to disk.
// read gives the newest states that can be read and are those of all the agents
// named, and drops those that are not: what they would have saved is told again.
// The tick is -1 where there is none; then an error says why.
func (s *snapshots) read(agents []string) (tick int, states map[string]toldState, err error) {
	for len(s.ticks) > 0 {
		tick = s.newest()
		states, err = s.load(tick, agents)
		if err == nil {
			return tick, states, nil
		}
		if err := s.drop(); err != nil {
			return -1, nil, err
		}
	}
	return -1, nil, err
}

// drop deletes the newest, which cannot be used.
func (s *snapshots) drop() error {
	if err := os.Remove(s.path(s.newest())); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot drop states of agents that cannot be used: %w", err)
	}
	s.ticks = s.ticks[:len(s.ticks)-1]
	return nil
}

func (s *snapshots) load(tick int, agents []string) (map[string]toldState, error) {
	text, err := os.ReadFile(s.path(tick))
	if err != nil {
		return nil, fmt.Errorf("cannot read the states of agents: %w", err)
	}
	states := map[string]toldState{}
	for line := range bytes.Lines(text) {
		var t toldState
		if err := json.Unmarshal(line, &t); err != nil {
			return nil, fmt.Errorf("cannot read the states of agents in %s: %w", s.path(tick), err)
		}
		states[t.Agent] = t
	}
	for _, id := range agents {
		if _, told := states[id]; !told {
			return nil, fmt.Errorf("cannot read the states of agents in %s: that of %s is missing", s.path(tick), id)
		}
	}
	return states, nil
}

// keep deletes all but the two newest and the newest at or before each of the
// ticks.
func (s *snapshots) keep(ticks []int) error {
	wanted := map[int]bool{}
	for _, t := range append(slices.Clone(s.ticks[max(len(s.ticks)-2, 0):]), ticks...) {
		if at, found := slices.BinarySearch(s.ticks, t); found {
			wanted[t] = true
		} else if at > 0 {
			wanted[s.ticks[at-1]] = true
		}
	}
	var err error
	s.ticks = slices.DeleteFunc(s.ticks, func(t int) bool {
		if !wanted[t] {
			err = errors.Join(err, os.Remove(s.path(t)))
		}
		return !wanted[t]
	})
	if err != nil {
		return fmt.Errorf("cannot drop old states of agents: %w", err)
	}
	return nil
}
