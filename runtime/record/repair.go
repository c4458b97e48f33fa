package record

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupe-dev/troupe/bus"
)

// A truncator is a stream whose end can be dropped: all entries behind one, at
// once or not at all.
type truncator interface {
	stream
	Truncate(ctx context.Context, keep uint64) error
}

// Repair drops whatever lies behind the last sound tick of a damaged log, which
// then ends with that tick (-1: with none) and can be opened and appended to.
// Dropped is how many entries that were, lost ones included; 0 says that the
// log was sound and nothing was changed. A log that does not begin with this
// genesis is another run's, and is not touched. Nobody may use the log
// meanwhile. It is the old or the repaired one, whatever happens. From is a tick
// that the log Holds: what comes before it is not looked at. 0 is the start.
func Repair(ctx context.Context, s truncator, genesis [HashSize]byte, from int) (good, dropped int, err error) {
	l := Create(s, genesis)
	good, keep, err := l.sound(ctx, from)
	var damage *BrokenError
	switch {
	case err == nil:
		return good, 0, nil
	case !errors.As(err, &damage), from > 0 && good < from:
		return good, 0, fmt.Errorf("cannot repair the log: %w", err)
	case good < 0 && errors.Is(err, ErrChain):
		return good, 0, fmt.Errorf("cannot repair the log: it is the record of another plan: %w", err)
	}
	last, err := s.Last(ctx)
	if err == nil {
		err = s.Truncate(ctx, keep)
	}
	if err != nil {
		return good, 0, fmt.Errorf("cannot repair the log: %w", err)
	}
	return good, int(last - keep), nil
}

// Holds says whether the log has a sound record of a tick after which the chain
// has that hash. What else there is is not looked at.
func Holds(ctx context.Context, s stream, genesis [HashSize]byte, tick int, hash [HashSize]byte) bool {
	l := Create(s, genesis)
	d := newDecoder()
	holds := false
	err := l.scan(ctx, tick, func(at int, _ uint64, f frame) error {
		_, err := decodeTick(d, at, f)
		holds = err == nil && at == tick && f.hash == hash
		return errFirst
	})
	return holds && errors.Is(err, errFirst)
}

// sound reads the log from a tick on to its end, or to where it is damaged, and
// gives the last tick that is sound with the number of its last entry.
func (l *Log) sound(ctx context.Context, from int) (good int, seq uint64, err error) {
	good = -1
	d := newDecoder()
	err = l.scan(ctx, from, func(tick int, at uint64, f frame) error {
		if _, err := decodeTick(d, tick, f); err != nil {
			return err
		}
		good, seq = tick, at
		return nil
	})
	return good, seq, err
}

// diagnose finds where a log that cannot be opened is damaged first, if it is.
func (l *Log) diagnose(ctx context.Context, err error) error {
	var already *BrokenError
	var lost *bus.DamageError
	if !errors.As(err, &already) && !errors.As(err, &lost) && !errors.Is(err, errChunk) && !errors.Is(err, errFrame) {
		return err
	}
	if errors.As(err, &already) && already.Good < 0 {
		return err
	}
	good, _, scanErr := l.sound(ctx, 0)
	if errors.As(scanErr, &already) {
		return scanErr
	}
	if scanErr != nil {
		return errors.Join(err, scanErr)
	}
	return &BrokenError{good, err}
}
