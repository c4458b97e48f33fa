package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A stored log is one that the real bus has written: as it is on disk when the
// bus was closed, and as it is when its process is killed.
type stored struct {
	closed, killed string
	records        []*Record
	hashes         [][HashSize]byte
	last           []uint64 // the last entry of each tick
}

func store(t *testing.T, ticks int, record func(m maker, tick int) *Record) *stored {
	t.Helper()
	st := &stored{closed: t.TempDir(), killed: t.TempDir()}
	b := startBus(t, st.closed)
	s, err := b.CreateStream("r")
	if err != nil {
		t.Fatal(err)
	}
	l, m := Create(s, genesis), newMaker(uint64(ticks))
	for tick := range ticks {
		r := record(m, tick)
		st.records = append(st.records, r)
		st.hashes = append(st.hashes, mustAppend(t, l, r))
		last, err := s.Last(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		st.last = append(st.last, last)
	}
	if err := os.CopyFS(st.killed, os.DirFS(st.closed)); err != nil {
		t.Fatal(err)
	}
	b.Close()
	return st
}

// ticksBefore is how many ticks are whole without an entry and those behind it.
func (st *stored) ticksBefore(entry uint64) int {
	n, _ := slices.BinarySearch(st.last, entry)
	return n
}

// A file is one of the store's, to be damaged.
type file struct {
	t    *testing.T
	path string
}

func (st *stored) file(t *testing.T, dir, name string) file {
	return file{t, filepath.Join(dir, "jetstream", "$G", "streams", "r", name)}
}

func (f file) change(change func(b []byte) []byte) {
	f.t.Helper()
	b, err := os.ReadFile(f.path)
	if err == nil {
		err = os.WriteFile(f.path, change(b), 0o600)
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f file) put(b []byte) {
	f.t.Helper()
	if err := os.WriteFile(f.path, b, 0o600); err != nil {
		f.t.Fatal(err)
	}
}

func (f file) remove() {
	f.t.Helper()
	if err := os.Remove(f.path); err != nil {
		f.t.Fatal(err)
	}
}

func (f file) flip(at func(b []byte) int) {
	f.t.Helper()
	f.change(func(b []byte) []byte { b[at(b)] ^= 1; return b })
}

// entry is where the n-th entry of a block begins, from 0.
func entry(b []byte, n int) (at int) {
	for range n {
		at += int(binary.LittleEndian.Uint32(b[at:]) &^ (1 << 31))
	}
	return at
}

// In the damages below, the log is told to be broken, or is shorter than it
// was where the store had not been closed and nothing shows that there was
// more, or has lost nothing.
const (
	whole = iota
	shorter
	damaged
)

type damage struct {
	name           string
	do             func(f func(name string) file)
	first          uint64 // the first entry that is lost
	closed, killed int
}

const block1 = "msgs/1.blk"

func small(n int) []damage {
	last, mid := n-1, n/2
	within := func(i, at int) func(b []byte) int { return func(b []byte) int { return entry(b, i) + at } }
	cut := func(left int) func(f func(string) file) {
		return func(f func(string) file) {
			f(block1).change(func(b []byte) []byte { return b[:entry(b, last)+left] })
		}
	}
	flip := func(i, at int) func(f func(string) file) {
		return func(f func(string) file) { f(block1).flip(within(i, at)) }
	}
	return []damage{
		{"nothing", func(func(string) file) {}, 0, whole, whole},
		{"the last entry is gone", cut(0), uint64(n), damaged, shorter},
		{"a few bytes of the last entry are there", cut(9), uint64(n), damaged, shorter},
		{"half of the last entry is there", cut(60), uint64(n), damaged, shorter},
		{"the last entry is changed", flip(last, 70), uint64(n), damaged, damaged},
		{"the end is zeros", func(f func(string) file) {
			f(block1).change(func(b []byte) []byte { clear(b[entry(b, last-2):]); return b })
		}, uint64(last - 1), damaged, damaged},
		{"an entry is changed", flip(mid, 70), uint64(mid + 1), damaged, damaged},
		{"an entry's length is changed", flip(mid, 0), uint64(mid + 1), damaged, damaged},
		{"an entry's length is huge", flip(mid, 2), uint64(mid + 1), damaged, damaged},
		{"an entry's number is changed", flip(mid, 4), uint64(mid + 1), damaged, damaged},
		{"an entry's number is far off", flip(mid, 10), uint64(mid + 1), damaged, damaged},
		{"an entry's time is changed", flip(mid, 12), uint64(mid + 1), damaged, damaged},
		{"the length of an entry's subject is changed", flip(mid, 20), uint64(mid + 1), damaged, damaged},
		{"an entry's subject is changed", flip(mid, 25), uint64(mid + 1), damaged, damaged},
		{"the first entry is changed", flip(0, 70), 1, damaged, damaged},
		{"the only block is missing", func(f func(string) file) { f(block1).remove() }, 1, damaged, shorter},
		{"the only block is empty", func(f func(string) file) {
			f(block1).change(func([]byte) []byte { return nil })
		}, 1, damaged, shorter},
		{"the log's description is changed", func(f func(string) file) {
			f("meta.inf").flip(func(b []byte) int { return len(b) / 2 })
		}, 0, whole, whole},
		{"the log's description is missing", func(f func(string) file) { f("meta.inf").remove() }, 0, whole, whole},
		{"its checksum is missing", func(f func(string) file) { f("meta.sum").remove() }, 0, whole, whole},
		{"a wrong index", func(f func(string) file) {
			f("msgs/index.db").put([]byte("no index is as short as this"))
		}, 0, whole, whole},
		{"no index", func(f func(string) file) { _ = os.Remove(f("msgs/index.db").path) }, 0, whole, whole},
	}
}

func TestDamagedStore(t *testing.T) {
	const n = 20
	st := store(t, n, func(m maker, tick int) *Record { return m.large(tick, 300) })
	for _, d := range small(n) {
		st.try(t, d)
	}
}

// A log of several blocks, with ticks of several entries.
func TestDamagedBlocks(t *testing.T) {
	const n = 20
	st := store(t, n, func(m maker, tick int) *Record { return m.large(tick, 2*chunkSize) })
	block := func(i int) []byte {
		b, err := os.ReadFile(st.file(t, st.closed, fmt.Sprintf("msgs/%d.blk", i)).path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	second, third := binary.LittleEndian.Uint64(block(2)[4:]), binary.LittleEndian.Uint64(block(3)[4:])
	remove := func(i int) func(f func(string) file) {
		return func(f func(string) file) { f(fmt.Sprintf("msgs/%d.blk", i)).remove() }
	}
	flip := func(i, n, at int) func(f func(string) file) {
		return func(f func(string) file) {
			f(fmt.Sprintf("msgs/%d.blk", i)).flip(func(b []byte) int { return entry(b, n) + at })
		}
	}
	for _, d := range []damage{
		{"the first block is missing", remove(1), 1, damaged, damaged},
		{"the second block is missing", remove(2), second, damaged, damaged},
		{"the last block is missing", remove(3), third, damaged, shorter},
		{"the second block is changed", flip(2, 1, 40), second + 1, damaged, damaged},
		{"a number in the first block is changed", flip(1, 1, 9), 2, damaged, damaged},
		{"a number in the second block is changed", flip(2, 1, 11), second + 1, damaged, damaged},
		{"a length in the second block is changed", flip(2, 1, 2), second + 1, damaged, damaged},
		{"a number in the last block is changed", flip(3, 2, 9), third + 2, damaged, damaged},
		{"the last block is changed", flip(3, 2, 40), third + 2, damaged, damaged},
	} {
		st.try(t, d)
	}
}

func (st *stored) try(t *testing.T, d damage) {
	for name, c := range map[string]struct {
		from string
		want int
	}{"closed": {st.closed, d.closed}, "killed": {st.killed, d.killed}} {
		t.Run(d.name+"/"+name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(c.from)); err != nil {
				t.Fatal(err)
			}
			d.do(func(name string) file { return st.file(t, dir, name) })
			ticks := len(st.records)
			if c.want != whole {
				ticks = st.ticksBefore(d.first)
			}
			if c.want == damaged {
				st.mustTell(t, dir, ticks-1)
				st.mustTell(t, dir, ticks-1) // whoever comes next is told too
			}
			st.mustGoOn(t, dir, ticks, c.want == damaged)
		})
	}
}

// mustTell checks what is said of a damaged log.
func (st *stored) mustTell(t *testing.T, dir string, good int) {
	t.Helper()
	b := startBus(t, dir)
	defer b.Close()
	s, err := b.OpenStream("r")
	if err != nil {
		t.Fatal(err)
	}
	var broken *BrokenError
	if _, err := Open(t.Context(), s, genesis); err != nil && (!errors.As(err, &broken) || broken.Good != good) {
		t.Errorf("opening it: %v, want %d to be the last good tick", err, good)
	}
	ticks, _, err := Create(s, genesis).Verify(t.Context())
	if !errors.As(err, &broken) || broken.Good != good || ticks != good+1 {
		t.Errorf("it verifies to %d ticks, %v, want %d to be the last good one", ticks, err, good)
	}
}

// mustGoOn repairs the log, appends what is missing, and reads all of it.
func (st *stored) mustGoOn(t *testing.T, dir string, ticks int, repaired bool) {
	t.Helper()
	b := startBus(t, dir)
	s, err := b.OpenStream("r")
	if err != nil {
		t.Fatal(err)
	}
	good, dropped, err := Repair(t.Context(), s, genesis, 0)
	if good != ticks-1 || (dropped > 0) != repaired || err != nil {
		t.Fatalf("Repair gives %d, %d, %v, want %d to be the last good tick", good, dropped, err, ticks-1)
	}
	l := open(t, s)
	if tick, _, _ := l.Last(); tick != good {
		t.Fatalf("after the repair the log ends with tick %d, want %d", tick, good)
	}
	for tick := ticks; tick < len(st.records); tick++ {
		mustAppend(t, l, st.records[tick])
	}
	checkRead(t, l, 0, st.records, st.hashes)
	b.Close()
	b = startBus(t, dir)
	defer b.Close()
	if s, err = b.OpenStream("r"); err != nil {
		t.Fatal(err)
	}
	checkRead(t, open(t, s), 0, st.records, st.hashes)
	if last, err := s.Last(t.Context()); last != st.last[len(st.last)-1] || err != nil {
		t.Errorf("the entries are numbered to %d (%v), want %d", last, err, st.last[len(st.last)-1])
	}
	if _, dropped, err := Repair(t.Context(), s, genesis, 0); dropped != 0 || err != nil {
		t.Errorf("a sound log is repaired: %d, %v", dropped, err)
	}
}

// A log that is sound, of another plan, is not to be dropped.
func TestRepairLeavesAnotherPlansLog(t *testing.T) {
	s := newStream(t)
	fill(t, Create(s, genesis), 5)
	if _, _, err := Repair(t.Context(), s, [HashSize]byte{1}, 0); err == nil {
		t.Error("it is repaired")
	}
	if ticks, _, err := open(t, s).Verify(t.Context()); ticks != 5 || err != nil {
		t.Errorf("it has %d ticks now (%v)", ticks, err)
	}
}
