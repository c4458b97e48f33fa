package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
)

// Read calls fn with each payload from the number given (0 means 1) to the one
// that is the newest when Read is called, in order. It reads over a connection
// that no append and no other reader uses meanwhile, so that none waits for
// fn. fn owns the payload; an error of fn ends the reading and is returned as
// it is. Entries that were there and are lost or damaged are a *DamageError, with
// those before them read.
//
// A log is fetched in batches of direct gets, whose entries come without
// headers: with them the store would write five for each. While fn has one
// batch, the next is under way. To make and remove a consumer takes several
// times as long as this takes for a short log. A consumer gives small entries
// a little slower, and entries of 10 KB up to twice as fast, of which decoding
// a record leaves little.
func (s *Stream) Read(ctx context.Context, from uint64, fn func(seq uint64, payload []byte) error) error {
	r, err := s.bus.reader()
	if err != nil {
		return fmt.Errorf("cannot read the log of %s: %w", s.name, err)
	}
	defer func() { s.bus.release(r) }()
	g := &reading{s: s, r: r, next: max(from, 1)}
	entries, err := g.begin(ctx)
	for {
		if err != nil {
			return s.unread(g.next, err)
		}
		for _, payload := range entries {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("cannot read entry %d of the log of %s: %w", g.next, s.name, err)
			}
			if err := fn(g.next, payload); err != nil {
				return err
			}
			g.next++
		}
		if g.next > g.last {
			break
		}
		if entries, err = g.more(ctx); errors.Is(err, errGap) {
			return s.readSingly(ctx, g.next, fn)
		}
	}
	if g.cut {
		return s.readSalvaged(g.next, fn)
	}
	if g.next <= s.survey.held() {
		return s.unread(g.next, errLost)
	}
	return nil
}

// readSalvaged reads on in a block that does not hold, up to its damage.
func (s *Stream) readSalvaged(next uint64, fn func(seq uint64, payload []byte) error) error {
	var unwilling error
	bad, err := s.survey.salvage(next, func(seq uint64, payload []byte) error {
		unwilling = fn(seq, bytes.Clone(payload))
		return unwilling
	})
	switch {
	case unwilling != nil:
		return unwilling
	case err == nil:
		err = errSpoilt
	}
	return s.unread(bad, err)
}

// readSingly reads on where a batch has a gap, up to the gap: the entries of a
// batch are not numbered.
func (s *Stream) readSingly(ctx context.Context, next uint64, fn func(seq uint64, payload []byte) error) error {
	for ; ; next++ {
		payload, err := s.get(ctx, next)
		if errors.Is(err, errMissing) {
			return s.unread(next, errGap)
		}
		if err != nil {
			return s.unread(next, err)
		}
		if err := fn(next, payload); err != nil {
			return err
		}
	}
}

func (s *Stream) unread(entry uint64, err error) error {
	for _, damage := range []error{errGap, errNothing, errLost, errSpoilt} {
		if errors.Is(err, damage) {
			return fmt.Errorf("cannot read the log of %s: %w", s.name, s.damaged(entry, err))
		}
	}
	return fmt.Errorf("cannot read entry %d of the log of %s: %w", entry, s.name, err)
}

// A reading asks the store for a log's entries, but for those in or behind a
// block that does not hold.
type reading struct {
	s    *Stream
	r    *reader
	next uint64 // entry to be given to whoever reads
	last uint64 // entry to be asked for
	cut  bool   // whether a block that does not hold begins behind it
}

// begin asks for the entry that a reading starts with and, unseen, for the
// batch behind it. It gives the entry, none where the log ends before it, and
// finds the last one.
func (g *reading) begin(ctx context.Context) ([][]byte, error) {
	entries, err := g.first(ctx)
	if err != nil || entries != nil || g.cut {
		return entries, err
	}
	// It came since, or cannot be read.
	if last, err := g.s.Last(ctx); err != nil || last < g.next {
		return nil, err
	}
	if entries, err = g.first(ctx); err == nil && entries == nil && !g.cut {
		err = errNothing
	}
	return entries, err
}

func (g *reading) first(ctx context.Context) ([][]byte, error) {
	g.last = g.next // known to be no less, if there is any
	if err := g.clear(g.next, 1); err != nil || g.cut {
		return nil, err
	}
	// With headers, and so with the number of entries that are still to come.
	if err := g.r.ask(g.s.name, `{"seq":%d,"batch":1}`, g.next); err != nil {
		return nil, err
	}
	g.last = g.next + batchEntries
	if err := g.ask(g.next + 1); err != nil {
		return nil, err
	}
	b, err := g.r.gather(ctx)
	if err != nil {
		return nil, err
	}
	if b.pending == 0 && g.r.open > 0 { // and so nothing, or what came since
		_, err = g.r.gather(ctx)
	}
	if err != nil || len(b.entries) == 0 {
		g.last = 0
		return nil, err
	}
	if b.first != g.next {
		return nil, fmt.Errorf("%w: entry %d came in its place", errGap, b.first)
	}
	if last := g.next + b.pending; !g.cut {
		g.last = last
	} else if g.last > last {
		g.last, g.cut = last, false
	}
	return b.entries, nil
}

// clear sees to it that what is asked for is sound, and shortens the reading
// where it is not.
func (g *reading) clear(from, entries uint64) error {
	safe, err := g.s.survey.through(from, from+entries-1)
	if err == nil && safe < from+entries-1 {
		g.last, g.cut = safe, true
	}
	return err
}

// ask asks for a batch, if the reading does not end before it.
func (g *reading) ask(from uint64) error {
	if from > g.last {
		return nil
	}
	if err := g.clear(from, min(g.last-from+1, batchEntries)); err != nil || from > g.last {
		return err
	}
	return g.r.batch(g.s.name, from, min(g.last-from+1, batchEntries))
}

// more gives the entries from the next on that are there, and asks for those
// behind them.
func (g *reading) more(ctx context.Context) ([][]byte, error) {
	b, err := g.r.gather(ctx)
	if err != nil {
		return nil, err
	}
	n := uint64(len(b.entries))
	switch {
	case n == 0:
		return nil, fmt.Errorf("%w: %s", errNothing, strings.ToLower(b.status))
	case b.last != g.next+n-1:
		return nil, fmt.Errorf("%w: the %d entries from it on end with entry %d", errGap, n, b.last)
	case b.last >= g.last:
		return b.entries[:g.last-g.next+1], nil
	}
	return b.entries, g.ask(b.last + 1)
}

var (
	errGap     = errors.New("the log has a gap")
	errNothing = errors.New("the store gives nothing")
)
