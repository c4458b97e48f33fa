package runtime

import (
	"context"
	"time"

	"github.com/troupe-dev/troupe/runtime/record"
)

// standstill is the most of a time in which a run did nothing that a replay
// keeps: it was paused, or stopped and resumed days later.
const standstill = time.Second

// longest is the longest wait for a tick, whatever the speed, so that sums of
// them are within what a time holds.
const longest = 365 * 24 * time.Hour

// A pace says when each tick of a replay is due: the first at once, the others
// as they were committed. The zero speed is as fast as it goes.
type pace struct {
	speed float64
	due   time.Time
	last  time.Time // when the tick before was committed
}

// await waits until the next tick is due, whose annex it is.
func (p *pace) await(ctx context.Context, a *record.Annex) error {
	if p.speed == 0 {
		return ctx.Err()
	}
	p.due = p.due.Add(p.gap(a))
	wait := time.NewTimer(time.Until(p.due))
	defer wait.Stop()
	select {
	case <-wait.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// gap is how long after the tick before this one is due.
func (p *pace) gap(a *record.Annex) time.Duration {
	last := p.last
	p.last = a.Time
	if last.IsZero() || a.Time.IsZero() {
		return 0
	}
	busy := a.Elapsed.Ask + a.Elapsed.Step + a.Elapsed.Commit
	gap := max(min(a.Time.Sub(last), busy+standstill), 0) // a clock may have been set back
	return time.Duration(min(float64(gap)/p.speed, float64(longest)))
}
