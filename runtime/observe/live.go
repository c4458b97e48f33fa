package observe

import (
	"context"
	"sync"

	"github.com/troupe-dev/troupe/runtime/record"
)

// A Live is a run that this process works on. Its methods may be called
// concurrently.
type Live struct {
	// Outside takes in what comes from outside; set before others know the Live.
	Outside Outside
	// Pacer holds the run up; set before others know the Live.
	Pacer Pacer
	// Humans are the people who play agents; set before others know the Live.
	Humans Humans
	// Observer gives what NATS clients follow the run with, the same ones each time;
	// set before others know the Live.
	Observer func() (Observer, error)
	// Served are the ports that agents serve; set before others know the Live.
	Served Served

	// Stopping is called when somebody has it stopped, before it is; nil for nobody. Set
	// before others know the Live.
	Stopping func()

	// Waits says that it is only being made, to be played later; set before others know
	// the Live.
	Waits bool

	inside interior // what its agents do

	mu     sync.Mutex
	walls  string            // those that stand; empty until they do
	absent map[string]string // why others do not, by tier
	uses   func() []Use
	state  State
	over   bool
	ending bool          // somebody has it stopped
	more   chan struct{} // closed when there is more, and made anew
	done   chan struct{} // closed when the run is over
	cancel func()
}

// A State is where a live run stands.
type State struct {
	Ticks int
	Hash  [record.HashSize]byte
	End   record.End
}

// NewLive makes the view of a run that cancel stops resumably.
func NewLive(cancel func()) *Live {
	return &Live{more: make(chan struct{}), done: make(chan struct{}), cancel: cancel}
}

// Walled says which walls stand around the run's processes, and why others do not, by
// tier: a run that goes on may have other ones than its manifest tells of.
func (l *Live) Walled(stand string, missing map[string]string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.walls, l.absent = stand, missing
}

// walled is what Walled has said; empty before.
func (l *Live) walled() (stand string, missing map[string]string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.walls, l.absent
}

// Limited has a function say what the run's processes take of what they may.
func (l *Live) Limited(uses func() []Use) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.uses = uses
}

// limits are what the run's processes take of what they may now.
func (l *Live) limits() []Use {
	l.mu.Lock()
	uses := l.uses
	l.mu.Unlock()
	if uses == nil {
		return nil
	}
	return uses()
}

// Committed tells who follows of a tick.
func (l *Live) Committed(s State) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = s
	close(l.more)
	l.more = make(chan struct{})
}

// Over tells that the run has stopped, whatever the reason.
func (l *Live) Over() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over {
		l.over = true
		close(l.more)
		close(l.done)
	}
}

// status is how a run stands that is not over.
func (l *Live) status() Status {
	if l.Waits {
		return Queued
	}
	return Running
}

// State is the newest state.
func (l *Live) State() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

// More gives what is closed once there is more than at the time of the call,
// and says whether the run is over already.
func (l *Live) More() (more <-chan struct{}, over bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.more, l.over
}

// stop has the run stopped and waits for that.
func (l *Live) stop(ctx context.Context) error {
	l.mu.Lock()
	l.ending = true
	l.mu.Unlock()
	if l.Stopping != nil {
		l.Stopping()
	}
	l.cancel()
	return l.wait(ctx)
}

// stops says whether somebody has the run stopped.
func (l *Live) stops() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ending
}

// wait returns once the run is over.
func (l *Live) wait(ctx context.Context) error {
	select {
	case <-l.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
