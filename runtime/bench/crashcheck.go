package bench

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/troupe-dev/troupe/bus"
	"github.com/troupe-dev/troupe/runtime/record"
)

// leftPatience is how long processes of a run that is over may take to be gone.
const leftPatience = 30 * time.Second

// remember notes which ticks are on record after a kill, and holds those against
// them that were after the one before. It reads a copy: what a resume finds is
// what the kill has left.
func (r *crashRun) remember(ctx context.Context) error {
	if !r.begun {
		return nil
	}
	log, err := r.ticks(ctx)
	if err != nil {
		return fmt.Errorf("cannot read the record after a kill: %w", err)
	}
	r.compare(log)
	return nil
}

// compare counts what was on record before and is not, or not the same, now.
func (r *crashRun) compare(now []string) {
	for tick, hash := range r.seen {
		if tick >= len(now) || now[tick] != hash {
			r.got.Lost++
		}
	}
	r.seen = now
}

// ticks gives the hash of each tick on record, in order.
func (r *crashRun) ticks(ctx context.Context) (hashes []string, err error) {
	dir := filepath.Join(r.dir, "copy")
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(r.data, "bus"))); err != nil {
		return nil, err
	}
	m, err := record.ReadManifest(filepath.Join(r.data, "runs", crashName, "plan.json"))
	if err != nil {
		return nil, err
	}
	b, err := bus.Start(bus.Options{Dir: dir})
	if err != nil {
		return nil, err
	}
	defer b.Close()
	stream, err := b.OpenStream(crashName)
	if errors.Is(err, bus.ErrNoStream) {
		return nil, nil // killed before it was made
	}
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	err = record.Reading(stream, m.Plan.Genesis()).Read(ctx, 0, func(rec *record.Record, hash [record.HashSize]byte) error {
		if rec.Tick != len(hashes) {
			r.got.Doubled++ // whatever its number, it is not the next
		}
		hashes = append(hashes, hex.EncodeToString(hash[:]))
		return nil
	})
	return hashes, err
}

// judge compares a run that has come to its end with the one in peace, and
// looks for what it has left.
func (r *crashRun) judge(ctx context.Context, got outcome) error {
	if got != r.calm {
		r.got.Differs = append(r.got.Differs, fmt.Sprintf("it ended after %d ticks with hash %s, %d outcomes decided by a clock", got.Ticks, got.Hash, got.Timed))
	}
	for _, pid := range workingIn(filepath.Join(r.data, "runs"), leftPatience) {
		r.got.Processes++
		r.got.Left = append(r.got.Left, fmt.Sprintf("process %d", pid))
	}
	names, err := namesIn(r.data)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !slices.Contains(r.names, name) {
			r.got.Left = append(r.got.Left, name)
		}
	}
	final, err := r.ticks(ctx)
	if err != nil {
		return fmt.Errorf("cannot read the record at the end: %w", err)
	}
	r.compare(final)
	r.got.Doubled += max(0, len(final)-got.Ticks)
	return nil
}

// namesIn lists what is in a data directory, less what there may be more or
// fewer of: logs, blocks of the store, and what is kept with checkpoints but for
// what is not finished.
func namesIn(data string) (names []string, err error) {
	err = filepath.WalkDir(data, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(data, path)
		switch ext := filepath.Ext(name); {
		case slices.Contains([]string{".log", ".1", ".blk", ".db"}, ext):
		case strings.Contains(name, "/checkpoints/") && ext != ".tmp" && e.Name()[0] != '.':
		default:
			names = append(names, name)
		}
		return err
	})
	return names, err
}
