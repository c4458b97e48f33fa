package record

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// smallChunk makes logs of many chunks quick to write.
const smallChunk = 16 << 10

// fill appends ticks 0 to n-1, some in many chunks, and gives what Read must.
func fill(t testing.TB, l *Log, n int) (want []*Record, hashes [][HashSize]byte) {
	t.Helper()
	l.chunk = smallChunk
	m := newMaker(uint64(n))
	for tick := range n {
		r := m.record(tick)
		if tick%5 == 3 {
			r = m.large(tick, smallChunk*(1+m.IntN(3))+m.IntN(9))
		}
		want = append(want, r)
		hashes = append(hashes, mustAppend(t, l, r))
	}
	return want, hashes
}

func checkRead(t *testing.T, l *Log, from int, want []*Record, hashes [][HashSize]byte) {
	t.Helper()
	next := from
	err := l.Read(t.Context(), from, func(r *Record, hash [HashSize]byte) error {
		if next >= len(want) || !reflect.DeepEqual(r, want[next]) || hash != hashes[next] {
			return fmt.Errorf("tick %d is not what was appended as %d", r.Tick, next)
		}
		next++
		return nil
	})
	if err != nil {
		t.Errorf("reading from %d: %v", from, err)
	}
	if end := max(from, len(want)); next != end {
		t.Errorf("reading from %d ended before %d, want %d", from, next, end)
	}
}

func TestAppendReadOpen(t *testing.T) {
	s := newMemory()
	l := Create(s, genesis)
	if tick, hash, end := l.Last(); tick != -1 || hash != genesis || end != NotEnded {
		t.Errorf("a new log ends at %d, %x, %q", tick, hash, end)
	}
	const n = 23
	want, hashes := fill(t, l, n)
	for from := range n + 3 {
		checkRead(t, l, from, want, hashes)
	}
	for name, l := range map[string]*Log{"written": l, "opened": open(t, s)} {
		if tick, hash, end := l.Last(); tick != n-1 || hash != hashes[n-1] || end != NotEnded {
			t.Errorf("the log as %s ends at %d, %x, %q", name, tick, hash, end)
		}
		if ticks, hash, err := l.Verify(t.Context()); ticks != n || hash != hashes[n-1] || err != nil {
			t.Errorf("the log as %s verifies to %d, %x, %v", name, ticks, hash, err)
		}
	}
	if err := l.Read(t.Context(), -1, nil); err == nil {
		t.Error("reading from tick -1 is no error")
	}
	stop := errors.New("stop")
	if err := l.Read(t.Context(), 0, func(*Record, [HashSize]byte) error { return stop }); !errors.Is(err, stop) || err.Error() != stop.Error() {
		t.Errorf("the callback's error comes back as %v", err)
	}
}

