package record

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"sort"

	"github.com/troupe-dev/troupe/bus"
)

// A BrokenError says that a log is damaged, and where.
type BrokenError struct {
	Good int // the last tick that is sound; -1 for none
	Err  error
}

func (e *BrokenError) Error() string {
	if e.Good < 0 {
		return fmt.Sprintf("the log is broken from its start: %v", e.Err)
	}
	return fmt.Sprintf("the log is broken after tick %d: %v", e.Good, e.Err)
}

func (e *BrokenError) Unwrap() error { return e.Err }

// ErrChain says that a record is whole and not the one that was hashed, or not
// in its place.
var ErrChain = errors.New("its hash does not follow from the one before")

// Read calls fn with each record from a tick on to the newest, and the hash
// that the chain has after it. Each hash is checked against the record and the
// one before (from tick 0: against the genesis); damage is a *BrokenError. The
// records are fn's to keep: their slices share memory with nothing else, so
// keeping one slice keeps all of its tick. An error of fn ends the reading and
// is returned as it is.
func (l *Log) Read(ctx context.Context, from int, fn func(r *Record, hash [HashSize]byte) error) error {
	d := newDecoder()
	return l.scan(ctx, from, func(tick int, _ uint64, f frame) error {
		r, err := decodeTick(d, tick, f)
		if err != nil {
			return err
		}
		return fn(r, f.hash)
	})
}

// decodeTick decodes the record of a tick; the error is a *BrokenError.
func decodeTick(d *decoder, tick int, f frame) (*Record, error) {
	r, err := d.record(f.hashed, f.annex)
	if err == nil && r.Tick != tick {
		err = fmt.Errorf("%w: its tick is %d, its chunks say %d", errMalformed, r.Tick, tick)
	}
	if err != nil {
		return nil, &BrokenError{tick - 1, err}
	}
	return r, nil
}

// Verify checks the whole chain of hashes and gives the number of ticks and
// the last hash. Damage is a *BrokenError.
func (l *Log) Verify(ctx context.Context) (ticks int, hash [HashSize]byte, err error) {
	hash = l.genesis
	err = l.Read(ctx, 0, func(r *Record, h [HashSize]byte) error {
		ticks, hash = r.Tick+1, h
		return nil
	})
	return ticks, hash, err
}

// scan gives each frame from a tick on, with the number of its last entry, its
// place in the chain checked.
func (l *Log) scan(ctx context.Context, from int, fn func(tick int, seq uint64, f frame) error) error {
	if from < 0 {
		return fmt.Errorf("cannot read from tick %d: they count from 0", from)
	}
	// The record before the first is read too, for its hash.
	next, seq := max(from-1, 0), uint64(1)
	if next > 0 {
		var err error
		if seq, err = l.find(ctx, next); err != nil || seq == 0 {
			return err
		}
	}
	var asm assembler
	c := chain{hash: l.genesis, known: next == 0}
	err := l.stream.Read(ctx, seq, func(seq uint64, entry []byte) error {
		tick, whole, err := asm.add(entry)
		if err != nil {
			return &BrokenError{next - 1, err}
		}
		if whole == nil {
			return nil
		}
		if tick != next {
			return &BrokenError{next - 1, fmt.Errorf("tick %d stands where %d should", tick, next)}
		}
		f, err := unframe(whole)
		if err == nil {
			err = c.follow(f)
		}
		if err != nil {
			return &BrokenError{next - 1, err}
		}
		next++
		if tick < from {
			return nil
		}
		return fn(tick, seq, f)
	})
	return broken(next-1, err)
}

// broken makes a *BrokenError of the store's word that it has lost something.
func broken(good int, err error) error {
	var already *BrokenError
	var lost *bus.DamageError
	if errors.As(err, &lost) && !errors.As(err, &already) {
		return &BrokenError{good, err}
	}
	return err
}

// A chain is the hash so far.
type chain struct {
	hash  [HashSize]byte
	known bool // false before the first record of a reading that begins midway

	sha hash.Hash // nil before the first use, as sum is; both are used again
	sum []byte
}

func (c *chain) follow(f frame) error {
	if c.known {
		if c.sha == nil {
			c.sha = sha256.New()
		}
		c.sha.Reset()
		c.sha.Write(c.hash[:]) // never fails
		c.sha.Write(f.hashed)
		if c.sum = c.sha.Sum(c.sum[:0]); !bytes.Equal(c.sum, f.hash[:]) {
			return ErrChain
		}
	}
	c.hash, c.known = f.hash, true
	return nil
}

// find is the number of the first entry of a tick, 0 where there is none. As
// long as every tick has been one entry, the first look finds it.
func (l *Log) find(ctx context.Context, tick int) (uint64, error) {
	head := func(seq uint64) (chunkHead, error) {
		entry, err := l.stream.Get(ctx, seq)
		if err != nil {
			return chunkHead{}, err
		}
		h, _, err := unchunk(entry)
		return h, err
	}
	guess := uint64(tick) + 1
	if h, err := head(guess); err == nil && h.tick == uint64(tick) && h.index == 0 && h.attempt == 1 {
		return guess, nil
	}
	last, err := l.stream.Last(ctx)
	if err != nil {
		return 0, err
	}
	n := sort.Search(int(last), func(i int) bool {
		if err != nil {
			return true
		}
		h, headErr := head(uint64(i) + 1)
		err = headErr
		return h.tick >= uint64(tick)
	})
	if err != nil {
		return 0, fmt.Errorf("cannot find tick %d in the log: %w", tick, err)
	}
	if n == int(last) {
		return 0, nil
	}
	return uint64(n) + 1, nil
}
