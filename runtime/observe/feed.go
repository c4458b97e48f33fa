package observe

import (
	"context"
	"slices"
	"sync"

	"github.com/troupe-dev/troupe/runtime/record"
)

// A chunk is one tick of a run as it is sent to those who follow it. Nothing
// changes it: all of them send the same bytes.
type chunk struct {
	tick int
	text []byte
	end  record.End
}

const (
	// windowBytes is how much of a run's newest ticks is kept for its readers; the
	// newest tick is, however long.
	windowBytes = 8 << 20
	// fillBytes is how much is read at most before those who wait are told.
	fillBytes = windowBytes / 4
	// behindBytes is how much a reader takes at a time that is behind the window,
	// or a tick: it shares this with nobody.
	behindBytes = 256 << 10
	// mostChunks is how many ticks a reader is given at a time.
	mostChunks = 64
)

// A feed gives a run's ticks to all who read them, each encoded once. It has no
// goroutine: of those who wait for more, one waits for the run and reads on for
// all. So a run without readers pays nothing for it, and a reader that is slow
// holds up nobody: what has left the window it reads from the log by itself.
type feed struct {
	*source
	queue

	mu     sync.Mutex
	first  int // of the window's ticks, where there is any
	window []chunk
	bytes  int
}

// next waits for ticks from one on and gives some of them. None at all means that
// the run is over, or nobody plays it, and there are no more. The reading itself
// goes by ctx, the waiting by idle, which ends no later.
func (f *feed) next(ctx, idle context.Context, tick int) ([]chunk, error) {
	var found []chunk
	behind := false
	err := f.await(idle, f.source, func() bool {
		found, behind = f.look(tick)
		return behind || len(found) > 0
	}, func(ticks int) (bool, error) { return f.fill(ctx, tick, ticks) })
	if err != nil || !behind {
		return found, err
	}
	return f.private(ctx, tick)
}

// look gives what the window has from a tick on, and says whether that tick has
// left it already.
func (f *feed) look(tick int) (found []chunk, behind bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := tick - f.first
	switch {
	case len(f.window) == 0 || i >= len(f.window):
		return nil, false
	case i < 0:
		return nil, true
	}
	return slices.Clone(f.window[i:min(i+mostChunks, len(f.window))]), false
}

// fill reads on behind the window, or from a tick on that is far ahead of it,
// up to that many ticks.
func (f *feed) fill(ctx context.Context, tick, ticks int) (more bool, err error) {
	f.mu.Lock()
	next := f.first + len(f.window)
	if len(f.window) == 0 || tick > next && tick < ticks {
		next = min(tick, ticks)
		f.first, f.window, f.bytes = next, nil, 0
	}
	f.mu.Unlock()
	read := 0
	err = f.read(ctx, next, ticks, func(r *record.Record, hash [record.HashSize]byte) error {
		c := chunk{r.Tick, sseOf(r, hash), r.End}
		f.push(c)
		if read += cap(c.text); read >= fillBytes {
			return errEnough
		}
		return nil
	})
	return read > 0, err
}

func (f *feed) push(c chunk) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.window = append(f.window, c)
	f.bytes += cap(c.text)
	for f.bytes > windowBytes && len(f.window) > 1 {
		f.bytes -= cap(f.window[0].text)
		f.window[0] = chunk{} // so that the array does not hold its bytes
		f.window = f.window[1:]
		f.first++
	}
}

// private reads a few ticks for one reader.
func (f *feed) private(ctx context.Context, tick int) (found []chunk, err error) {
	read := 0
	err = f.read(ctx, tick, f.ticks(), func(r *record.Record, hash [record.HashSize]byte) error {
		c := chunk{r.Tick, sseOf(r, hash), r.End}
		found = append(found, c)
		if read += len(c.text); read >= behindBytes {
			return errEnough
		}
		return nil
	})
	return found, err
}
