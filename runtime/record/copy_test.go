package record

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"testing"
)

// TestCopy: what is read from a copy is what was appended, from any tick on.
func TestCopy(t *testing.T) {
	l := Create(newMemory(), genesis)
	want, hashes := fill(t, l, 12)
	for from := range len(want) + 2 {
		var copied bytes.Buffer
		if err := l.Copy(t.Context(), from, &copied); err != nil {
			t.Fatal(err)
		}
		next := from
		err := ReadCopy(&copied, func(r *Record, hash [HashSize]byte) error {
			if !reflect.DeepEqual(r, want[next]) || hash != hashes[next] {
				t.Errorf("tick %d is not what was appended as %d", r.Tick, next)
			}
			next++
			return nil
		})
		if err != nil || next != max(from, len(want)) {
			t.Errorf("from %d: ended before %d: %v", from, next, err)
		}
	}
}

// TestDamagedCopy: no byte of a copy can be another, and none can be missing
// but whole records at its end.
func TestDamagedCopy(t *testing.T) {
	l := Create(newMemory(), genesis)
	for tick := range 3 {
		mustAppend(t, l, &Record{Tick: tick, Columns: []Column{{"c", []byte(`"what is said"`)}}})
	}
	var whole bytes.Buffer
	if err := l.Copy(t.Context(), 0, &whole); err != nil {
		t.Fatal(err)
	}
	read := func(text []byte) (n int, err error) {
		err = ReadCopy(bytes.NewReader(text), func(*Record, [HashSize]byte) error { n++; return nil })
		return n, err
	}
	text := whole.Bytes()
	ends := map[int]bool{0: true, len(text) / 3: true, len(text) / 3 * 2: true}
	for cut := range text {
		if n, err := read(text[:cut]); (err == nil) != ends[cut] {
			t.Errorf("cut off after %d of %d bytes: %d records, %v", cut, len(text), n, err)
		}
	}
	second := len(text)/3 + 1 + frameHead + 1
	other := bytes.Clone(text)
	other[second] ^= 1
	if n, err := read(other); n != 1 || !errors.Is(err, errCopy) {
		t.Errorf("another byte in the second record: %d records, %v", n, err)
	}
}

// TestCopyEnds: what the reader says ends the reading, and what the writer
// says the copying.
func TestCopyEnds(t *testing.T) {
	l := Create(newMemory(), genesis)
	fill(t, l, 3)
	if err := l.Copy(t.Context(), 0, refusing{}); !errors.Is(err, errDisk) {
		t.Errorf("copying ended with %v", err)
	}
	var copied bytes.Buffer
	if err := l.Copy(t.Context(), 0, &copied); err != nil {
		t.Fatal(err)
	}
	if err := ReadCopy(&copied, func(*Record, [HashSize]byte) error { return errDisk }); !errors.Is(err, errDisk) {
		t.Errorf("reading ended with %v", err)
	}
}

type refusing struct{ io.Writer }

func (refusing) Write([]byte) (int, error) { return 0, errDisk }

// TestAdopt takes over the beginning of a log, to the hash, and goes on.
func TestAdopt(t *testing.T) {
	m, from := newMaker(4), Create(newMemory(), genesis)
	from.chunk = 100 // several entries a tick
	var hashes [][HashSize]byte
	for tick := range 10 {
		hashes = append(hashes, mustAppend(t, from, m.record(tick)))
	}
	for before := range 11 {
		store := newMemory()
		l := Create(store, genesis)
		l.chunk = 70
		if err := l.Adopt(t.Context(), from, before); err != nil {
			t.Fatal(err)
		}
		tick, hash, _ := l.Last()
		if want := before - 1; tick != want || before > 0 && hash != hashes[want] {
			t.Errorf("before %d: it ends with tick %d", before, tick)
		}
		opened, err := Open(t.Context(), store, genesis)
		if err != nil {
			t.Fatal(err)
		}
		if ticks, _, err := opened.Verify(t.Context()); ticks != before || err != nil {
			t.Errorf("before %d: %d ticks, %v", before, ticks, err)
		}
		mustAppend(t, l, m.record(before))
	}
	l := Create(newMemory(), genesis)
	if err := l.Adopt(t.Context(), from, 11); err == nil {
		t.Error("it takes over what is not there")
	}
	if err := Create(newMemory(), [HashSize]byte{}).Adopt(t.Context(), from, 3); err == nil {
		t.Error("it takes over what begins otherwise")
	}
}
