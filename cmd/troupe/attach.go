package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/troupe-dev/troupe/runtime"
	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/runtime/record"
)

// serving is the supervisor that plays others' runs in the command's data
// directory; nil where there is none.
func serving(c *cli.Context) observe.Runs {
	runs := observe.Dial(c.Context, c.String("data"))
	if runs == nil {
		return nil
	}
	if err := runs.Serves(c.Context); err != nil {
		_ = runs.Close()
		return nil
	}
	return runs
}

// serverPatience is how long a submission waits for a server that is starting.
const serverPatience = 10 * time.Second

// awaitServer is serving for who has nothing to do without one.
func awaitServer(c *cli.Context) (observe.Runs, error) {
	for end := time.Now().Add(serverPatience); ; time.Sleep(look) {
		if server := serving(c); server != nil {
			return server, nil
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("no troupe serve holds %s: start one, or leave out --submit", c.String("data"))
		}
	}
}

// submit has a server play a scenario, and shows how it goes as if it were played
// here.
func submit(c *cli.Context, server observe.Runs, path string, models *runtime.ReplayModels) error {
	defer func() { _ = server.Close() }()
	for _, flag := range []string{"listen", "bus-listen", "log"} {
		if c.IsSet(flag) {
			return usage("--%s: troupe serve holds the data directory and plays the run; it listens and logs as it was told to", flag)
		}
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("cannot submit %s: %w", path, err)
	}
	sub := observe.Submission{
		Path: abs, Name: c.String("name"), Set: c.StringSlice("set"), Models: models,
		Paused: c.Bool("paused"), Speed: c.Float64("speed"),
	}
	if c.IsSet("seed") {
		seed := c.Uint64("seed")
		sub.Seed = &seed
	}
	made, err := server.Create(c.Context, sub)
	if err != nil {
		return explain(err)
	}
	return showThere(c, server, made.Run, 0)
}

// resumeThere has the supervisor that is alive go on with a run. Going is false
// where there is none, or it has to do with other runs alone.
func resumeThere(c *cli.Context, run string) (going bool, err error) {
	runs := observe.Dial(c.Context, c.String("data"))
	if runs == nil {
		return false, nil
	}
	defer func() { _ = runs.Close() }()
	now, err := runs.Get(c.Context, run)
	if err != nil {
		return true, explain(err)
	}
	switch {
	case now.Status == observe.Running && now.Paused && !c.IsSet("set"):
		return true, explain(runs.Resume(c.Context, run, nil))
	case runs.Serves(c.Context) != nil:
		return false, nil // which will say who holds the directory
	case now.Status == observe.Interrupted,
		c.IsSet("set") && (now.Status == observe.Queued || now.Status == observe.Running): // which refuses the limits
		if err := runs.Resume(c.Context, run, c.StringSlice("set")); err != nil {
			return true, explain(err)
		}
	}
	return true, showThere(c, runs, run, now.Ticks)
}

// look is how often an attached command looks for more.
const look = 100 * time.Millisecond

// showThere shows how a server plays a run from a tick on, until it is over. To be
// interrupted is to have the run stopped; twice, not to wait for that.
func showThere(c *cli.Context, server observe.Runs, run string, from int) error {
	interrupted, kill, release := interruptions()
	defer release()
	ctx, cancel := context.WithCancelCause(c.Context)
	a := &attached{show: newShow(os.Stderr), server: server, run: run, next: from}
	var waiting sync.WaitGroup
	defer waiting.Wait()
	defer cancel(nil)
	waiting.Go(func() { a.stop(ctx, interrupted, cancel) })
	waiting.Go(func() {
		select {
		case <-kill: // the server goes on with stopping it
			cancel(exit{code: exitInterrupted})
		case <-ctx.Done():
		}
	})
	res, failed, err := a.follow(ctx)
	a.show.clear()
	switch {
	case err != nil && ctx.Err() != nil:
		return explain(context.Cause(ctx))
	case errors.Is(err, observe.ErrUnreachable) && a.stopped.Load():
		return exit{exitInterrupted, fmt.Errorf("interrupted; troupe resume %s goes on", run)}
	case errors.Is(err, observe.ErrUnreachable):
		return fmt.Errorf("%w\n  the next troupe serve goes on with run %s, and troupe resume %s shows it then", err, run, run)
	case err != nil:
		return explain(err)
	}
	return conclude(c, res, failed)
}

// An attached command shows a run that a server plays.
type attached struct {
	show    *show
	server  observe.Runs
	run     string
	next    int // tick to be shown
	sum     record.Summary
	waiting bool
	begun   bool
	stopped atomic.Bool // because somebody has interrupted this command
}

// stop has the run stopped once somebody interrupts; failed is told why that cannot be.
func (a *attached) stop(ctx, interrupted context.Context, failed func(error)) {
	select {
	case <-interrupted.Done():
	case <-ctx.Done():
		return
	}
	err := a.server.Stop(ctx, a.run)
	a.stopped.Store(err == nil)
	if err != nil && !errors.Is(err, observe.ErrNotRunning) && !errors.Is(err, observe.ErrUnreachable) {
		failed(err)
	}
}

// follow shows the run until it is over, and gives what it came to: with what it
// failed, or why that cannot be said.
func (a *attached) follow(ctx context.Context) (res *runtime.Result, failed, err error) {
	var text json.RawMessage
	for {
		over, err := a.look(ctx)
		if err != nil {
			return nil, nil, err
		}
		if over {
			text, err = a.server.Result(ctx, a.run)
		}
		if over && err == nil {
			break
		}
		if err != nil && !errors.Is(err, observe.ErrRunning) { // else another has it go on
			return nil, nil, err
		}
		select {
		case <-time.After(look):
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
	var told runtime.ResultJSON
	if err := json.Unmarshal(text, &told); err != nil {
		return nil, nil, fmt.Errorf("cannot read the result of run %s: %w", a.run, err)
	}
	if told.Error != "" {
		failed = errors.New(told.Error)
	}
	res, err = told.Result()
	return res, failed, err
}

// look shows what has happened since.
func (a *attached) look(ctx context.Context) (over bool, err error) {
	now, err := a.server.Get(ctx, a.run)
	if err != nil {
		return false, err
	}
	if now.Status == observe.Queued {
		if !a.waiting && !a.begun { // else it is being given back
			a.waiting = true
			a.show.say("run %s waits until there is room for it", a.run)
		}
		return false, nil
	}
	if !a.begun {
		if now.Status == observe.Interrupted && now.Ticks == a.next {
			return true, nil // it was withdrawn, or could not be played
		}
		a.begun = true
		a.show.Starting(runtime.Opening{Run: a.run, Agents: now.Agents, Processes: now.Processes, People: now.People, Ticks: now.Last, From: a.next, Paused: now.Paused})
	}
	if now.Ticks > a.next {
		err = observe.Read(ctx, a.server, a.run, a.next, func(r *record.Record, hash [record.HashSize]byte) error {
			a.sum.Add(r, hash)
			for _, f := range r.Annex.Facts {
				a.show.Happened(f)
			}
			a.show.Ticked(r, &a.sum)
			a.next = r.Tick + 1
			return nil
		})
	}
	return now.Status != observe.Running, err
}
