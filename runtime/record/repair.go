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
// meanwhile. It is the old or the repaired one, whatever happens.
func Repair(ctx context.Context, s truncator, genesis [HashSize]byte) (good, dropped int, err error) {
	l := Create(s, genesis)
	good, keep, err := l.sound(ctx)
	var damage *BrokenError
	switch {
	case err == nil:
		return good, 0, nil
	case !errors.As(err, &damage):
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

// sound reads the log to its end, or to where it is damaged, and gives the last
// tick that is sound with the number of its last entry.
func (l *Log) sound(ctx context.Context) (good int, seq uint64, err error) {
	good = -1
	d := newDecoder()
	err = l.scan(ctx, 0, func(tick int, at uint64, f frame) error {
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
	good, _, scanErr := l.sound(ctx)
	if errors.As(scanErr, &already) {
		return scanErr
	}
	if scanErr != nil {
		return errors.Join(err, scanErr)
	}
	return &BrokenError{good, err}
}
