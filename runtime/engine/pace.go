package engine

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrGoing says that a run is not paused: there is no step to take.
var ErrGoing = errors.New("the run is not paused")

// ErrCut says that a run was stopped before all ticks of a step were on record.
var ErrCut = errors.New("the run was stopped before it had played these ticks")

// A Pace is how a run is held, let go on tick by tick, or slowed, while it
// goes. It takes effect between ticks: no agent has an observation then, so
// that no deadline passes. Under the realtime clock it holds turns that would
// begin; those that have begun go on, and what comes from outside is taken in.
// Nothing of it is hashed. The zero value holds nobody up; any number of
// goroutines may call.
type Pace struct {
	mu      sync.Mutex
	paused  bool
	steps   int           // that may still begin while paused
	begun   int           // ticks, or turns
	ended   int           // of those: ticks on record, turns on record or given up
	every   time.Duration // from one's begin to the next one's, at least
	next    time.Time     // when the next may begin by that
	over    bool          // the loop has ended
	cut     bool          // before the run had
	since   time.Time     // when it was paused
	held    time.Duration // how long it was, before that
	changed chan struct{} // closed at the next change
	wake    func()        // of a loop that does not wait here
}

// Pause holds the run before its next tick; it is no error that it is paused.
func (p *Pace) Pause() {
	p.change(func() {
		if !p.paused {
			p.paused, p.steps, p.since = true, 0, time.Now()
		}
	})
}

// Resume lets the run go on.
func (p *Pace) Resume() {
	p.change(func() {
		if p.paused {
			p.held += time.Since(p.since)
			p.paused, p.steps = false, 0
		}
	})
}

// Slow has ticks begin no sooner than every so often; 0 is as fast as it goes.
func (p *Pace) Slow(every time.Duration) {
	p.change(func() { p.every, p.next = max(every, 0), time.Time{} })
}

// Step lets a paused run play so many more ticks and returns once they are on
// record, or the run has come to its end. ErrGoing if it is not paused, ErrCut where
// it is stopped first. Where it is resumed meanwhile, Step waits for those ticks all
// the same.
func (p *Pace) Step(ctx context.Context, ticks int) error {
	var err error
	target := 0
	p.change(func() {
		switch {
		case p.over:
			err = ErrShut
		case !p.paused:
			err = ErrGoing
		default:
			p.steps += ticks
			target = p.begun + p.steps
		}
	})
	if err != nil {
		return err
	}
	for {
		p.mu.Lock()
		reached, over, cut, changed := p.ended >= target, p.over, p.cut, p.watch()
		p.mu.Unlock()
		switch {
		case reached, over && !cut:
			return nil
		case over:
			return ErrCut
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// State says whether the run is paused, and how often a tick may begin at most.
func (p *Pace) State() (paused bool, every time.Duration) { return p.state() }

func (p *Pace) state() (paused bool, every time.Duration) {
	if p == nil {
		return false, 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.paused, p.every
}

// change does something and tells all who wait.
func (p *Pace) change(do func()) {
	p.mu.Lock()
	do()
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
	wake := p.wake
	p.mu.Unlock()
	if wake != nil {
		wake()
	}
}

// watch is what the next change closes. The caller holds the lock.
func (p *Pace) watch() <-chan struct{} {
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	return p.changed
}

// open has wake called at each change from now on.
func (p *Pace) open(wake func()) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wake = wake
}

// Close lets those go who wait for steps: nothing is played any more, and it is cut
// where the run has not come to its end. The first call counts.
func (p *Pace) Close(cut bool) {
	if p == nil {
		return
	}
	p.change(func() {
		if !p.over {
			p.over, p.cut, p.wake = true, cut, nil
		}
	})
}

// begin says whether another tick may begin now. If not, it is asked again at
// the next change or, where that is above 0, after a time.
func (p *Pace) begin() (ok bool, after time.Duration, changed <-chan struct{}) {
	if p == nil {
		return true, 0, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paused {
		if p.steps == 0 {
			return false, 0, p.watch()
		}
		p.steps--
	} else if p.every > 0 {
		now := time.Now()
		if wait := p.next.Sub(now); wait > 0 {
			return false, wait, p.watch()
		}
		// From when it was due, so that a tick that comes late costs no other;
		// but what was missed for longer than a tick is not made up for.
		if now.Sub(p.next) > p.every {
			p.next = now
		}
		p.next = p.next.Add(p.every)
	}
	p.begun++
	return true, 0, nil
}

// end says that a tick that was begun is on record, or a turn was given up.
func (p *Pace) end() {
	if p == nil {
		return
	}
	p.mu.Lock()
	p.ended++
	watched := p.changed != nil
	p.mu.Unlock()
	if watched {
		p.change(func() {})
	}
}

// await returns once another tick may begin, or ctx has ended.
func (p *Pace) await(ctx context.Context) {
	for {
		ok, after, changed := p.begin()
		if ok {
			return
		}
		var due <-chan time.Time
		if after > 0 {
			due = time.After(after)
		}
		select {
		case <-changed:
		case <-due:
		case <-ctx.Done():
			return
		}
	}
}

// pausedFor is how long the run was paused in all.
func (p *Pace) pausedFor() time.Duration {
	if p == nil {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paused {
		return p.held + time.Since(p.since)
	}
	return p.held
}
