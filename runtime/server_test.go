package runtime

import (
	"io"
	"log/slog"
	"testing"

	"github.com/troupe-dev/troupe/runtime/plan"
)

// Which runs are played side by side is a matter of their number and memory.
func TestRoom(t *testing.T) {
	const gib = 1 << 30
	for _, c := range []struct {
		name           string
		atOnce         int
		memory         int64
		played, queued []int64 // limits.memory
		wants          int64
		room           bool
	}{
		{"alone", 1, gib, nil, nil, gib, true},
		{"alone, and larger than all room", 1, gib, nil, nil, 9 * gib, true},
		{"beside as many as may be", 2, 0, []int64{0, 0}, nil, 0, false},
		{"beside fewer", 3, 0, []int64{0, 0}, []int64{0, 0, 0}, 0, true},
		{"any number", 0, 0, []int64{gib, gib, gib}, nil, gib, true},
		{"within the memory", 0, 4 * gib, []int64{gib, 2 * gib}, []int64{9 * gib}, gib, true},
		{"beyond the memory", 0, 4 * gib, []int64{gib, 2 * gib}, nil, 2 * gib, false},
		{"without a limit of its own", 0, 4 * gib, []int64{4 * gib}, nil, 0, true},
	} {
		s := &server{opts: ServeOptions{AtOnce: c.atOnce, Memory: c.memory}, jobs: map[string]*job{}}
		add := func(memory int64, queued bool) *job {
			j := &job{Run: string(rune('a' + len(s.jobs))), queued: queued, plan: &plan.Plan{Limits: plan.Limits{Memory: plan.Size(memory)}}}
			s.jobs[j.Run] = j
			return j
		}
		for _, m := range c.played {
			add(m, false)
		}
		for _, m := range c.queued {
			add(m, true)
		}
		if got := s.room(add(c.wants, true)); got != c.room {
			t.Errorf("%s: room %v", c.name, got)
		}
	}
}

// Two who have a run played at once have it played once.
func TestEnqueuedOnce(t *testing.T) {
	log := NewLog(slog.NewTextHandler(io.Discard, nil))
	s := &server{opts: ServeOptions{HostOptions: HostOptions{Log: log}}, host: &Host{data: t.TempDir()}, jobs: map[string]*job{}}
	for range 2 {
		if err := s.enqueue(&job{Run: "r", plan: &plan.Plan{}}); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.queue) != 1 {
		t.Errorf("it waits %d times", len(s.queue))
	}
}
