package runtime

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// ServeOptions say what a server takes, and how much of it at a time.
type ServeOptions struct {
	HostOptions
	Scenarios string        // the directory of those that are offered; empty for none
	AtOnce    int           // runs that are played side by side at most; 0 for any number
	Memory    int64         // bytes that limits.memory of those may be in all; 0 for any
	Idle      time.Duration // with no run for so long, and nobody who asks, the server ends; 0 for never
	// Troupe is plan.Options.Troupe.
	Troupe func(args []string) error
	// Kill, once closed, ends every process at once instead of letting it stop.
	Kill <-chan struct{}
	// Opened is told once, when the server takes runs.
	Opened func(*Host)
}

// Serve holds a data directory and plays the runs that it is given over the API,
// side by side as far as there is room, the others in the order in which they
// came. Those that it was killed over, or that still waited, it goes on with. It
// returns when ctx ends, having stopped all of them resumably, or when it was
// idle for long enough.
func Serve(ctx context.Context, o ServeOptions) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if o.Log == nil {
		o.Log = NewLog(slog.DiscardHandler)
	}
	s := &server{opts: o, ctx: ctx, open: make(chan struct{}), jobs: map[string]*job{}, idle: newIdle(o.Idle)}
	defer s.idle.stop()
	h, err := openHost(o.HostOptions, role{onBus: true, unready: s.unready, server: s, opened: s.opened, waiting: s.waiting, busy: s.idle.busy})
	if err != nil {
		return err
	}
	defer h.Close()
	defer s.playing.Wait()
	defer s.close(cancel)
	s.host = h
	if err := s.recall(); err != nil {
		return err
	}
	close(s.open)
	if o.Opened != nil {
		o.Opened(h)
	}
	s.admit()
	select {
	case <-ctx.Done():
		o.Log.Info("stopping: all runs are stopped resumably")
	case <-s.idle.over:
		o.Log.Info("stopping: idle", "for", o.Idle)
	}
	return nil
}

// A server implements observe.Server. Whoever asks before it is open waits, see
// opened.
type server struct {
	opts    ServeOptions
	ctx     context.Context // ends when the server stops
	host    *Host
	open    chan struct{}
	idle    *idle
	playing sync.WaitGroup

	mu    sync.Mutex
	queue []*job          // those that wait, in order
	jobs  map[string]*job // these and those that are played, by run
}

// A job is a run that is to be played until it is over or somebody stops it. It
// is kept on disk until then.
type job struct {
	Run    string    `json:"run"`
	Since  time.Time `json:"since"`
	Limits []string  `json:"limits,omitempty"`
	Paused bool      `json:"paused,omitempty"`
	Speed  float64   `json:"ticks_per_second,omitempty"`

	plan    *plan.Plan
	queued  bool
	held    bool          // it is no job: nobody may play the run
	stopped bool          // somebody has it stopped while it is played
	done    chan struct{} // closed once the server knows it no more
}

func (s *server) unready() string {
	select {
	case <-s.ctx.Done():
		return "stopping"
	case <-s.open:
		return ""
	default:
		return "starting"
	}
}

// opened waits until the server knows what waits.
func (s *server) opened(ctx context.Context) error {
	select {
	case <-s.open: // whoever has gone meanwhile has asked all the same
		return nil
	default:
	}
	select {
	case <-s.open:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// errStopping is what those hear who want to have something played too late.
var errStopping = fmt.Errorf("%w: the server is stopping", observe.ErrConflict)

// close has nothing played any more that is not played already.
func (s *server) close(cancel func()) {
	s.mu.Lock() // of admit, which looks and then plays
	defer s.mu.Unlock()
	cancel()
}

// enqueue has a run that is made wait for its turn. One that waits or is played
// already is left as it is: two who ask at once have it played once.
func (s *server) enqueue(j *job) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for before := s.jobs[j.Run]; before != nil; before = s.jobs[j.Run] {
		if !before.held {
			return nil
		}
		s.mu.Unlock()
		<-before.done
		s.mu.Lock()
		if _, err := os.Stat(s.host.store.Dir(j.Run).Manifest()); err != nil {
			return fmt.Errorf("%w: %s", observe.ErrNoRun, j.Run)
		}
	}
	if err := s.keep(j); err != nil {
		return err
	}
	j.queued, j.done = true, make(chan struct{})
	s.jobs[j.Run] = j
	s.queue = append(s.queue, j)
	s.opts.Log.Info("queued", "run", j.Run, "scenario", j.plan.Name)
	return nil
}

// admit plays those that wait, in order, as long as there is room.
func (s *server) admit() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) > 0 && s.ctx.Err() == nil && s.room(s.queue[0]) {
		j := s.queue[0]
		s.queue = s.queue[1:]
		j.queued = false
		done := s.idle.busy()
		s.playing.Go(func() {
			defer done()
			s.play(j)
		})
	}
}

// room says whether a run can be played beside those that are. One that is larger
// than all room is played alone. The caller holds mu.
func (s *server) room(j *job) bool {
	n, memory := 0, int64(j.plan.Limits.Memory)
	for _, x := range s.jobs {
		if !x.queued && !x.held {
			n++
			memory += int64(x.plan.Limits.Memory)
		}
	}
	return n == 0 || (s.opts.AtOnce == 0 || n < s.opts.AtOnce) && (s.opts.Memory == 0 || memory <= s.opts.Memory)
}

