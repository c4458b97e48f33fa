package gateway

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// An upstream that has room for three requests a second is asked about as often,
// and all come through.
func TestGovernor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGovernor(16)
		var mu sync.Mutex
		var began time.Time
		in, asked, refused, flying, most := 0, 0, 0, 0, 0
		room := func() bool {
			mu.Lock()
			defer mu.Unlock()
			asked++
			if time.Since(began) >= time.Second {
				began, in = time.Now(), 0
			}
			in++
			if in > 3 {
				refused++
			}
			return in <= 3
		}
		var wg sync.WaitGroup
		start := time.Now()
		for range 60 {
			wg.Go(func() {
				for {
					slot, err := g.Enter(t.Context())
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					flying++
					most = max(most, flying)
					mu.Unlock()
					ok := room()
					time.Sleep(100 * time.Millisecond)
					mu.Lock()
					flying--
					mu.Unlock()
					if ok {
						slot.Answered()
						slot.Leave()
						return
					}
					slot.Full(time.Second)
					slot.Leave()
				}
			})
		}
		wg.Wait()
		if most > 16 || refused > 80 {
			t.Errorf("%d at a time, %d of %d had no room", most, refused, asked)
		}
		if took := time.Since(start); took > 60*time.Second {
			t.Errorf("60 requests took %s where 3 a second have room", took)
		}
	})
}

// What has no room is left alone for as long as it says, and for longer each time
// where it says nothing; who gives up meanwhile takes nobody's place.
func TestGovernorPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGovernor(4)
		start := time.Now()
		at := func() time.Duration { return time.Since(start) }
		for i, c := range []struct{ said, until time.Duration }{
			{7 * time.Second, 7 * time.Second}, {0, 9 * time.Second}, {0, 13 * time.Second}, {time.Hour, 13*time.Second + longestSaid},
		} {
			slot, err := g.Enter(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			slot.Full(c.said)
			slot.Leave()
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			if _, err := g.Enter(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("pause %d: %v", i, err)
			}
			cancel()
			slot, err = g.Enter(t.Context())
			if err != nil || at() != c.until {
				t.Fatalf("pause %d: went after %s, want %s: %v", i, at(), c.until, err)
			}
			slot.Leave()
		}
	})
}

// Requests that hang keep no others from going, however narrow the window is; only
// the most bounds them.
func TestGovernorHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGovernor(4)
		for range 3 { // a window of one
			slot, _ := g.Enter(t.Context())
			slot.Full(time.Millisecond)
			slot.Leave()
		}
		start := time.Now()
		var hung []*Slot
		for range 4 {
			slot, err := g.Enter(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			hung = append(hung, slot)
		}
		if took := time.Since(start); took < 3*unsaidLongest || took > 3*unsaidLongest+time.Second {
			t.Errorf("the fourth went after %s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, err := g.Enter(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a fifth of four: %v", err)
		}
		for _, slot := range hung {
			slot.Leave()
			slot.Leave() // once is enough
		}
		if _, err := g.Enter(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// One that has no room says so while all are held back for another, though one of those
// that were under way has been answered in between.
func TestGovernorTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGovernor(4)
		var slots []*Slot
		for range 3 {
			slot, err := g.Enter(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			slots = append(slots, slot)
		}
		slots[0].Full(7 * time.Second)
		slots[1].Answered()
		slots[2].Full(0)
		for _, slot := range slots {
			slot.Leave()
		}
		if got := g.Paused(); got != 7*time.Second {
			t.Errorf("nobody goes for %s", got)
		}
	})
}
