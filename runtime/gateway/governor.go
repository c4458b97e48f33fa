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
	// unsaidLongest is how long a request of which nothing is heard keeps others from
	// going: one that hangs is no sign of how many the upstream bears.
	unsaidLongest = 10 * time.Second
)

// A Governor lets as many requests go to an upstream as it bears: no more than the
// most are under way, and no more than a window of those that the upstream has not
// begun to answer. One for which there was no room stops all of them for as long as
// the upstream says, and halves the window; each that is
// answered widens it, up to the most. (Additive increase, multiplicative decrease: Chiu
// and Jain, Computer Networks and ISDN Systems 17, 1989.) The methods may be called
// concurrently.
type Governor struct {
	most int

	mu      sync.Mutex
	window  float64   // so many may wait for the upstream's word
	flying  int       // under way
	unsaid  int       // of these, those of which nothing is known yet
	until   time.Time // nobody goes before
	refused int       // in a row
	alarm   *time.Timer
	waiting []chan struct{} // who came first is first; closed to let go
}

// A Slot is a request's place among those that are under way. Leave has to be called
// at its end; the others, once, where it is known what the upstream says.
type Slot struct {
	g    *Governor
	seen bool        // the upstream has said something, or had its time to
	gone bool        // the request is over
	late *time.Timer // ends that time
}

// NewGovernor lets most requests be under way at a time.
func NewGovernor(most int) *Governor { return &Governor{most: most, window: float64(most)} }

// Enter waits until a request may go; ctx ends that.
func (g *Governor) Enter(ctx context.Context) (*Slot, error) {
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
			g.unsaid--
			g.let()
		}
		return nil, ctx.Err()
	}
	s := &Slot{g: g}
	s.late = time.AfterFunc(unsaidLongest, func() { s.say(func() {}) })
	return s, nil
}

// say takes the request out of those of which nothing is known yet, the first time.
func (s *Slot) say(what func()) {
	s.g.mu.Lock()
	defer s.g.mu.Unlock()
	if s.seen {
		return
	}
	s.seen = true
	s.late.Stop()
	s.g.unsaid--
	what()
	s.g.let()
}

// Answered says that the upstream had room for the request, whatever it answers.
func (s *Slot) Answered() {
	s.say(func() {
		g := s.g
		g.refused = 0
		g.window = min(g.window+1/g.window, float64(g.most))
	})
}

// Full says that the upstream had no room, and wants to be left alone for some time;
// 0 where it does not say for how long.
func (s *Slot) Full(said time.Duration) {
	s.say(func() {
		g, now := s.g, time.Now()
		if !now.Before(g.until) { // of those that were under way together the first one counts
			g.refused++
			g.window = max(g.window/2, 1)
		}
		pause := min(said, longestSaid)
		if pause <= 0 {
			pause = min(firstPause<<min(max(g.refused-1, 0), 10), longestPause) // 0 where one was answered since
		}
		if until := now.Add(pause); until.After(g.until) {
			g.until = until
		}
	})
}

// Leave says that the request is over.
func (s *Slot) Leave() {
	s.say(func() {})
	s.g.mu.Lock()
	defer s.g.mu.Unlock()
	if !s.gone {
		s.gone = true
		s.g.flying--
		s.g.let()
	}
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
	for len(g.waiting) > 0 && g.flying < g.most && g.unsaid < max(int(g.window), 1) {
		close(g.waiting[0])
		g.waiting = g.waiting[1:]
		g.flying++
		g.unsaid++
	}
}

// Paused is how long nobody goes from now on; 0 where they do.
func (g *Governor) Paused() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return max(time.Until(g.until), 0)
}
