package record

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/s2"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/workspace"
)

// A Checkpoint is what going on with a run needs beside its log, between two
// ticks. It is made from the log and the world, and nothing is lost with it but
// time: what it says can be read from the log's start.
type Checkpoint struct {
	Tick    int             // the next one
	Hash    [HashSize]byte  // of the record before it
	Society json.RawMessage // engine's; compact
	World   json.RawMessage // the world's state; nil where it has none
	Summary Summary         // of the records before it
	Expect  json.RawMessage // what expectations have counted
}

// Next is the next tick; 0 where c is nil.
func (c *Checkpoint) Next() int {
	if c == nil {
		return 0
	}
	return c.Tick
}

// keptCheckpoint is a Checkpoint in its file.
type keptCheckpoint struct {
	Format  int             `json:"format"`
	Tick    int             `json:"tick"`
	Hash    string          `json:"hash"`
	Summary keptSummary     `json:"summary"`
	Expect  json.RawMessage `json:"expect,omitempty"`
	World   json.RawMessage `json:"world,omitempty"`
	Society json.RawMessage `json:"society"`
}

// checkpointFormat is the only one that this version reads.
const checkpointFormat = 1

// suffix of a checkpoint's file, whose name is its tick.
const suffix = ".json.s2"

// WriteCheckpoint writes a checkpoint into a directory, which it makes. A file
// is there whole or not at all. Sync says that it is on disk when the call
// returns.
func WriteCheckpoint(dir string, c *Checkpoint, sync bool) error {
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		err = workspace.WriteFile(checkpointFile(dir, c.Tick), sync, c.encode)
	}
	if err != nil {
		return fmt.Errorf("cannot write a checkpoint: %w", err)
	}
	return nil
}

func (c *Checkpoint) encode(w io.Writer) error {
	packed := s2.NewWriter(w, s2.WriterConcurrency(1), s2.WriterBlockSize(64<<10)) // a small state must not cost the megabytes of a large block
	enc := json.NewEncoder(packed)
	enc.SetEscapeHTML(false) // bytes of agents and worlds stay as they were
	err := enc.Encode(&keptCheckpoint{
		Format: checkpointFormat, Tick: c.Tick, Hash: hex.EncodeToString(c.Hash[:]),
		Summary: c.Summary.kept(), Expect: c.Expect, World: c.World, Society: c.Society,
	})
	return errors.Join(err, packed.Close())
}

func checkpointFile(dir string, tick int) string {
	return filepath.Join(dir, strconv.Itoa(tick)+suffix)
}

// ReadCheckpoint reads the one that stands before a tick.
func ReadCheckpoint(dir string, tick int) (*Checkpoint, error) {
	c, err := readCheckpoint(checkpointFile(dir, tick))
	if err == nil && c.Tick != tick {
		err = fmt.Errorf("it is of tick %d", c.Tick)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the checkpoint before tick %d: %w", tick, err)
	}
	return c, nil
}

func readCheckpoint(path string) (*Checkpoint, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(s2.NewReader(f))
	if err != nil {
		return nil, err
	}
	var k keptCheckpoint
	if err := json.Unmarshal(text, &k); err != nil {
		return nil, err
	}
	hash, err := hex.DecodeString(k.Hash)
	switch {
	case k.Format != checkpointFormat:
		return nil, fmt.Errorf("its format is %d, and this version reads %d", k.Format, checkpointFormat)
	case err != nil || len(hash) != HashSize:
		return nil, fmt.Errorf("its hash is %q", k.Hash)
	}
	return &Checkpoint{
		Tick: k.Tick, Hash: [HashSize]byte(hash), Society: bytes.Clone(k.Society), World: k.World,
		Summary: k.Summary.summary(k.Tick, [HashSize]byte(hash)), Expect: k.Expect,
	}, nil
}

// Checkpoints are the ticks before which one stands, ascending; none where
// there is no such directory.
func Checkpoints(dir string) ([]int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("cannot list checkpoints: %w", err)
	}
	var ticks []int
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), suffix)
		if tick, err := strconv.Atoi(name); ok && err == nil {
			ticks = append(ticks, tick)
		}
	}
	slices.Sort(ticks)
	return ticks, nil
}

// DropCheckpoints deletes those that keep does not name, and what writing one
// has left unfinished.
func DropCheckpoints(dir string, keep []int) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), suffix)
		tick, bad := strconv.Atoi(name)
		whole := ok && bad == nil
		if whole && slices.Contains(keep, tick) || !whole && !workspace.Unfinished(e.Name()) {
			continue
		}
		err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
	}
	if err != nil {
		return fmt.Errorf("cannot drop old checkpoints: %w", err)
	}
	return nil
}

// keptSummary is a Summary in a checkpoint.
type keptSummary struct {
	Timed    int                        `json:"timed,omitempty"`
	Scores   map[string]json.RawMessage `json:"scores,omitempty"`
	Columns  map[string]json.RawMessage `json:"columns,omitempty"`
	Outcomes map[string]int             `json:"outcomes,omitempty"`
	Usage    agent.Usage                `json:"usage"`
}

func (s *Summary) kept() keptSummary {
	return keptSummary{Timed: s.Timed, Outcomes: s.Outcomes, Scores: raws(s.Scores), Columns: raws(s.Columns), Usage: s.Usage}
}

func (k *keptSummary) summary(ticks int, hash [HashSize]byte) Summary {
	s := Summary{
		Ticks: ticks, Hash: hash, Timed: k.Timed, Outcomes: k.Outcomes,
		Scores: values(k.Scores), Columns: values(k.Columns), Usage: k.Usage,
	}
	if s.Outcomes == nil {
		s.Outcomes = map[string]int{}
	}
	return s
}

func raws(m map[string][]byte) map[string]json.RawMessage {
	out := make(map[string]json.RawMessage, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

func values(m map[string]json.RawMessage) map[string][]byte {
	out := make(map[string][]byte, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}
