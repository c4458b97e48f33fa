package supervisor

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// An inbox is where a fleet's answers wait for the one who takes them. Putting
// never blocks.
type inbox struct {
	some   atomic.Bool // there are answers
	asleep atomic.Bool // who takes them is to be woken
	wake   func()      // set before the first put; may be called too often

	mu          sync.Mutex
	list, spare []agent.Answer
}

// put adds answers; they are copied.
func (in *inbox) put(answers []agent.Answer) {
	if len(answers) == 0 {
		return
	}
	in.mu.Lock()
	in.list = append(in.list, answers...)
	in.some.Store(true)
	in.mu.Unlock()
	if in.asleep.Load() {
		in.wake()
	}
}

// nudge makes the taker return, though there be nothing to take.
func (in *inbox) nudge() {
	in.mu.Lock()
	in.some.Store(true)
	in.mu.Unlock()
	if in.asleep.Load() {
		in.wake()
	}
}

// take gives all answers that are there, valid until the next take, and says
// whether the taker is done: there were some, or it was nudged.
func (in *inbox) take() (answers []agent.Answer, taken bool) {
	if !in.some.Load() {
		return nil, false
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	list := in.list
	clear(in.spare)
	in.list, in.spare = in.spare[:0], list
	in.some.Store(false)
	return list, true
}

// sleep says that the taker is about to wait for wake. It returns false if
// there is something to take already.
func (in *inbox) sleep() bool {
	in.asleep.Store(true)
	if !in.some.Load() {
		return true
	}
	in.asleep.Store(false)
	return false
}

// wait is take that waits on a bell, until there is something, somebody nudges
// or ctx ends.
func (in *inbox) wait(ctx context.Context, bell <-chan struct{}) []agent.Answer {
	for {
		if list, taken := in.take(); taken {
			return list
		}
		if in.sleep() {
			select {
			case <-bell:
			case <-ctx.Done():
				in.asleep.Store(false)
				return nil
			}
			in.asleep.Store(false)
		}
	}
}

// AskedAt is when a process was last put what its agents were asked, or the bus was
// given it. Any goroutine may call it.
func (f *Fleet) AskedAt() time.Time { return f.began.Add(time.Duration(f.written.Load())) }

// put notes that a process has just been asked.
func (f *Fleet) put() { f.written.Store(int64(time.Since(f.began))) }
