package record

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/bus"
)

func startBus(t testing.TB, dir string) *bus.Bus {
	t.Helper()
	b, err := bus.Start(bus.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func newStream(t testing.TB) *bus.Stream {
	t.Helper()
	s, err := startBus(t, t.TempDir()).CreateStream("r")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOnTheBus(t *testing.T) {
	dir := t.TempDir()
	b := startBus(t, dir)
	s, err := b.CreateStream("r")
	if err != nil {
		t.Fatal(err)
	}
	const n = 12
	want, hashes := fill(t, Create(s, genesis), n)
	b.Close()
	if s, err = startBus(t, dir).OpenStream("r"); err != nil {
		t.Fatal(err)
	}
	l := open(t, s)
	for from := range n + 1 {
		checkRead(t, l, from, want, hashes)
	}
	r := newMaker(99).large(n, 2*chunkSize)
	want, hashes = append(want, r), append(hashes, mustAppend(t, l, r))
	checkRead(t, l, 0, want, hashes)
}

func TestReadingBesideAppending(t *testing.T) {
	l := Create(newStream(t), genesis)
	const n = 150
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for from := range 3 {
		wg.Go(func() {
			for {
				tick, _, _ := l.Last()
				next := from
				err := l.Read(t.Context(), from, func(r *Record, _ [HashSize]byte) error {
					if r.Tick != next {
						return fmt.Errorf("tick %d comes as %d", r.Tick, next)
					}
					next++
					return nil
				})
				if err != nil || next <= tick {
					t.Errorf("read up to %d, with %d acknowledged before: %v", next-1, tick, err)
					return
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	fill(t, l, n)
	close(stop)
	wg.Wait()
}

func BenchmarkAppend(b *testing.B) {
	for _, turns := range []int{10, 1000, 10_000} {
		b.Run(fmt.Sprint(turns), func(b *testing.B) {
			l := Create(newStream(b), genesis)
			m := newMaker(1)
			var records []*Record
			for tick := range 8 {
				records = append(records, m.typical(tick, turns))
			}
			var took []time.Duration
			bytes, raw := 0, 0
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				r := records[i%len(records)]
				r.Tick = i
				begin := time.Now()
				mustAppend(b, l, r)
				took = append(took, time.Since(begin))
				bytes += len(l.out) - maxChunkHead
				raw += len(l.body) - HashSize
			}
			slices.Sort(took)
			events := float64(b.N) * (3*float64(turns) + 1) // observation, outcome and score of each, a column
			b.ReportMetric(float64(took[len(took)/2])/1e3, "p50-µs")
			b.ReportMetric(float64(bytes)/events, "B/event")
			b.ReportMetric(float64(raw)/events, "raw-B/event")
		})
	}
}

func BenchmarkRead(b *testing.B) {
	for _, c := range []struct{ ticks, turns int }{{10_000, 10}, {500, 1000}} {
		b.Run(fmt.Sprint(c.turns), func(b *testing.B) {
			l := Create(newStream(b), genesis)
			m := newMaker(1)
			for tick := range c.ticks {
				mustAppend(b, l, m.typical(tick, c.turns))
			}
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				if err := l.Read(context.Background(), 0, func(*Record, [HashSize]byte) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
			events := float64(b.N) * float64(c.ticks) * (3*float64(c.turns) + 1)
			b.ReportMetric(events/b.Elapsed().Seconds()/1e6, "Mevents/s")
		})
	}
}

func BenchmarkEvents(b *testing.B) {
	r := newMaker(1).typical(1, 1000)
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		out = AppendEvents(out[:0], r, genesis)
	}
	b.SetBytes(int64(len(out)))
}
