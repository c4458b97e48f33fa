package record

import (
	"context"
	"errors"
	"fmt"
)

// errNone ends a walk at the stream's start.
var errNone = errors.New("no record")

// findEnd sets the log to its newest whole record.
func (l *Log) findEnd(ctx context.Context) error {
	last, err := l.stream.Last(ctx)
	if err != nil {
		return err
	}
	newest, err := l.back(ctx, last)
	if errors.Is(err, errNone) {
		l.attempt = newest.stale + 1
		return nil
	}
	if err != nil {
		return err
	}
	r, err := decodeTick(newDecoder(), newest.tick, newest.frame)
	if err != nil {
		return err
	}
	if err := l.checkLink(ctx, newest); err != nil {
		return err
	}
	if err := l.checkGenesis(ctx); err != nil {
		return err
	}
	l.tick, l.hash, l.end = newest.tick, newest.frame.hash, r.End
	l.attempt = newest.stale + 1
	return nil
}

// A found record with its place in the stream.
type found struct {
	tick  int
	first uint64 // entry
	frame frame
	stale uint64 // the attempt of chunks after it that are not whole; 0 without any
}

// back finds the newest whole record that ends at an entry or before it.
// Without one the error is errNone, and only stale is set.
func (l *Log) back(ctx context.Context, seq uint64) (found, error) {
	var f found
	for seq > 0 {
		entry, err := l.stream.Get(ctx, seq)
		if err != nil {
			return f, err
		}
		h, _, err := unchunk(entry)
		if err == nil && h.index >= seq {
			err = fmt.Errorf("%w: part %d of tick %d is entry %d", errChunk, h.index, h.tick, seq)
		}
		if err != nil {
			return f, fmt.Errorf("entry %d of the log: %w", seq, err)
		}
		first := seq - h.index
		if !h.last {
			f.stale = max(f.stale, h.attempt)
			seq = first - 1
			continue
		}
		f.tick, f.first = int(h.tick), first
		f.frame, err = l.assemble(ctx, first, seq, entry)
		return f, err
	}
	return f, errNone
}

// assemble puts a record together whose last entry is here.
func (l *Log) assemble(ctx context.Context, first, last uint64, entry []byte) (frame, error) {
	var asm assembler
	for seq := first; seq <= last; seq++ {
		e := entry
		if seq < last {
			var err error
			if e, err = l.stream.Get(ctx, seq); err != nil {
				return frame{}, err
			}
		}
		_, whole, err := asm.add(e)
		if err != nil {
			return frame{}, fmt.Errorf("entry %d of the log: %w", seq, err)
		}
		if whole != nil {
			return unframe(whole)
		}
	}
	return frame{}, fmt.Errorf("entry %d of the log: %w: its record does not end there", last, errChunk)
}

// checkLink checks that a record follows from the one before it.
func (l *Log) checkLink(ctx context.Context, f found) error {
	c := chain{hash: l.genesis, known: true}
	if f.tick > 0 {
		before, err := l.back(ctx, f.first-1)
		if err != nil {
			return err
		}
		if before.tick != f.tick-1 {
			return &BrokenError{before.tick, fmt.Errorf("tick %d follows on it", f.tick)}
		}
		c.hash = before.frame.hash
	}
	if err := c.follow(f.frame); err != nil {
		return &BrokenError{f.tick - 1, err}
	}
	return nil
}

var errFirst = errors.New("read enough")

// checkGenesis checks that tick 0 follows from the genesis.
func (l *Log) checkGenesis(ctx context.Context) error {
	c := chain{hash: l.genesis, known: true}
	if first, err := l.back(ctx, 1); err == nil && first.tick == 0 && c.follow(first.frame) == nil {
		return nil // one look is enough, unless tick 0 is in parts
	}
	err := l.scan(ctx, 0, func(int, uint64, frame) error { return errFirst })
	switch {
	case errors.Is(err, errFirst):
		return nil
	case errors.Is(err, ErrChain):
		return fmt.Errorf("it is the record of another plan, or damaged: %w", err)
	}
	return err
}
