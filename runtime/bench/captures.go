package bench

import (
	"context"
	"strconv"
	"time"

	"github.com/troupe-dev/troupe/runtime"
)

// capturing is a game whose agents come back in a way that costs something at
// every tick, or every few.
func capturing(agents, ticks int, state string) size {
	return size{agents: agents, ticks: ticks, state: state, name: state}
}

// historians is the game of a size with agents that remember, and come back by
// some state.
func historians(s size, state string) *game {
	return &game{agents: s.agents, ticks: s.ticks, program: bot("historian"), state: state, notes: s.state == "notes", every: 10}
}

func floorCaptures(ctx context.Context, l *lab, s size) ([]float64, error) {
	return l.rate(ctx, historians(s, "reobserve"), 1)
}

func troupeCaptures(ctx context.Context, l *lab, s size) ([]float64, error) {
	state := s.state
	if state == "notes" {
		state = "none"
	}
	return l.rate(ctx, historians(s, state), 1)
}

// comingBack is a run of so many ticks.
func comingBack(ticks int) size {
	return size{agents: 10, ticks: ticks, name: strconv.Itoa(ticks)}
}

func floorComeback(ctx context.Context, l *lab, s size) ([]float64, error) {
	return l.comeback(ctx, s, "reobserve")
}

func troupeComeback(ctx context.Context, l *lab, s size) ([]float64, error) {
	return l.comeback(ctx, s, "snapshot")
}

// comeback measures from the call to the first tick that is new.
func (l *lab) comeback(ctx context.Context, s size, state string) ([]float64, error) {
	g := historians(s, state)
	g.every = 100
	p, err := l.record(ctx, g)
	if err != nil {
		return nil, err
	}
	took, err := l.resume(ctx, p)
	return []float64{float64(took) / float64(time.Millisecond)}, err
}

// resume goes on with a run, and interrupts it after its first new tick. It says
// how long that took.
func (l *lab) resume(ctx context.Context, p *past) (time.Duration, error) {
	begun := time.Now()
	var first *stopper
	_, err := until(ctx, p.ticks, func(ctx context.Context, w runtime.Watcher) (*runtime.Result, error) {
		first = w.(*stopper)
		return runtime.Resume(ctx, runtime.Options{Data: p.data, Name: p.run, Command: "bench", Kill: l.kill, Watch: w}, nil)
	})
	if err != nil {
		return 0, err
	}
	return first.at.Sub(begun), nil
}