// play plays a run to its end, or to the server's.
func (s *server) play(j *job) {
	if j.plan.Durability == plan.DurableMachine && !s.opts.Sync {
		s.opts.Log.Warn("a power cut may cost ticks of it: it was made to outlive one, and this server was started without --durability machine", "run", j.Run)
	}
	res, err := s.host.resume(s.ctx, Options{
		Name: j.Run, Kill: s.opts.Kill, Paused: j.Paused, Speed: j.Speed,
		Stopped: func() { s.stops(j) },
		Paced:   func(paused bool, perSecond float64) { s.paced(j, paused, perSecond) },
	}, j.Limits)
	s.opts.Log.Ended(j.Run, res, err)
	s.mu.Lock()
	s.drop(j, j.stopped || s.ctx.Err() == nil || res != nil && res.Status != observe.Interrupted)
	s.mu.Unlock()
	s.admit()
}

// stops remembers that somebody has a run stopped: the next server does not play it
// on, though this one may be stopping too.
func (s *server) stops(j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j.stopped = true
}

// Settled implements observe.Server.
func (s *server) Settled(ctx context.Context, run string) error {
	for {
		s.mu.Lock()
		j := s.jobs[run]
		queued := j != nil && j.queued
		s.mu.Unlock()
		l := s.host.live(run)
		if l == nil && (j == nil || queued) || l != nil && !l.Waits {
			return nil
		}
		select {
		case <-time.After(settling):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// settling is how often it is looked whether a run is played by now.
const settling = 10 * time.Millisecond

// paced remembers how a run is held up, so that another server does the same.
func (s *server) paced(j *job, paused bool, perSecond float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.jobs[j.Run] != j {
		return
	}
	j.Paused, j.Speed = paused, perSecond
	if err := s.keep(j); err != nil {
		s.opts.Log.Error("cannot remember how it is held up", "run", j.Run, "error", err)
	}
}

// Queued implements observe.Server.
func (s *server) Queued(run string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.jobs[run]
	return j != nil && !j.held
}

// Hold implements observe.Server. No run of the name can be made meanwhile, either.
func (s *server) Hold(name string) (release func(), ok bool) {
	nobody := observe.NewLive(nil)
	nobody.Over()
	leave, before, _ := s.host.enter(&run{name: name, live: nobody})
	if before != nil {
		return nil, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.jobs[name] != nil {
		leave()
		return nil, false
	}
	j := &job{Run: name, held: true, done: make(chan struct{})}
	s.jobs[name] = j
	return func() {
		leave()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.drop(j, true)
	}, true
}

// waiting is how many runs are queued.
func (s *server) waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue)
}

// Withdraw implements observe.Server.
func (s *server) Withdraw(ctx context.Context, run string) (bool, error) {
	for {
		if err := s.Settled(ctx, run); err != nil {
			return false, err
		}
		s.mu.Lock()
		j := s.jobs[run]
		queued := j != nil && j.queued
		if queued {
			s.queue = slices.DeleteFunc(s.queue, func(x *job) bool { return x == j })
			j.queued = false
		}
		s.mu.Unlock()
		switch {
		case queued:
			s.withdrawn(j)
			return true, nil
		case j == nil || s.host.live(run) != nil:
			return false, nil
		}
	}
}

// withdrawn is the end of a job that was taken out of the queue.
func (s *server) withdrawn(j *job) {
	s.host.keepWithdrawn(j.Run)
	s.mu.Lock()
	s.drop(j, true)
	s.mu.Unlock()
	s.admit() // it may have been too large for the room that there is
}

// drop has the server know a run no more and, unless it is to be played on, the next
// server neither. The caller holds mu.
func (s *server) drop(j *job, over bool) {
	if over {
		if err := s.forget(j.Run); err != nil {
			s.opts.Log.Error("cannot forget that it was to be played", "run", j.Run, "error", err)
		}
	}
	delete(s.jobs, j.Run)
	close(j.done)
}

// Continue implements observe.Server.
func (s *server) Continue(ctx context.Context, run string, limits []string) error {
	if err := s.Settled(ctx, run); err != nil {
		return err
	}
	if s.ctx.Err() != nil {
		return errStopping
	}
	m, err := record.ReadManifest(s.host.store.Dir(run).Manifest())
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: %s", observe.ErrNoRun, run)
	}
	if err != nil {
		return err
	}
	if err := plan.Relimit(&m.Plan, limits); err != nil {
		return observe.Refuse("%v", err)
	}
	switch status, err := s.status(ctx, run); {
	case err != nil:
		return err
	case status == observe.Queued, status == observe.Running:
		if len(limits) > 0 {
			return observe.ErrGoesOn
		}
		return nil
	case status != observe.Interrupted:
		return fmt.Errorf("%w: run %s is %s", observe.ErrConflict, run, status)
	}
	err = s.enqueue(&job{Run: run, Since: time.Now().UTC(), Limits: limits, plan: &m.Plan})
	if err == nil {
		s.admit()
	}
	return err
}

func (s *server) status(ctx context.Context, run string) (observe.Status, error) {
	r, err := s.host.store.Get(ctx, run)
	if err == nil && r.Error != "" {
		err = errors.New(r.Error)
	}
	return r.Status, err
}
