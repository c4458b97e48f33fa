package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/troupe-dev/troupe/bus"
	"github.com/troupe-dev/troupe/runtime"
	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/runtime/record"
)

// A past is a run on record that was interrupted, so that it can be verified,
// replayed and resumed.
type past struct {
	data, run string
	ticks     int
}

// record plays as many ticks of a game as it has, and stops it there. The data
// directory stays until the lab closes.
func (l *lab) record(ctx context.Context, g *game) (*past, error) {
	ticks := g.ticks
	g.ticks = maxTicks
	path, err := l.write(g)
	if err != nil {
		return nil, err
	}
	p, err := expand(path)
	if err != nil {
		return nil, err
	}
	l.runs++
	data := filepath.Join(l.dir, fmt.Sprintf("d%d", l.runs))
	res, err := until(ctx, ticks-1, func(ctx context.Context, w runtime.Watcher) (*runtime.Result, error) {
		return runtime.Run(ctx, p, runtime.Options{Data: data, Scenario: path, Command: "bench", Kill: l.kill, Watch: w})
	})
	if err != nil {
		return nil, err
	}
	return &past{data, res.Run, res.Summary.Ticks}, nil
}

// kept is the past of a size that is only read.
func (l *lab) kept(ctx context.Context, s size) (*past, error) {
	if p := l.pasts[s]; p != nil {
		return p, nil
	}
	p, err := l.record(ctx, l.of(s))
	if err != nil {
		return nil, err
	}
	if l.pasts == nil {
		l.pasts = map[size]*past{}
	}
	l.pasts[s] = p
	return p, nil
}

// A stopper interrupts a run once a tick is committed.
type stopper struct {
	tick int
	stop func()
	at   time.Time // when the tick was
}

func (s *stopper) Starting(runtime.Opening) {}
func (s *stopper) Happened(record.Fact)     {}

// Ticked implements runtime.Watcher.
func (s *stopper) Ticked(rec *record.Record, _ *record.Summary) {
	if rec.Tick >= s.tick && s.at.IsZero() {
		s.at = time.Now()
		s.stop()
	}
}

// until plays until a tick is committed, and interrupts the run then.
func until(ctx context.Context, tick int, play func(context.Context, runtime.Watcher) (*runtime.Result, error)) (*runtime.Result, error) {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &stopper{tick: tick, stop: cancel}
	res, err := play(inner, s)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, err
	case res.Status != observe.Interrupted || res.Summary.Timed > 0 || len(res.Summary.Outcomes) > 1:
		return nil, fmt.Errorf("the run was %s after %d ticks: %v", res.Status, res.Summary.Ticks, res.Summary.Outcomes)
	}
	return res, nil
}

// raw reads the entries of a run's log as the store gives them.
func (p *past) raw(ctx context.Context) (took time.Duration, err error) {
	begun := time.Now()
	b, err := bus.Start(bus.Options{Dir: filepath.Join(p.data, "bus")})
	if err != nil {
		return 0, err
	}
	defer b.Close()
	stream, err := b.OpenStream(p.run)
	if err != nil {
		return 0, err
	}
	defer stream.Close()
	n := 0
	err = stream.Read(ctx, 1, func(uint64, []byte) error { n++; return nil })
	if err == nil && n < p.ticks {
		err = fmt.Errorf("%d entries are read of %d ticks", n, p.ticks)
	}
	return time.Since(begun), err
}

func floorRaw(ctx context.Context, l *lab, s size) ([]float64, error) {
	p, err := l.kept(ctx, s)
	if err != nil {
		return nil, err
	}
	took, err := p.raw(ctx)
	return perSecond(p.ticks, took), err
}

// floorVerify is the same for both figures.
func floorVerify(ctx context.Context, l *lab, s size) ([]float64, error) {
	rate, err := floorRaw(ctx, l, s)
	if err != nil {
		return nil, err
	}
	return []float64{rate[0], rate[0]}, nil
}

func troupeVerify(ctx context.Context, l *lab, s size) (rates []float64, err error) {
	p, err := l.kept(ctx, s)
	if err != nil {
		return nil, err
	}
	for _, execute := range []bool{false, true} {
		begun := time.Now()
		res, err := runtime.Verify(ctx, runtime.VerifyOptions{Data: p.data, Run: p.run, Command: "bench", Execute: execute, Kill: l.kill})
		if err == nil && (res.Ticks != p.ticks || execute && res.Repeated.Difference != nil) {
			err = errors.New("it verifies to something else than it was")
		}
		if err != nil {
			return nil, err
		}
		rates = append(rates, perSecond(p.ticks, time.Since(begun))...)
	}
	return rates, nil
}

// troupeResume measures from the call to the first tick that is new.
func troupeResume(ctx context.Context, l *lab, s size) ([]float64, error) {
	p, err := l.record(ctx, l.of(s))
	if err != nil {
		return nil, err
	}
	took, err := l.resume(ctx, p)
	if err != nil {
		return nil, err
	}
	return perSecond(p.ticks, took), nil
}
