package runtime

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/record"
)

func TestPace(t *testing.T) {
	begin := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	p := pace{speed: 2}
	for i, c := range []struct {
		at, asked, want time.Duration
	}{
		{time.Hour, time.Minute, 0},                                   // the first comes at once
		{time.Hour + 6*time.Second, 6 * time.Second, 3 * time.Second}, // as recorded, twice as fast
		{9 * time.Hour, 2 * time.Second, 1500 * time.Millisecond},     // it stood still
		{time.Hour, time.Second, 0},                                   // the clock was set back
	} {
		a := &record.Annex{Time: begin.Add(c.at), Elapsed: record.Elapsed{Ask: c.asked}}
		if got := p.gap(a); got != c.want {
			t.Errorf("tick %d is due after %v, want %v", i, got, c.want)
		}
	}
	if got := p.gap(&record.Annex{}); got != 0 {
		t.Errorf("without a time it is due after %v", got)
	}
}

// TestPaceEnds: who waits for a tick stops at once.
func TestPaceEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	begin := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	for _, speed := range []float64{0, 1, 1e-9} {
		p := pace{speed: speed, due: time.Now(), last: begin}
		if err := p.await(ctx, &record.Annex{Time: begin.Add(time.Second)}); !errors.Is(err, context.Canceled) {
			t.Errorf("at speed %v: %v", speed, err)
		}
	}
}
