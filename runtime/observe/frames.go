package observe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

const (
	// frameGap is how long there is between two frames of one reader at least, so
	// that nobody is sent more than can be seen.
	frameGap = 33 * time.Millisecond
	// catchUp is how long a reader waits for a picture of now, where that has to be
	// made from the record first; then it sees the record go by.
	catchUp = 500 * time.Millisecond
	// firstKeys is how many ticks there are between the first pictures that are kept.
	firstKeys = 16
	// mostKeys and keyBytes bound what is kept of one run.
	mostKeys = 256
	keyBytes = 32 << 20
	// mostKept is how many runs pictures are kept of.
	mostKept = 4
	// mostSent is how many frames of the newest tick are kept, for readers who know
	// the run after different ones.
	mostSent = 64
)

// frames are the pictures of one run: that of the newest tick that was read, and
// some of earlier ones, so that any tick's can be made without reading all before
// it. They are kept when nobody looks any more. Readers share what they are sent.
type frames struct {
	run     string
	started time.Time // of the run: another one may have had its name
	queue

	mu    sync.Mutex
	now   *picture
	keys  []*picture // nothing changes them; by tick
	every int        // ticks between them
	bytes int        // of keys

	sent map[int][]byte // frames of the newest tick, by the tick that is known

	seeking chan struct{} // held by whoever makes an earlier picture
	sought  *picture      // the newest of those
}

// frames gives those of a source.
func (t *sources) frames(ctx context.Context, s *source) (*frames, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.IndexFunc(t.kept, func(f *frames) bool { return f.run == s.run && f.started.Equal(s.started) })
	if i >= 0 {
		f := t.kept[i]
		same, err := f.of(ctx, s.log)
		if err != nil {
			return nil, err
		}
		t.kept = slices.Delete(t.kept, i, i+1)
		if same {
			t.kept = append(t.kept, f)
			return f, nil
		}
	}
	f := &frames{
		run: s.run, started: s.started, queue: newQueue(), now: newPicture(s.plan), every: firstKeys, seeking: make(chan struct{}, 1),
	}
	if t.kept = append(t.kept, f); len(t.kept) > mostKept {
		t.kept = slices.Delete(t.kept, 0, 1)
	}
	return f, nil
}

