package engine

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/world"
)

// TestPace holds a run, lets it go on tick by tick, and slows it.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial(t, planOf(40, nil, "a", "b"))
		pace := &Pace{}
		tr.cfg.Pace = pace
		if err := pace.Step(t.Context(), 1); !errors.Is(err, ErrGoing) {
			t.Errorf("a step of a run that is not paused: %v", err)
		}
		pace.Pause()
		played := 0
		tr.cfg.OnTick = func(*record.Record, [32]byte) { played++ }
		over := make(chan Result)
		go func() {
			res, err := Lockstep(t.Context(), tr.cfg)
			if err != nil {
				t.Error(err)
			}
			over <- res
		}()
		for _, n := range []int{1, 3} {
			before := played
			if err := pace.Step(t.Context(), n); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			same(t, "played by a step", played-before, n)
		}
		time.Sleep(time.Hour) // nothing goes on by itself
		synctest.Wait()
		same(t, "played while paused", played, 4)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		pace.Slow(50 * time.Millisecond)
		pace.Resume()
		begun := time.Now()
		<-ctx.Done()
		synctest.Wait()
		same(t, "played in a second at 20 ticks/s", played, 4+21) // one at either end
		same(t, "the time that took", time.Since(begun), time.Second)
		pace.Slow(0)
		same(t, "ticks", (<-over).Ticks, 40)
		if err := pace.Step(t.Context(), 1); !errors.Is(err, ErrShut) {
			t.Errorf("a step of a run that is over: %v", err)
		}
	})
}

// TestStepsEndWithTheRun: whoever waits for more steps than there are is told.
func TestStepsEndWithTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial(t, planOf(3, nil, "a"))
		pace := &Pace{}
		tr.cfg.Pace = pace
		pace.Pause()
		stepped := make(chan error)
		go func() { stepped <- pace.Step(t.Context(), 10) }()
		tr.run(t)
		if err := <-stepped; err != nil {
			t.Error(err)
		}
	})
}

// TestStepsOfAStoppedRun: a tick that was given up is none that was played.
func TestStepsOfAStoppedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial(t, planOf(3, nil, "a"))
		pace := &Pace{}
		tr.cfg.Pace = pace
		pace.Pause()
		ctx, stop := context.WithCancel(t.Context())
		tr.world.step = func(tick int, _ []world.Action) (world.Stepped, error) {
			if tick == 1 {
				stop()
			}
			return world.Stepped{}, nil
		}
		stepped := make(chan error)
		go func() { stepped <- pace.Step(t.Context(), 2) }()
		res, err := Lockstep(ctx, tr.cfg)
		if err != nil || !res.Interrupted || res.Ticks != 1 {
			t.Errorf("got %+v (%v)", res, err)
		}
		if err := <-stepped; !errors.Is(err, ErrCut) {
			t.Errorf("of two steps one was played: %v", err)
		}
	})
}

// TestPausedTimeIsNotTheRuns: limits.wall counts what a run has taken.
func TestPausedTimeIsNotTheRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial(t, planOf(5, nil, "a"))
		tr.cfg.Plan.Limits.Wall = time.Minute
		pace := &Pace{}
		tr.cfg.Pace = pace
		pace.Pause()
		go func() {
			time.Sleep(time.Hour)
			pace.Resume()
		}()
		same(t, "ticks", tr.run(t).Ticks, 5)
	})
}

// TestPacedRealtime: turns begin as the pace says, and what is quiet while it is
// paused does not end the run.
func TestPacedRealtime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := planOf(6, nil, "a", "b")
		p.Clock.Mode, p.Clock.Quiet = "realtime", time.Second
		tr := newTrial(t, p)
		m := newRestless(t, 1)
		m.any = nil
		tr.fleet, tr.cfg.Fleet = m.scripted, m
		pace := &Pace{}
		tr.cfg.Pace = pace
		pace.Pause()
		played := 0
		tr.cfg.OnTick = func(*record.Record, [32]byte) { played++ }
		over := make(chan Result)
		go func() {
			res, err := Realtime(t.Context(), tr.cfg)
			if err != nil {
				t.Error(err)
			}
			over <- res
		}()
		time.Sleep(time.Hour)
		synctest.Wait()
		same(t, "played while paused", played, 0)
		if err := pace.Step(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		same(t, "played by two steps", played, 2)
		pace.Slow(time.Second)
		pace.Resume()
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		same(t, "played in a second and a half, one a second", played, 4)
		pace.Slow(0)
		<-over
	})
}