func open(t testing.TB, s stream) *Log {
	t.Helper()
	l, err := Open(context.Background(), s, genesis)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Whatever chunk a writer dies at, however often, the log goes on as if it had
// not, and every reading agrees.
func TestTornTail(t *testing.T) {
	m := newMaker(7)
	small := func(l *Log) *Log { l.chunk = smallChunk; return l }
	records := []*Record{m.record(0), m.large(1, 3*smallChunk), m.record(2), m.large(3, 2*smallChunk), m.record(4)}
	records[4].End = EndTicks
	whole := small(Create(newMemory(), genesis))
	var hashes [][HashSize]byte
	for _, r := range records {
		hashes = append(hashes, mustAppend(t, whole, r))
	}
	const chunks = 1 + 4 + 1 + 3 + 1
	if got := len(whole.stream.(*memory).entries); got != chunks {
		t.Fatalf("the records take %d chunks, want %d", got, chunks)
	}
	for first := range chunks {
		for second := range chunks - 1 {
			s := newMemory()
			s.fail = first
			die(t, small(Create(s, genesis)), records)
			s.fail = second
			die(t, small(open(t, s)), records)
			s.fail = -1
			l := small(open(t, s))
			for tick, _, _ := l.Last(); tick+1 < len(records); tick++ {
				mustAppend(t, l, records[tick+1])
			}
			for _, l := range []*Log{l, open(t, s)} {
				for from := range records {
					checkRead(t, l, from, records, hashes)
				}
				if _, hash, end := l.Last(); hash != hashes[4] || end != EndTicks {
					t.Errorf("died at %d and %d: the log ends with %x, %q", first, second, hash, end)
				}
			}
		}
	}
}

// die appends until the stream fails.
func die(t *testing.T, l *Log, records []*Record) {
	t.Helper()
	tick, _, _ := l.Last()
	for tick++; tick < len(records); tick++ {
		if _, err := l.Append(t.Context(), records[tick]); err != nil {
			if !errors.Is(err, errDisk) {
				t.Fatal(err)
			}
			break
		}
	}
	if tick == len(records) {
		return
	}
	if _, err := l.Append(t.Context(), records[tick]); !errors.Is(err, errDisk) {
		t.Errorf("a log whose store failed goes on: %v", err)
	}
}

func TestAppendRefuses(t *testing.T) {
	l := Create(newMemory(), genesis)
	mustAppend(t, l, &Record{Tick: 0})
	for name, r := range map[string]*Record{
		"the same tick":       {Tick: 0},
		"a tick too far":      {Tick: 2},
		"a negative tick":     {Tick: -1},
		"turns in disorder":   {Tick: 1, Turns: []Turn{{Agent: "b"}, {Agent: "a"}}},
		"two turns of one":    {Tick: 1, Turns: []Turn{{Agent: "a"}, {Agent: "a"}}},
		"messages":            {Tick: 1, Messages: []Message{{From: "b"}, {From: "a"}}},
		"results":             {Tick: 1, Results: []Result{{Agent: "b"}, {Agent: "a"}}},
		"scores in disorder":  {Tick: 1, Scores: []Score{{Agent: "b"}, {Agent: "a"}}},
		"two columns of one":  {Tick: 1, Columns: []Column{{Name: "a"}, {Name: "a"}}},
		"channels in disoder": {Tick: 1, Channels: []Channel{{Name: "b"}, {Name: "a"}}},
	} {
		if _, err := l.Append(t.Context(), r); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
	mustAppend(t, l, &Record{Tick: 1, Messages: []Message{{From: "a"}, {From: "a"}}, End: EndAborted})
	if _, err := l.Append(t.Context(), &Record{Tick: 2}); err == nil || !strings.Contains(err.Error(), "ended at tick 1 (aborted)") {
		t.Errorf("after the end: %v", err)
	}
	if _, err := Create(l.stream, genesis).Append(t.Context(), &Record{Tick: 0}); err == nil {
		t.Error("a new log writes over another")
	}
}

func TestDamageIsFound(t *testing.T) {
	whole := newMemory()
	fill(t, Create(whole, genesis), 8) // tick 3 has more than one chunk
	entries := len(whole.entries)
	for i := range entries {
		h, part, err := unchunk(whole.entries[i])
		if err != nil {
			t.Fatal(err)
		}
		hashed := len(whole.entries[i]) - len(part) // the place of a byte that is hashed, or of the hash
		if h.index == 0 {
			hashed += 2
		}
		for name, damage := range map[string]func(s *memory){
			"a changed byte":  func(s *memory) { s.entries[i][hashed] ^= 1 },
			"a changed head":  func(s *memory) { s.entries[i][1]++ },
			"a cut entry":     func(s *memory) { s.entries[i] = s.entries[i][:3] },
			"an empty entry":  func(s *memory) { s.entries[i] = nil },
			"a lost entry":    func(s *memory) { s.entries = append(s.entries[:i], s.entries[i+1:]...) },
			"a doubled entry": func(s *memory) { s.entries = append(s.entries[:i+1], s.entries[i:]...) },
		} {
			s := newMemory()
			_ = whole.Read(t.Context(), 1, func(_ uint64, p []byte) error { return s.Append(t.Context(), p) })
			damage(s)
			ticks, _, err := Create(s, genesis).Verify(t.Context())
			if name == "a lost entry" && i == entries-1 {
				if err != nil || ticks != int(h.tick) {
					t.Errorf("without its last entry, the log verifies to %d ticks (%v)", ticks, err)
				}
				continue
			}
			good := int(h.tick) - 1
			if name == "a doubled entry" && h.last {
				good++
			}
			var broken *BrokenError
			if !errors.As(err, &broken) || broken.Good != good || ticks != good+1 {
				t.Errorf("entry %d (tick %d), %s: %d ticks and %v, want %d to be the last good one", i+1, h.tick, name, ticks, err, good)
			}
		}
	}
}

// A record whose bytes were exchanged for others that are sound in themselves
// is found by the chain.
func TestForgeryIsFound(t *testing.T) {
	s := newMemory()
	l := Create(s, genesis)
	fill(t, l, 3)
	forged := Create(newMemory(), genesis)
	for tick := range 3 {
		mustAppend(t, forged, &Record{Tick: tick, Removed: []string{"everybody"}})
	}
	s.entries[1] = forged.stream.(*memory).entries[1]
	var broken *BrokenError
	if _, _, err := l.Verify(t.Context()); !errors.As(err, &broken) || broken.Good != 0 {
		t.Errorf("a forged tick 1: %v", err)
	}
	if _, err := Open(t.Context(), s, genesis); !errors.As(err, &broken) {
		t.Errorf("opening a log with a forged tick before the last: %v", err)
	}
	if err := l.Read(t.Context(), 2, func(*Record, [HashSize]byte) error { return nil }); !errors.As(err, &broken) {
		t.Errorf("reading on from a forged tick: %v", err)
	}
}

func TestOpenWithAnotherPlan(t *testing.T) {
	for _, n := range []int{1, 2, 6} {
		s := newMemory()
		fill(t, Create(s, genesis), n)
		if _, err := Open(t.Context(), s, [HashSize]byte{1}); err == nil {
			t.Errorf("a log of %d ticks opens with another genesis", n)
		}
	}
}

func TestSummarize(t *testing.T) {
	l := Create(newMemory(), genesis)
	s, err := Summarize(t.Context(), l)
	if err != nil || !reflect.DeepEqual(s, Summary{Hash: genesis}) {
		t.Errorf("an empty log: %+v, %v", s, err)
	}
	mustAppend(t, l, &Record{
		Tick:    0,
		Turns:   []Turn{{Agent: "a"}, {Agent: "b", Failure: "deadline"}, {Agent: "c"}},
		Scores:  []Score{{"a", []byte("3")}, {"b", []byte("0")}},
		Columns: []Column{{"n", []byte("7")}, {"once", []byte("true")}},
		Annex:   Annex{Timed: 1},
	})
	hash := mustAppend(t, l, &Record{
		Tick:    1,
		Turns:   []Turn{{Agent: "a", Failure: "crash"}, {Agent: "b", Failure: "deadline"}},
		Scores:  []Score{{"a", []byte("10.5")}},
		Columns: []Column{{"n", []byte("8")}},
		End:     EndDone,
		Annex:   Annex{Timed: 2},
	})
	s, err = Summarize(t.Context(), l)
	want := Summary{
		Ticks: 2, Hash: hash, End: EndDone, Timed: 3,
		Scores:   map[string][]byte{"a": []byte("10.5"), "b": []byte("0")},
		Columns:  map[string][]byte{"n": []byte("8"), "once": []byte("true")},
		Outcomes: map[string]int{"action": 2, "deadline": 2, "crash": 1},
	}
	if err != nil || !reflect.DeepEqual(s, want) {
		t.Errorf("got %+v, %v, want %+v", s, err, want)
	}
	c := s.Clone()
	s.Add(&Record{Tick: 2, Turns: []Turn{{Agent: "a"}}, Scores: []Score{{"a", []byte("99.9")}}}, genesis)
	if !reflect.DeepEqual(c, want) {
		t.Errorf("a clone changes with its origin: %+v", c)
	}
}
