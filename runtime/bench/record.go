package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/troupe-dev/troupe/bus"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/scenarios"
)

// percentiles gives the 50th and the 99th, in microseconds.
func percentiles(took []time.Duration) []float64 {
	slices.Sort(took)
	at := func(share int) float64 { return float64(took[(len(took)-1)*share/100]) / float64(time.Microsecond) }
	return []float64{at(50), at(99)}
}

func troupeCommit(ctx context.Context, l *lab, s size) ([]float64, error) {
	t, err := l.game(ctx, l.of(s))
	if err != nil {
		return nil, err
	}
	return percentiles(t.commits), nil
}

// floorCommit writes as many bytes to a file as such a run stores for a tick,
// at the pace of no run: one after the other. Where a tick outlives the
// machine, each is synced.
func floorCommit(ctx context.Context, l *lab, s size) ([]float64, error) {
	g := l.of(s)
	g.ticks = min(g.ticks, 20)
	path, err := l.write(g)
	if err != nil {
		return nil, err
	}
	t, err := l.play(ctx, path)
	if err != nil {
		return nil, err
	}
	stored, _, err := l.stored(t)
	if err := errors.Join(err, t.forget()); err != nil {
		return nil, err
	}
	f, err := os.Create(filepath.Join(l.dir, "floor"))
	if err != nil {
		return nil, err
	}
	payload := make([]byte, stored/int64(g.ticks))
	took := make([]time.Duration, s.ticks)
	for i := range took {
		start := time.Now()
		if _, err = f.Write(payload); err == nil && s.durability == plan.DurableMachine {
			err = f.Sync()
		}
		if err != nil {
			break
		}
		took[i] = time.Since(start)
	}
	return percentiles(took), errors.Join(err, f.Close(), os.Remove(f.Name()))
}

// shipped plays a scenario of the library.
func (l *lab) shipped(ctx context.Context, name string) (*trace, error) {
	text, err := scenarios.Library.ReadFile(name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("cannot find a shipped scenario: %w", err)
	}
	path := filepath.Join(l.dir, name+".yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return nil, err
	}
	return l.play(ctx, path)
}

// blocks are the files that hold a log's entries. The store's index and its
// own state, which do not grow with the run, are not counted.
const blocks = "*.blk"

// stored is how many bytes a run's log takes on disk, and in which files.
func (l *lab) stored(t *trace) (bytes int64, files []string, err error) {
	err = filepath.WalkDir(filepath.Join(t.data, "bus"), func(path string, entry fs.DirEntry, err error) error {
		if match, _ := filepath.Match(blocks, filepath.Base(path)); err != nil || !match {
			return err
		}
		st, err := entry.Info()
		if err == nil {
			bytes += st.Size()
			files = append(files, path)
		}
		return err
	})
	if err == nil && bytes == 0 {
		err = errors.New("the store has no files that are known")
	}
	return bytes, files, err
}

// events counts the lines that troupe events prints of a record, less that of
// the tick, and gives their text.
func events(buf []byte, rec *record.Record, hash [record.HashSize]byte) (int, []byte) {
	buf = record.AppendEvents(buf[:0], rec, hash)
	return bytes.Count(buf, []byte("\n")) - 1, buf
}

// readings is how often a log is read: the median counts.
const readings = 5

// withLog opens the log of a run that is over.
func (l *lab) withLog(ctx context.Context, t *trace, use func(*record.Log) error) error {
	b, err := bus.Start(bus.Options{Dir: filepath.Join(t.data, "bus")})
	if err != nil {
		return err
	}
	defer b.Close()
	stream, err := b.OpenStream(t.run)
	if err != nil {
		return err
	}
	defer stream.Close()
	log, err := record.Open(ctx, stream, t.plan.Genesis())
	if err != nil {
		return err
	}
	return use(log)
}

func troupeRecord(ctx context.Context, l *lab, s size) (figures []float64, err error) {
	t, err := l.shipped(ctx, s.scenario)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.forget()) }()
	size, _, err := l.stored(t)
	if err != nil {
		return nil, err
	}
	count, took := 0, make([]float64, 0, readings)
	err = l.withLog(ctx, t, func(log *record.Log) error {
		var buf []byte
		err := log.Read(ctx, 0, func(rec *record.Record, hash [record.HashSize]byte) error {
			n := 0
			n, buf = events(buf, rec, hash)
			count += n
			return nil
		})
		for range readings {
			start := time.Now()
			err = errors.Join(err, log.Read(ctx, 0, func(*record.Record, [record.HashSize]byte) error { return nil }))
			took = append(took, time.Since(start).Seconds())
		}
		return err
	})
	return []float64{float64(size) / float64(count), float64(count) / median(took)}, err
}

// floorRecord writes the events as text, and reads the file again.
func floorRecord(ctx context.Context, l *lab, s size) (figures []float64, err error) {
	t, err := l.shipped(ctx, s.scenario)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.forget()) }()
	count, text := 0, bytes.Buffer{}
	err = l.withLog(ctx, t, func(log *record.Log) error {
		var buf []byte
		return log.Read(ctx, 0, func(rec *record.Record, hash [record.HashSize]byte) error {
			n := 0
			n, buf = events(buf, rec, hash)
			count += n
			text.Write(buf)
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	path := filepath.Join(t.data, "floor")
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		return nil, err
	}
	took := make([]float64, 0, readings)
	for range readings {
		start := time.Now()
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		err = errors.Join(countLines(f, bytes.Count(text.Bytes(), []byte("\n"))), f.Close())
		if err != nil {
			return nil, err
		}
		took = append(took, time.Since(start).Seconds())
	}
	return []float64{float64(text.Len()) / float64(count), float64(count) / median(took)}, nil
}
