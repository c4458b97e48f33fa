package supervisor

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// follow is what is to be done about a process that was asked.
type follow uint8

const (
	followCapture follow = 1 << iota // its files are kept with the tick
	followTell                       // its agents tell their states at the next checkpoint
	followPark                       // it is parked once the tick is committed
)

func (s *Spec) follow() (f follow) {
	switch {
	case s.Kind.Bodiless():
		return 0
	case s.Snapshot:
		f = followTell
	case !s.Reobserve:
		f = followCapture
	}
	if s.Ephemeral && !s.Kind.PerTurn {
		f |= followPark
	}
	return f
}

// note remembers what is to be done about a process.
func (f *Fleet) note(to *post) {
	for _, l := range [...]struct {
		what follow
		list *[]*post
	}{{followCapture, &f.capture}, {followTell, &f.tell}, {followPark, &f.park}} {
		if to.follow&l.what != 0 && to.noted&l.what == 0 {
			*l.list = append(*l.list, to)
		}
	}
	to.noted = to.follow
}

// errBusy says that something of a process cannot be kept while it still works
// on what it was asked.
var errBusy = errors.New("the process is busy")

// Capture keeps the files of all processes that come back by them and were
// asked since the last call, as those of a tick that is about to be committed.
// A process that still owes an answer is left for the next call. It returns
// once all are kept, and fails where one cannot be.
func (f *Fleet) Capture(ctx context.Context, tick int) error {
	if len(f.capture) == 0 {
		return nil
	}
	return f.captureSome(ctx, tick, f.capture, nil)
}

// CaptureOf is Capture in realtime, where the tick is a turn of one agent: the
// processes of others are left.
func (f *Fleet) CaptureOf(ctx context.Context, tick int, agent string) error {
	f.turn = agent
	i := slices.Index(f.capture, f.byAgent[agent])
	if i < 0 {
		return nil
	}
	return f.captureSome(ctx, tick, []*post{f.capture[i]}, slices.Delete(slices.Clone(f.capture), i, i+1))
}

func (f *Fleet) captureSome(ctx context.Context, tick int, asked, rest []*post) error {
	busy, err := each(asked, func(to *post) error {
		return to.capture(tick)
	})
	for _, to := range asked {
		to.noted &^= followCapture
	}
	f.capture = append(f.capture[:0], rest...)
	for _, to := range busy {
		f.capture = append(f.capture, to)
		to.noted |= followCapture
	}
	if err == nil {
		err = ctx.Err()
	}
	return err
}

// each calls do for a few at a time, and gives those that were busy.
func each(list []*post, do func(*post) error) (busy []*post, err error) {
	if len(list) == 1 { // as in most ticks of a realtime run
		if err := do(list[0]); !errors.Is(err, errBusy) {
			return nil, err
		}
		return []*post{list[0]}, nil
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	var next atomic.Int64
	for range min(starters, len(list)) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(list) {
					return
				}
				e := do(list[i])
				mu.Lock()
				if errors.Is(e, errBusy) {
					busy = append(busy, list[i])
				} else {
					err = errors.Join(err, e)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return busy, err
}

// Snapshot asks the agents that come back by their state, and were asked since
// it was last told, for it; tick is the last committed one. It returns once all
// have told it and it is kept with their files. An agent that is busy, or fails
// to tell, comes back by an older one. What was kept at older checkpoints than
// the newest few is dropped.
func (f *Fleet) Snapshot(ctx context.Context, tick int) error {
	f.checkpointed(tick)
	if len(f.tell) == 0 {
		return ctx.Err()
	}
	asked := slices.Clone(f.tell)
	for _, to := range asked {
		to.noted &^= followTell
	}
	f.tell = f.tell[:0]
	results := make([]error, len(asked))
	for i, to := range asked {
		f.wg.Go(func() {
			results[i] = to.driver.(*resident).snapshot(tick)
			f.deliver([]agent.Answer{{}}) // wakes who serves a watcher meanwhile
		})
	}
	var held []agent.Answer
	for left := len(asked); left > 0 && ctx.Err() == nil; {
		for _, a := range f.Await(ctx) {
			if a.Agent == "" {
				left--
			} else {
				held = append(held, a)
			}
		}
	}
	f.held = held
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var failed []error
	for i, err := range results {
		switch {
		case errors.Is(err, errBusy):
			f.note(asked[i])
		case err != nil:
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// checkpointed notes another checkpoint; what was kept at an old one may go.
func (f *Fleet) checkpointed(tick int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kept = append(f.kept, tick)
	f.kept = f.kept[max(len(f.kept)-max(f.opts.Keep, 1), 0):]
}

// Oldest is a tick at or before which a checkpoint must stay: some process is
// told its past again from there on. It is next, the tick after the last committed
// one, where none is.
func (f *Fleet) Oldest(next int) int {
	for _, d := range f.all() {
		if p, ok := d.(*resident); ok && p.spec.Snapshot {
			if from, needed := p.from(); needed {
				next = min(next, from)
			}
		}
	}
	return next
}
