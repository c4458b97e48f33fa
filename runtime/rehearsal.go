package runtime

import (
	"context"
	"errors"
	"sync"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// hearingRoom is how many observes wait for a process that is told its past
// before the reading of the log waits for it.
const hearingRoom = 16

// A history reads a log from a tick on, or from before it, and yields what the
// named agents' processes answered, both arguments to keep.
type history func(ctx context.Context, agents []string, from int, yield func(*agent.Observe, *agent.Act) error) error

// A rehearsal tells processes their past. One reading of the log serves all
// who have asked when it begins: a thousand that come back together would
// else read it a thousand times.
type rehearsal struct {
	history history

	mu      sync.Mutex
	waiting []*hearing
	reading bool
	readers sync.WaitGroup
}

// A hearing is one process that is told its past.
type hearing struct {
	agents []string
	from   int           // a tick: what came before need not be told
	told   chan past     // closed at the end
	err    error         // of the reading; valid once told is closed
	gone   chan struct{} // closed when nobody listens any more
}

type past struct {
	o    *agent.Observe
	want *agent.Act
}

// errAlone ends a reading that nobody listens to any more.
var errAlone = errors.New("nobody listens")

// tell implements supervisor.Replay. It returns when all is told, when yield
// fails, or when ctx ends; a reading that it leaves ends by itself.
func (r *rehearsal) tell(ctx context.Context, agents []string, from int, yield func(*agent.Observe, *agent.Act) error) error {
	h := &hearing{agents: agents, from: from, told: make(chan past, hearingRoom), gone: make(chan struct{})}
	defer close(h.gone)
	r.mu.Lock()
	r.waiting = append(r.waiting, h)
	if !r.reading {
		r.reading = true
		r.readers.Go(func() { r.read(ctx) })
	}
	r.mu.Unlock()
	for p := range h.told {
		if err := yield(p.o, p.want); err != nil {
			return err
		}
	}
	return h.err
}

// read reads the log for who waits, again and again until nobody does. ctx is
// the fleet's, alike for all.
func (r *rehearsal) read(ctx context.Context) {
	for {
		r.mu.Lock()
		all := r.waiting
		r.waiting = nil
		r.reading = len(all) > 0
		r.mu.Unlock()
		if len(all) == 0 {
			return
		}
		err := r.serve(ctx, all)
		for _, h := range all {
			h.err = err
			close(h.told)
		}
	}
}

// serve is one reading.
func (r *rehearsal) serve(ctx context.Context, all []*hearing) error {
	hears := map[string]*hearing{}
	var agents []string
	from := all[0].from
	for _, h := range all {
		from = min(from, h.from)
		for _, id := range h.agents {
			hears[id] = h
			agents = append(agents, id)
		}
	}
	left := len(all)
	return r.history(ctx, agents, from, func(o *agent.Observe, want *agent.Act) error {
		h := hears[o.Agent]
		if h == nil || o.Tick < h.from {
			return nil
		}
		select {
		case h.told <- past{o, want}:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-h.gone:
		}
		for _, id := range h.agents {
			delete(hears, id)
		}
		if left--; left == 0 {
			return errAlone
		}
		return nil
	})
}
