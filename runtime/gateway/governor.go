package gateway

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// firstPause is how long an upstream is left alone that has no room and does
	// not say for how long; each further time in a row it is twice as long, up to
	// longestPause. What it says itself is believed up to longestSaid.
	firstPause   = time.Second
	longestPause = 15 * time.Second
	longestSaid  = 10 * time.Minute
)

// A Governor lets as many requests go to an upstream as it bears. It is told what
// became of each: one for which there was no room stops all of them for as long as
// the upstream says, and lets half as many go then; each that is answered lets a
// few more go, up to the most. (Additive increase, multiplicative decrease: Chiu
// and Jain, Computer Networks and ISDN Systems 17, 1989.) The methods may be called
// concurrently.
type Governor struct {
	most int

	mu      sync.Mutex
	window  float64 // so many may be under way
	flying  int
	until   time.Time // nobody goes before
	refused int       // in a row
	alarm   *time.Timer
	waiting []chan struct{} // who came first is first; closed to let go
}

// An Outcome is what became of a request.
type Outcome uint8

const (
	// Answered is one that the upstream had room for, whatever it answered.
	Answered Outcome = iota
	// NoRoom is one for which it had none.
	NoRoom
	// Lost is one of which nothing is known.
	Lost
)

// NewGovernor lets most requests be under way at a time.
func NewGovernor(most int) *Governor { return &Governor{most: most, window: float64(most)} }

// Enter waits until a request may go; ctx ends that. Leave has to be called once
// with what became of it; said is how long the upstream wants to be left alone, 0
// where it does not say.
func (g *Governor) Enter(ctx context.Context) (leave func(o Outcome, said time.Duration), err error) {
	g.mu.Lock()
	gate := make(chan struct{})
	g.waiting = append(g.waiting, gate)
	g.let()
	g.mu.Unlock()
	select {
	case <-gate:
	case <-ctx.Done():
		g.mu.Lock()
		defer g.mu.Unlock()
		if i := slices.Index(g.waiting, gate); i >= 0 {
			g.waiting = slices.Delete(g.waiting, i, i+1)
		} else { // it was let go meanwhile
			g.flying--
			g.let()
		}
		return nil, ctx.Err()
	}
	var once sync.Once
	return func(o Outcome, said time.Duration) { once.Do(func() { g.leave(o, said) }) }, nil
}

func (g *Governor) leave(o Outcome, said time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.flying--
	switch o {
	case Answered:
		g.refused = 0
		g.window = min(g.window+1/g.window, float64(g.most))
	case NoRoom:
		now := time.Now()
		if !now.Before(g.until) { // of those that were under way together the first one counts
			g.refused++
			g.window = max(g.window/2, 1)
		}
		pause := min(said, longestSaid)
		if pause <= 0 {
			pause = min(firstPause<<min(g.refused-1, 10), longestPause)
		}
		if until := now.Add(pause); until.After(g.until) {
			g.until = until
		}
	case Lost:
	}
	g.let()
}

// let lets those go that may. mu is held.
func (g *Governor) let() {
	if g.alarm != nil {
		g.alarm.Stop()
		g.alarm = nil
	}
	if len(g.waiting) == 0 {
		return
	}
	if wait := time.Until(g.until); wait > 0 {
		g.alarm = time.AfterFunc(wait, func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.let()
		})
		return
	}
	for len(g.waiting) > 0 && g.flying < max(int(g.window), 1) {
		close(g.waiting[0])
		g.waiting = g.waiting[1:]
		g.flying++
	}
}

// Paused is how long nobody goes from now on; 0 where they do.
func (g *Governor) Paused() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return max(time.Until(g.until), 0)
}
