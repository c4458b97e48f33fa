package record

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// entriesOf writes a log of some ticks, in chunks, and copies its entries.
func entriesOf(t *testing.T, ticks int) (l *Log, whole []byte) {
	t.Helper()
	s := newMemory()
	l = Create(s, genesis)
	l.chunk = 100
	for n := range ticks {
		r := newMaker(uint64(n)).record(n)
		if _, err := l.Append(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	for _, e := range s.entries {
		if err := WriteEntry(&b, e); err != nil {
			t.Fatal(err)
		}
	}
	return l, b.Bytes()
}

func TestEntriesAreTheLog(t *testing.T) {
	l, whole := entriesOf(t, 20)
	c, err := OpenCopy(bytes.NewReader(whole), int64(len(whole)), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, sum, err := Check(t.Context(), c, genesis)
	tick, hash, _ := l.Last()
	if err != nil || sum.Ticks != 20 || sum.Hash != hash {
		t.Errorf("%d ticks, hash %x, error %v; want 20 and %x", sum.Ticks, sum.Hash, err, hash)
	}
	if last, _, _ := got.Last(); last != tick {
		t.Errorf("its last tick is %d, want %d", last, tick)
	}
	if err := got.Read(t.Context(), 13, func(r *Record, _ [HashSize]byte) error { tick = r.Tick; return errDisk }); !errors.Is(err, errDisk) || tick != 13 {
		t.Errorf("read tick %d with error %v, want 13 first", tick, err)
	}
	if _, err := got.Append(t.Context(), newMaker(20).record(20)); err == nil || !strings.Contains(err.Error(), "for reading alone") {
		t.Errorf("appending to it: %v", err)
	}
}

// TestEntriesThatEndEarly cuts a copy at every byte: what is whole before is
// sound, and then comes what ended it.
func TestEntriesThatEndEarly(t *testing.T) {
	_, whole := entriesOf(t, 4)
	seen := map[int]bool{}
	for n := range len(whole) {
		c, err := OpenCopy(bytes.NewReader(whole[:n]), int64(n), errDisk)
		if err != nil {
			t.Fatal(err)
		}
		_, sum, err := Check(t.Context(), c, genesis)
		var broken *BrokenError
		if !errors.As(err, &broken) || !errors.Is(err, errDisk) || broken.Good != sum.Ticks-1 {
			t.Fatalf("cut at byte %d: %d ticks, error %v", n, sum.Ticks, err)
		}
		seen[sum.Ticks] = true
	}
	if len(seen) != 4 {
		t.Errorf("cuts left %v ticks", seen)
	}
	if _, err := OpenCopy(bytes.NewReader(whole[:50]), 50, nil); err == nil {
		t.Error("a copy that is cut off, with no error of who made it, is none")
	}
}
