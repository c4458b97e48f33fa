package runtime

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// newServer makes a server of an empty data directory, and the store that asks it.
func newServer(t *testing.T) (*server, *observe.Store) {
	t.Helper()
	log := NewLog(slog.NewTextHandler(io.Discard, nil))
	h := &Host{data: t.TempDir(), runs: map[string]*run{}}
	s := &server{ctx: t.Context(), opts: ServeOptions{HostOptions: HostOptions{Log: log}}, host: h, jobs: map[string]*job{}, open: make(chan struct{})}
	close(s.open)
	h.store = &observe.Store{Data: h.data, Live: h.live, Server: s}
	return s, h.store
}

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
	s, _ := newServer(t)
	for range 2 {
		if err := s.enqueue(&job{Run: "r", plan: &plan.Plan{}}); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.queue) != 1 {
		t.Errorf("it waits %d times", len(s.queue))
	}
}

// A run that is just being taken out of the queue is neither there nor played: who
// stops or removes it waits until it is the one or the other.
func TestStopWhileTakenUp(t *testing.T) {
	played := func(s *server, j *job, l *observe.Live) { s.host.runs[j.Run] = &run{name: j.Run, live: l} }
	failed := func(s *server, j *job, _ *observe.Live) { s.drop(j, true) }
	stop := func(ctx context.Context, store *observe.Store) error { return store.Stop(ctx, "r") }
	remove := func(ctx context.Context, store *observe.Store) error { return store.Remove(ctx, "r", false) }
	for _, c := range []struct {
		name string
		do   func(ctx context.Context, store *observe.Store) error
		then func(s *server, j *job, l *observe.Live) // what becomes of the run
		want error
		left bool // it is to be played still
	}{
		{"it is stopped where it is played", stop, played, nil, false},
		{"it cannot be stopped where it could not be played", stop, failed, observe.ErrNotRunning, false},
		{"it cannot be removed where it is played", remove, played, observe.ErrRunning, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, store := newServer(t)
				if err := os.MkdirAll(store.Dir("r").Dir, 0o700); err != nil {
					t.Fatal(err)
				}
				j := &job{Run: "r", done: make(chan struct{})}
				s.jobs["r"] = j
				var live *observe.Live
				live = observe.NewLive(func() {
					live.Over()
					s.mu.Lock()
					defer s.mu.Unlock()
					s.drop(j, true)
				})
				stopped := make(chan error, 1)
				go func() { stopped <- c.do(t.Context(), store) }()
				synctest.Wait()
				select {
				case err := <-stopped:
					t.Fatalf("it was not waited for: %v", err)
				default:
				}
				s.mu.Lock()
				s.host.mu.Lock()
				c.then(s, j, live)
				s.host.mu.Unlock()
				s.mu.Unlock()
				if err := <-stopped; !errors.Is(err, c.want) {
					t.Errorf("it gives %v, want %v", err, c.want)
				}
				if s.Queued("r") != c.left {
					t.Errorf("to be played still: %v", !c.left)
				}
			})
		})
	}
}

// A run that is only being made is what it becomes: stopped where it waits then, or
// where it is played.
func TestStopWhileMade(t *testing.T) {
	for name, made := range map[string]func(s *server, stopped *observe.Live){
		"it waits": func(s *server, _ *observe.Live) {
			s.jobs["r"] = &job{Run: "r", queued: true, done: make(chan struct{}), plan: &plan.Plan{}}
			s.queue = append(s.queue, s.jobs["r"])
		},
		"it is played": func(s *server, stopped *observe.Live) {
			s.jobs["r"] = &job{Run: "r", done: make(chan struct{})}
			s.host.runs["r"] = &run{name: "r", live: stopped}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, store := newServer(t)
				if err := os.MkdirAll(store.Dir("r").Dir, 0o700); err != nil {
					t.Fatal(err)
				}
				making := observe.NewLive(func() { t.Error("what is being made cannot be stopped") })
				making.Waits = true
				s.host.runs["r"] = &run{name: "r", live: making}
				var live *observe.Live
				live = observe.NewLive(func() {
					live.Over()
					s.mu.Lock()
					defer s.mu.Unlock()
					s.drop(s.jobs["r"], true)
				})
				stopped := make(chan error, 1)
				go func() { stopped <- store.Stop(t.Context(), "r") }()
				synctest.Wait()
				s.mu.Lock()
				s.host.mu.Lock()
				delete(s.host.runs, "r")
				made(s, live)
				s.host.mu.Unlock()
				s.mu.Unlock()
				making.Over()
				if err := <-stopped; err != nil || s.Queued("r") || s.waiting() > 0 {
					t.Errorf("it is to be played still: %v, %d wait (%v)", s.Queued("r"), s.waiting(), err)
				}
			})
		})
	}
}

// Who goes on with a run that is just being made, or given back, waits for that; two
// cannot play one.
func TestReenter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &Host{runs: map[string]*run{}}
		making := &run{name: "r", live: observe.NewLive(nil)}
		making.live.Waits = true
		leave, _, _ := h.enter(making)
		going := &run{name: "r", live: observe.NewLive(nil)}
		gone := make(chan func())
		go func() {
			left, err := h.reenter(going)
			if err != nil {
				t.Error(err)
			}
			gone <- left
		}()
		synctest.Wait()
		if h.run("r") != making {
			t.Error("what is being made is known no more")
		}
		leave()
		left := <-gone
		if _, err := h.reenter(&run{name: "r", live: observe.NewLive(nil)}); !errors.Is(err, observe.ErrRunning) {
			t.Errorf("a second one: %v", err)
		}
		left()
	})
}

// A run that is being removed is not played on: who wants that waits, and is told that
// it is gone.
func TestHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := newServer(t)
		if err := os.MkdirAll(store.Dir("r").Dir, 0o700); err != nil {
			t.Fatal(err)
		}
		release, ok := s.Hold("r")
		if _, again := s.Hold("r"); !ok || again || s.Queued("r") {
			t.Error("it is held twice, or is to be played")
		}
		if _, before, _ := s.host.enter(&run{name: "r"}); before == nil {
			t.Error("another can have its name")
		}
		resumed, queued := make(chan error, 1), make(chan error, 1)
		go func() { resumed <- store.Resume(t.Context(), "r", nil) }()
		go func() { queued <- s.enqueue(&job{Run: "r", plan: &plan.Plan{}}) }()
		synctest.Wait()
		if len(resumed)+len(queued) > 0 {
			t.Error("they did not wait")
		}
		release()
		for _, err := range []error{<-resumed, <-queued} {
			if !errors.Is(err, observe.ErrNoRun) {
				t.Errorf("got %v", err)
			}
		}
		if s.Queued("r") || s.waiting() > 0 {
			t.Error("it is to be played")
		}
	})
}

// Who lists the runs of a server that is starting comes while it reads its queue.
func TestQueuedWhileRecalled(t *testing.T) {
	s, store := newServer(t)
	for _, run := range []string{"a", "b"} {
		if err := os.MkdirAll(store.Dir(run).Dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := record.WriteManifest(store.Dir(run).Manifest(), &record.Manifest{Run: run}); err != nil {
			t.Fatal(err)
		}
		if err := s.keep(&job{Run: run, Since: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	asked := make(chan bool)
	go func() { asked <- s.Queued("a") }()
	if err := s.recall(); err != nil {
		t.Fatal(err)
	}
	<-asked // whichever it was
	if !s.Queued("a") || !s.Queued("b") || s.waiting() != 2 {
		t.Errorf("%d wait, want 2", s.waiting())
	}
}
