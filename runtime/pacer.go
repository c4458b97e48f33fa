package runtime

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-dev/troupe/bus"
	"github.com/troupe-dev/troupe/runtime/engine"
	"github.com/troupe-dev/troupe/runtime/observe"
)

// A pacer is a run's pace in the words of those who look at runs. What changes
// is told on the run's live subjects.
type pacer struct {
	run     *run
	pace    engine.Pace
	metrics atomic.Pointer[observe.RunMetrics] // nil for none

	told sync.Mutex // held while Paced is told, so that the newest is told last
}

// Pause implements observe.Pacer.
func (p *pacer) Pause() {
	p.pace.Pause()
	p.tell("paused")
}

// Resume implements observe.Pacer.
func (p *pacer) Resume() {
	p.pace.Resume()
	if m := p.metrics.Load(); m != nil {
		m.WentOn()
	}
	p.tell("resumed")
}

// Speed implements observe.Pacer.
func (p *pacer) Speed(perSecond float64) {
	p.pace.Slow(interval(perSecond))
	p.changed()
}

// Step implements observe.Pacer.
func (p *pacer) Step(ctx context.Context, ticks int) error {
	err := p.pace.Step(ctx, ticks)
	switch {
	case errors.Is(err, engine.ErrGoing):
		err = fmt.Errorf("%w: %w; pause it first", observe.ErrConflict, err)
	case errors.Is(err, engine.ErrShut), errors.Is(err, engine.ErrCut):
		err = fmt.Errorf("%w: %w", observe.ErrNotRunning, err)
	}
	return err
}

// Pace implements observe.Pacer.
func (p *pacer) Pace() (paused bool, perSecond float64) {
	paused, every := p.pace.State()
	if every > 0 {
		perSecond = float64(time.Second) / float64(every)
	}
	return paused, perSecond
}

// interval is how long a tick takes at a speed; 0 for no bound.
func interval(perSecond float64) time.Duration {
	if perSecond <= 0 {
		return 0
	}
	return time.Duration(min(float64(time.Second)/perSecond, float64(longest)))
}

// tell has observers know. It is nobody's turn to publish but the loop's, so
// that each has a buffer of its own.
func (p *pacer) tell(fact string) {
	t := teller{to: p.run.host.bus, run: p.run.name}
	t.fact(bus.Run(p.run.name, fact), map[string]any{"run": p.run.name, "ticks": p.run.live.State().Ticks})
	p.changed()
}

func (p *pacer) changed() {
	if p.run.opts.Paced == nil {
		return
	}
	p.told.Lock()
	defer p.told.Unlock()
	p.run.opts.Paced(p.Pace())
}
