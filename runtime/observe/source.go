package observe

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// A source is what is read of one run, for as long as somebody reads: it holds
// its log open. Its methods may be called concurrently.
type source struct {
	run     string
	started time.Time // another run may have had its name
	plan    *plan.Plan
	log     *record.Log
	live    *Live // nil for a run that nobody plays

	events feed

	readers int // guarded by the table's mutex
	close   func()
}

// sources are those that somebody reads, by run. The zero value is ready.
type sources struct {
	mu   sync.Mutex
	open map[string]*source
	kept []*frames // of runs that were looked at, the newest last
}

// read gives a run's source, until release.
func (s *Store) read(ctx context.Context, run string) (src *source, release func(), err error) {
	if err := s.exists(run); err != nil {
		return nil, nil, err
	}
	live := s.live(run)
	t := &s.sources
	t.mu.Lock()
	defer t.mu.Unlock()
	src = t.open[run]
	if src == nil || src.live != live { // whoever reads a run that is over reads on by itself
		if src, err = s.newSource(ctx, run, live); err != nil {
			return nil, nil, err
		}
		if t.open == nil {
			t.open = map[string]*source{}
		}
		t.open[run] = src
	}
	src.readers++
	return src, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if src.readers--; src.readers > 0 {
			return
		}
		if t.open[run] == src {
			delete(t.open, run)
		}
		src.close()
	}, nil
}

func (s *Store) newSource(ctx context.Context, run string, live *Live) (*source, error) {
	m, err := s.manifests.get(s.Dir(run).Manifest())
	if err != nil {
		return nil, unmade(run, err)
	}
	lg, release, err := s.openLog(ctx, run, m)
	if err != nil {
		return nil, err
	}
	src := &source{run: run, started: m.Started, plan: &m.Plan, log: lg, live: live, close: release}
	src.events = feed{source: src, queue: newQueue()}
	return src, nil
}

// ticks is how many are on record and acknowledged.
func (s *source) ticks() int {
	last, _, _ := s.log.Last()
	if s.live == nil {
		return last + 1
	}
	return max(last+1, s.live.State().Ticks) // a run that goes on has not told of those before
}

// more gives what is closed once there is more than at the time of the call, and
// says whether there will not be any.
func (s *source) more() (more <-chan struct{}, over bool) {
	if s.live == nil {
		return nil, true
	}
	return s.live.More()
}

// errEnough ends a reading that has read what it was to.
var errEnough = errors.New("enough")

// read calls fn with each record from a tick on, up to that many ticks.
func (s *source) read(ctx context.Context, from, ticks int, fn func(r *record.Record, hash [record.HashSize]byte) error) error {
	if from >= ticks {
		return nil
	}
	err := s.log.Read(ctx, from, func(r *record.Record, hash [record.HashSize]byte) error {
		if r.Tick >= ticks { // stored, and not acknowledged yet
			return errEnough
		}
		if err := fn(r, hash); err != nil || r.Tick < ticks-1 {
			return err
		}
		return errEnough
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// dump writes what is on record from a tick on, as JSON lines; next is the tick
// after it.
func (s *source) dump(ctx context.Context, from int, w io.Writer) (next int, ended bool, err error) {
	next = from
	var buf []byte
	err = s.read(ctx, from, s.ticks(), func(r *record.Record, hash [record.HashSize]byte) error {
		buf = record.AppendEvents(buf[:0], r, hash)
		next, ended = r.Tick+1, r.End != record.NotEnded
		_, err := w.Write(buf)
		return err
	})
	return next, ended, err
}

// A queue is of those who wait for more of a source: whoever has the turn reads
// on for all.
type queue struct {
	turn chan struct{}

	mu    sync.Mutex
	grown chan struct{} // closed when there is more, and made anew
}

func newQueue() queue { return queue{turn: make(chan struct{}, 1), grown: make(chan struct{})} }

// await returns once have says so, or the source has no more and will not have;
// or with the error of ctx, or of read, which reads on and says whether there is
// more than before.
func (q *queue) await(ctx context.Context, s *source, have func() bool, read func(ticks int) (bool, error)) error {
	for {
		q.mu.Lock()
		grown := q.grown
		q.mu.Unlock()
		if have() {
			return nil
		}
		select {
		case q.turn <- struct{}{}:
			over, err := q.lead(ctx, s, have, read)
			<-q.turn
			if over || err != nil {
				return err
			}
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// lead has the turn: it reads on, or waits until that can be done.
func (q *queue) lead(ctx context.Context, s *source, have func() bool, read func(ticks int) (bool, error)) (over bool, err error) {
	if have() {
		return false, nil
	}
	more, over := s.more()
	grown, err := read(s.ticks())
	if grown {
		q.mu.Lock()
		close(q.grown)
		q.grown = make(chan struct{})
		q.mu.Unlock()
	}
	if grown || over || err != nil {
		return over && !grown, err
	}
	select {
	case <-more:
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}
