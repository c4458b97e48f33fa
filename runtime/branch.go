package runtime

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/troupe-dev/troupe/bus"
	"github.com/troupe-dev/troupe/runtime/engine"
	"github.com/troupe-dev/troupe/runtime/record"
)

// branch makes the run that is a fork. It is there once its manifest is: what was
// made until then is taken back, or removed by who claims the name next.
func (r *run) branch(ctx context.Context, data string) error {
	f := r.forking
	parent, err := r.parentLog(ctx)
	if err != nil {
		return fmt.Errorf("cannot fork run %s: %w", f.opts.Run, err)
	}
	if err := r.claim(data); err != nil {
		return err
	}
	if err := r.graft(ctx, data, parent); err != nil {
		if gone := r.host.bus.DeleteStream(r.name); gone != nil && !errors.Is(gone, bus.ErrNoStream) {
			err = errors.Join(err, gone)
		}
		return fmt.Errorf("cannot fork run %s: %w", f.opts.Run, errors.Join(err, r.dir.Remove()))
	}
	r.resumed = true
	return r.reopen(ctx, data)
}

// parentLog opens the parent's log, and finds the hash before the fork.
func (r *run) parentLog(ctx context.Context) (*record.Log, error) {
	f := r.forking
	stream, err := r.host.bus.OpenStream(f.opts.Run)
	if err != nil {
		return nil, err
	}
	r.onStop(stream.Close)
	genesis := f.parent.Plan.Genesis()
	log, err := record.Open(ctx, stream, genesis)
	if err != nil {
		return nil, err
	}
	tick, _, end := log.Last()
	switch at := f.opts.At; {
	case at > tick+1:
		return nil, fmt.Errorf("it has %d ticks, and none before tick %d", tick+1, at)
	case at == tick+1 && end != record.NotEnded:
		return nil, fmt.Errorf("it ended with tick %d, behind which nothing can follow: the last one to fork at is %d", tick, tick)
	}
	f.plan.Fork.Hash = hexHash(genesis)
	if f.opts.At > 0 {
		err = log.Read(ctx, f.opts.At-1, func(_ *record.Record, hash [record.HashSize]byte) error {
			f.plan.Fork.Hash = hexHash(hash)
			return errRead
		})
	}
	if err != nil && !errors.Is(err, errRead) {
		return nil, err
	}
	return log, nil
}

// graft brings all that the new run takes over into it, its manifest last.
func (r *run) graft(ctx context.Context, data string, parent *record.Log) (err error) {
	if r.kept, err = r.keepSources(ctx, data); err != nil {
		return err
	}
	if err := r.raise(data); err != nil {
		return err
	}
	stream, err := r.host.bus.CreateStream(r.name)
	if err != nil {
		return err
	}
	defer stream.Close()
	log := record.Create(stream, r.plan.Genesis())
	if err := log.Adopt(ctx, parent, r.plan.Fork.Tick); err != nil {
		return err
	}
	start, err := engine.Rebuild(ctx, log, r.plan)
	if err != nil {
		return err
	}
	if err := r.takeStates(ctx, start, log); err != nil {
		return err
	}
	// Once more, with what has been found out about sessions.
	if start, err = engine.Rebuild(ctx, log, r.plan); err != nil {
		return err
	}
	if err := r.takeCheckpoints(start); err != nil {
		return err
	}
	return r.manifest(ctx)
}

// A goingOn is a process whose files or states are taken over.
type goingOn struct {
	agents []string
	files  int  // the tick that they are of; -1 for none
	states bool // it is told what has been since, so that it is where it was
}

// takeStates copies what is kept of the processes that go on, and finds out
// where they really do.
func (r *run) takeStates(ctx context.Context, start *engine.Start, log *record.Log) error {
	f := newFleet(nil, r.plan, r.name, r.dir, r.secrets)
	fork := r.plan.Fork
	var all []goingOn
	for _, s := range f.returning(start) {
		if s.Kind.Bodiless() || s.Reobserve && !s.Snapshot {
			continue
		}
		g := goingOn{files: -1, states: s.Reobserve}
		for i := range s.Agents {
			g.agents = append(g.agents, s.Agents[i].Agent)
		}
		if fork.Tick > 0 && len(r.plan.Changed(g.agents)) == 0 {
			var err error
			if g.files, err = r.dir.Adopt(r.forking.dir, s.ID, fork.Tick-1); err != nil {
				return err
			}
		}
		all = append(all, g)
	}
	if len(all) == 0 {
		return nil
	}
	return r.placeStates(ctx, all, log)
}

// placeStates notes who goes back further than the fork: those whose files are
// older than the last tick in which they were asked.
func (r *run) placeStates(ctx context.Context, all []goingOn, log *record.Log) error {
	fork, back := r.plan.Fork, map[string]int{} // by agent, the tick that its files are of
	fork.Starts, fork.Sessions = map[string]int{}, map[string]string{}
	for _, g := range all {
		for _, id := range g.agents {
			back[id] = g.files
		}
	}
	asked, sessions := map[string]int{}, map[string]string{}
	err := log.Read(ctx, 0, func(rec *record.Record, _ [record.HashSize]byte) error {
		for i := range rec.Turns {
			asked[rec.Turns[i].Agent] = rec.Tick
		}
		for i := range rec.Annex.Usages {
			u := &rec.Annex.Usages[i]
			if last, goes := back[u.Agent]; goes && rec.Tick <= last && u.Session != "" {
				sessions[u.Agent] = u.Session
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, g := range all {
		if g.states {
			continue
		}
		if g.files >= 0 {
			fork.Files = append(fork.Files, g.agents...)
		}
		last := -1
		for _, id := range g.agents {
			if tick, was := asked[id]; was {
				last = max(last, tick)
			}
		}
		if g.files >= last {
			continue
		}
		for _, id := range g.agents {
			fork.Sessions[id], fork.Starts[id] = sessions[id], -1
			if g.files >= 0 {
				fork.Starts[id] = g.files + 1
			}
		}
	}
	return nil
}

// takeCheckpoints copies those that stand before the fork or at it, unless what is
// summed up in them is of no use to the new plan. The one at the fork has the
// society as the new plan has it.
func (r *run) takeCheckpoints(start *engine.Start) error {
	f := r.forking
	if !reflect.DeepEqual(f.parent.Plan.Expect, r.plan.Expect) {
		return nil
	}
	ticks, err := record.Checkpoints(f.dir.Checkpoints())
	if err != nil {
		return err
	}
	for _, tick := range ticks {
		if tick > r.plan.Fork.Tick {
			continue
		}
		k, err := record.ReadCheckpoint(f.dir.Checkpoints(), tick)
		if err != nil {
			continue // torn: what it says is told by the log
		}
		if tick == r.plan.Fork.Tick {
			if k.Society, err = start.Society(); err != nil {
				return err
			}
		}
		if err := record.WriteCheckpoint(r.dir.Checkpoints(), k, true); err != nil {
			return err
		}
	}
	return nil
}