// of says whether the pictures are of this log, and not of one that was damaged
// since and mended.
func (f *frames) of(ctx context.Context, lg *record.Log) (same bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now.tick < 0 {
		return true, nil
	}
	err = lg.Read(ctx, f.now.tick, func(_ *record.Record, hash [record.HashSize]byte) error {
		same = hash == f.now.hash
		return errEnough
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return same, err
}

// readTo brings the newest picture to a tick, of so many.
func (f *frames) readTo(ctx context.Context, s *source, tick, ticks int) (more bool, err error) {
	f.mu.Lock()
	from := f.now.tick + 1
	f.mu.Unlock()
	end := time.Now().Add(catchUp / 2) // those who wait are told now and then
	err = s.read(ctx, from, min(tick+1, ticks), func(r *record.Record, hash [record.HashSize]byte) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.now.add(r, hash)
		f.sent, more = nil, true
		if f.keep(); time.Now().After(end) {
			return errEnough
		}
		return nil
	})
	return more, err
}

// keep keeps the newest picture where its turn has come, and every other one only
// where that is too much.
func (f *frames) keep() {
	if (f.now.tick+1)%f.every != 0 {
		return
	}
	f.keys = append(f.keys, f.now.clone())
	f.bytes += f.now.size()
	for len(f.keys) > 1 && (len(f.keys) > mostKeys || f.bytes > keyBytes) {
		f.every *= 2
		f.keys = slices.DeleteFunc(f.keys, func(p *picture) bool { return (p.tick+1)%f.every != 0 })
		f.bytes = 0
		for _, p := range f.keys {
			f.bytes += p.size()
		}
	}
}

// Frames writes the frames of a run for who knows it after a tick, or nothing of it
// (-1), as a stream of events: as ticks are committed, several in one frame for a
// slow reader, and after the last one an event of type end.
func (s *Store) Frames(ctx context.Context, run string, since int, w io.Writer) error {
	src, release, err := s.follow(ctx, run, w)
	if err != nil {
		return err
	}
	defer release()
	f, err := s.sources.frames(ctx, src)
	if err != nil {
		return err
	}
	ticks := src.ticks()
	if since >= ticks { // of another run that had its name, or of what its log has lost
		since = -1
	}
	late, cancel := context.WithTimeout(ctx, catchUp)
	_, err = f.after(ctx, late, src, max(since, ticks-2), since) // of now, if that takes no longer
	cancel()
	if err != nil && late.Err() == nil {
		return err
	}
	for {
		sent, err := waiting(ctx, w, func(idle context.Context) (frame, error) { return f.after(ctx, idle, src, since, since) })
		if err != nil {
			return err
		}
		if sent.event == nil {
			return src.end(w)
		}
		if _, err := w.Write(sent.event); err != nil {
			return err
		}
		if since = sent.tick; sent.last {
			return src.end(w)
		}
		flush(w)
		select {
		case <-time.After(frameGap):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// A frame is one as it is sent: nil where there will be none.
type frame struct {
	event []byte
	tick  int
	last  bool // of the run
}

// after waits for a tick after the one given, and gives a frame for who knows the
// run after since.
func (f *frames) after(ctx, idle context.Context, s *source, tick, since int) (frame, error) {
	newer := false
	err := f.await(idle, s, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		newer = f.now.tick > tick
		return newer
	}, func(ticks int) (bool, error) { return f.readTo(ctx, s, ticks-1, ticks) })
	if err != nil || !newer {
		return frame{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	event := f.sent[since]
	if event == nil {
		event = append([]byte("event: frame\nid: "), strconv.Itoa(f.now.tick)...)
		event = f.now.appendFrame(append(event, "\ndata: "...), since)
		event = append(event, '\n', '\n')
		if f.sent == nil || len(f.sent) == mostSent {
			f.sent = map[int][]byte{}
		}
		f.sent[since] = event
	}
	return frame{event, f.now.tick, f.now.end != record.NotEnded}, nil
}

// Frame implements Runs.
func (s *Store) Frame(ctx context.Context, run string, since, tick int, w io.Writer) error {
	src, release, err := s.read(ctx, run)
	if err != nil {
		return err
	}
	defer release()
	f, err := s.sources.frames(ctx, src)
	if err != nil {
		return err
	}
	if ticks := src.ticks(); tick < 0 || tick >= ticks {
		return fmt.Errorf("%w: run %s has %d so far, from 0 on", ErrNoTick, run, ticks)
	}
	frame, err := f.at(ctx, src, since, tick)
	if err != nil {
		return err
	}
	_, err = w.Write(frame)
	return err
}

// at makes the frame after a tick that is on record.
func (f *frames) at(ctx context.Context, s *source, since, tick int) ([]byte, error) {
	err := f.await(ctx, s, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.now.tick >= tick
	}, func(ticks int) (bool, error) { return f.readTo(ctx, s, tick, ticks) })
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	if f.now.tick == tick {
		defer f.mu.Unlock()
		return f.now.appendFrame(nil, since), nil
	}
	f.mu.Unlock()
	select {
	case f.seeking <- struct{}{}:
		defer func() { <-f.seeking }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p := f.start(s.plan, tick)
	f.sought = nil // what is half done is of no use
	err = s.read(ctx, p.tick+1, tick+1, func(r *record.Record, hash [record.HashSize]byte) error {
		p.add(r, hash)
		return nil
	})
	if err != nil {
		return nil, err
	}
	f.sought = p
	return p.appendFrame(nil, since), nil
}

// start gives the picture that is nearest before a tick, or of it, to go on from.
// Whoever calls is seeking.
func (f *frames) start(p *plan.Plan, tick int) *picture {
	f.mu.Lock()
	defer f.mu.Unlock()
	i, found := slices.BinarySearchFunc(f.keys, tick, func(p *picture, tick int) int { return p.tick - tick })
	if !found {
		i--
	}
	switch {
	case f.sought != nil && f.sought.tick <= tick && (i < 0 || f.sought.tick >= f.keys[i].tick):
		return f.sought
	case i >= 0:
		return f.keys[i].clone()
	}
	return newPicture(p)
}
