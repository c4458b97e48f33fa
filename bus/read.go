package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Read calls fn with each payload from the number given (0 means 1) to the one
// that is the newest when Read is called, in order. It reads over a connection
// that no append and no other reader uses meanwhile, so that none waits for
// fn. fn owns the payload; an error of fn ends the reading and is returned as
// it is. Entries that were there and are lost are a *DamageError, with those
// before them read.
//
// A log is fetched in batches of direct gets, whose entries come without
// headers: with them the store would write five for each. While fn has one
// batch, the next is under way. To make and remove a consumer takes several
// times as long as this takes for a short log. A consumer gives small entries
// a little slower, and entries of 10 KB up to twice as fast, of which decoding
// a record leaves little.
func (s *Stream) Read(ctx context.Context, from uint64, fn func(seq uint64, payload []byte) error) error {
	from = max(from, 1)
	r, err := s.bus.reader()
	if err != nil {
		return fmt.Errorf("cannot read the log of %s: %w", s.name, err)
	}
	defer func() { s.bus.release(r) }()
	first, last, err := r.begin(ctx, s.name, from)
	if err == nil && first == nil {
		if last, err = s.Last(ctx); err == nil && from <= last { // it came since, or cannot be read
			if first, last, err = r.begin(ctx, s.name, from); err == nil && first == nil {
				err = errNothing
			}
		}
	}
	if err != nil {
		return s.unread(from, err)
	}
	for entries, next := first, from; ; {
		for _, payload := range entries {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("cannot read entry %d of the log of %s: %w", next, s.name, err)
			}
			if err := fn(next, payload); err != nil {
				return err
			}
			next++
		}
		if next > last {
			if next <= s.held {
				return s.unread(next, errLost)
			}
			return nil
		}
		if entries, err = r.more(ctx, s.name, next, last); errors.Is(err, errGap) {
			return s.readSingly(ctx, next, fn)
		}
		if err != nil {
			return s.unread(next, err)
		}
	}
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
	if errors.Is(err, errGap) || errors.Is(err, errNothing) || errors.Is(err, errLost) {
		return fmt.Errorf("cannot read the log of %s: %w", s.name, s.damaged(entry, err))
	}
	return fmt.Errorf("cannot read entry %d of the log of %s: %w", entry, s.name, err)
}

// begin asks for the entry that a reading starts with and, unseen, for the
// batch behind it. It gives the entry, nil where there is none, and the number
// of the newest one.
func (r *reader) begin(ctx context.Context, stream string, from uint64) (first [][]byte, last uint64, err error) {
	// With headers, and so with the number of entries that are still to come.
	if err := r.ask(stream, `{"seq":%d,"batch":1}`, from); err != nil {
		return nil, 0, err
	}
	if err := r.batch(stream, from+1, batchEntries); err != nil {
		return nil, 0, err
	}
	b, err := r.gather(ctx)
	if err != nil {
		return nil, 0, err
	}
	if b.pending == 0 { // and so nothing, or what came since
		_, err = r.gather(ctx)
	}
	if err != nil || len(b.entries) == 0 {
		return nil, 0, err
	}
	if b.first != from {
		return nil, 0, fmt.Errorf("%w: entry %d came in its place", errGap, b.first)
	}
	return b.entries, from + b.pending, nil
}

// more gives the entries from next on that are there, and asks for those
// behind them.
func (r *reader) more(ctx context.Context, stream string, next, last uint64) ([][]byte, error) {
	b, err := r.gather(ctx)
	if err != nil {
		return nil, err
	}
	n := uint64(len(b.entries))
	switch {
	case n == 0:
		return nil, fmt.Errorf("%w: %s", errNothing, strings.ToLower(b.status))
	case b.last != next+n-1:
		return nil, fmt.Errorf("%w: the %d entries from it on end with entry %d", errGap, n, b.last)
	case b.last >= last:
		return b.entries[:last-next+1], nil
	}
	return b.entries, r.batch(stream, b.last+1, min(last-b.last, batchEntries))
}

var (
	errGap     = errors.New("the log has a gap")
	errNothing = errors.New("the store gives nothing")
)
