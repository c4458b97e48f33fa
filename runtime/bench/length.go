package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/troupe-dev/troupe/runtime/record"
)

// long is a small game of so many ticks.
func long(ticks int) size {
	return size{agents: 10, ticks: ticks, messages: 1, name: strconv.Itoa(ticks)}
}

// mostBare is how many ticks the bare loop plays at most: it keeps nothing, so
// that they all cost the same.
const mostBare = 10_000

func floorLength(ctx context.Context, l *lab, s size) ([]float64, error) {
	g := l.of(s)
	g.ticks = min(g.ticks, mostBare)
	rate, err := bare(ctx, g)
	if err != nil {
		return nil, err
	}
	peak, err := l.peakOfBare(ctx, g)
	return []float64{rate, float64(peak) / (1 << 20)}, err
}

// troupeLength plays with troupe run, whose memory is its own, and takes from
// its log when each tick was.
func troupeLength(ctx context.Context, l *lab, s size) (figures []float64, err error) {
	path, err := l.write(l.of(s))
	if err != nil {
		return nil, err
	}
	t := &trace{data: filepath.Join(l.dir, "run")}
	defer func() { err = errors.Join(err, t.forget()) }()
	peak, err := runApart(ctx, path, t.data)
	if err != nil {
		return nil, err
	}
	if err := l.recall(ctx, t, path); err != nil {
		return nil, err
	}
	return []float64{t.rate(), float64(peak) / (1 << 20)}, nil
}

// recall finds out when the ticks of a run were that another process played.
func (l *lab) recall(ctx context.Context, t *trace, path string) (err error) {
	if t.plan, err = expand(path); err != nil {
		return err
	}
	runs, err := os.ReadDir(filepath.Join(t.data, "runs"))
	if err != nil {
		return err
	}
	if len(runs) != 1 {
		return fmt.Errorf("%s holds %d runs, not one", t.data, len(runs))
	}
	t.run = runs[0].Name()
	return l.withLog(ctx, t, func(log *record.Log) error {
		return log.Read(ctx, 0, func(rec *record.Record, _ [record.HashSize]byte) error {
			t.ticks = append(t.ticks, rec.Annex.Time)
			return nil
		})
	})
}
