package engine

import (
	"context"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/record"
)

// A clerk is an instant fleet that says when it was asked last.
type clerk struct {
	instant
	asked func() time.Time
}

func (c *clerk) AskedAt() time.Time { return c.asked() }

// The time until all are asked is a part of the time in which they are.
func TestElapsedOfObserves(t *testing.T) {
	for name, c := range map[string]struct {
		asked func() time.Time
		holds func(e *record.Elapsed) bool
	}{
		"in the tick": {time.Now, func(e *record.Elapsed) bool { return e.Observe > 0 && e.Observe <= e.Ask }},
		"before it":   {func() time.Time { return time.Time{} }, func(e *record.Elapsed) bool { return e.Observe == 0 && e.Act() == e.Ask }},
		"after it": {func() time.Time { return time.Now().Add(time.Hour) }, func(e *record.Elapsed) bool {
			return e.Observe == e.Ask && e.Act() == 0
		}},
	} {
		f := &clerk{instant{out: make(chan []agent.Answer, 1), action: []byte(`{}`)}, c.asked}
		cfg := Config{Plan: planOf(3, nil, "a", "b"), World: &still{list: sees(0, "a", "b")}, Fleet: f, Log: void{}}
		cfg.OnTick = func(rec *record.Record, _ [32]byte) {
			if e := &rec.Annex.Elapsed; e.Ask <= 0 || !c.holds(e) {
				t.Errorf("%s: %+v", name, *e)
			}
		}
		if _, err := Lockstep(context.Background(), cfg); err != nil {
			t.Fatal(err)
		}
	}
}
