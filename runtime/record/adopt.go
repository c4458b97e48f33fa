package record

import (
	"context"
	"errors"
	"fmt"
)

// Adopt takes over the ticks before one from another log of the same beginning,
// which has them: they are the same here, to the hash. The log must be new.
func (l *Log) Adopt(ctx context.Context, from *Log, before int) error {
	if from.genesis != l.genesis && before > 0 {
		return errors.New("cannot take over the ticks of another log: it begins otherwise")
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.tick >= 0 || before == 0 {
		return nil
	}
	if err := l.empty(ctx); err != nil {
		return fmt.Errorf("cannot take over the ticks of another log: %w", err)
	}
	err := from.scan(ctx, 0, func(tick int, _ uint64, f frame) error {
		if tick >= before {
			return errFirst
		}
		l.out = append(append(l.out[:0], make([]byte, maxChunkHead)...), f.packed...)
		if err := l.store(ctx, tick); err != nil {
			return err
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.tick, l.hash = tick, f.hash
		return nil
	})
	if err == nil && l.tick < before-1 {
		err = fmt.Errorf("it has %d", l.tick+1)
	}
	if err != nil && !errors.Is(err, errFirst) {
		l.broken = err
		return fmt.Errorf("cannot take over the ticks of another log: %w", err)
	}
	l.fresh = false
	return nil
}
