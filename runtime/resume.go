package runtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/troupe-dev/troupe/bus"
	"github.com/troupe-dev/troupe/runtime/engine"
	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/supervisor"
	"github.com/troupe-dev/troupe/workspace"
)

// Resume goes on with the run o.Name from the last committed tick, to the same
// end that it would have had: what a dead supervisor left running is killed,
// what lies behind the last sound tick of a damaged log is dropped, the world
// is stepped through the recorded outcomes, the agents are told their past.
// Limits replace those of the plan, for this time. The result of a run that is
// over is given as it is, and nothing is started. Otherwise it is as Run.
func Resume(ctx context.Context, o Options, limits []string) (*Result, error) {
	r, err := resumed(o, limits)
	if err != nil {
		return nil, err
	}
	return execute(ctx, r)
}

// resumed is the run o.Name, to be gone on with.
func resumed(o Options, limits []string) (*run, error) {
	m, err := readRun(o)
	if err != nil {
		return nil, err
	}
	p := &m.Plan
	if err := plan.Relimit(p, limits); err != nil {
		return nil, err
	}
	o.Scenario, o.Models = m.Scenario, m.Models
	return &run{plan: p, opts: o, name: o.Name, resumed: true, kept: m.Recorded}, nil
}

// readRun reads the manifest of the run that is resumed.
func readRun(o Options) (*record.Manifest, error) {
	data, err := filepath.Abs(o.Data)
	if err != nil {
		return nil, fmt.Errorf("cannot use the data directory: %w", err)
	}
	dir := workspace.Run{Dir: filepath.Join(data, "runs", o.Name)}
	m, err := record.ReadManifest(dir.Manifest())
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w %s in %s", observe.ErrNoRun, o.Name, o.Data)
	}
	return m, err
}

// reopen opens the log of a run that is resumed, once nothing of the dead
// supervisor's is left.
func (r *run) reopen(ctx context.Context, data string) error {
	r.dir = workspace.Run{Dir: filepath.Join(data, "runs", r.name)}
	if r.forking == nil { // a fork has claimed its name
		leave, err := r.host.reenter(r)
		if err != nil {
			return err
		}
		r.onStop(leave)
	}
	killed, err := supervisor.KillLeftovers(ctx, r.dir.Dir)
	if err == nil {
		err = r.dir.RemoveSockets() // of a run that is over, too, in which nobody will
	}
	if err != nil {
		return fmt.Errorf("cannot resume run %s: %w", r.name, err)
	}
	r.survivors = killed
	if r.walls == nil { // a fork has raised them
		if err := r.raise(data); err != nil {
			return fmt.Errorf("cannot resume run %s: %w", r.name, err)
		}
	}
	stream, err := r.host.bus.OpenStream(r.name)
	switch {
	case errors.Is(err, bus.ErrNoStream) && r.started():
		return fmt.Errorf("cannot resume run %s: its log is lost: it is not in the store at %s", r.name, filepath.Join(data, "bus"))
	case errors.Is(err, bus.ErrNoStream):
		stream, err = r.host.bus.CreateStream(r.name)
	}
	if err != nil {
		return fmt.Errorf("cannot resume run %s: %w", r.name, err)
	}
	r.onStop(stream.Close)
	if err := r.mend(ctx, stream); err != nil {
		return fmt.Errorf("cannot resume run %s: %w", r.name, err)
	}
	if r.log, err = record.Open(ctx, stream, r.plan.Genesis()); err != nil {
		return fmt.Errorf("cannot resume run %s: %w", r.name, err)
	}
	tick, hash, end := r.log.Last()
	r.live.Committed(observe.State{Ticks: tick + 1, Hash: hash, End: end})
	return nil
}

// mend takes up the newest checkpoint, and drops what lies behind the last sound
// tick of the log. Opening a log looks at both of its ends alone: damage in
// between would come up in the middle of restoring.
func (r *run) mend(ctx context.Context, stream *bus.Stream) (err error) {
	genesis := r.plan.Genesis()
	r.checkpoints = newCheckpoints(r.dir.Checkpoints(), r.plan)
	if r.from, err = r.checkpoints.recover(ctx, stream, genesis); err != nil {
		return err
	}
	from := 0
	if r.forgets() && !stream.Damaged() { // one that is takes no more, wherever that is
		from = max(r.from.Next()-1, 0)
	}
	if _, r.dropped, err = record.Repair(ctx, stream, genesis, from); err != nil || r.dropped == 0 {
		return err
	}
	r.from, err = r.checkpoints.recover(ctx, stream, genesis) // those that stand where the log does
	return err
}

// forgets says whether nothing before the newest checkpoint is read again: its
// world has told its state, and no agent is told all of its past.
func (r *run) forgets() bool {
	if r.from == nil || r.from.World == nil {
		return false
	}
	for i := range r.plan.Entries {
		e := &r.plan.Entries[i]
		if e.State == "reobserve" {
			return false
		}
		for _, p := range e.Policies {
			if p.Substitute != nil { // which comes back as its kind does
				return false
			}
		}
	}
	return true
}

// started says whether a process of the run was ever started: without one, its
// supervisor was killed before it had made the log.
func (r *run) started() bool {
	_, err := os.Stat(filepath.Join(r.dir.Dir, "agents"))
	return !errors.Is(err, os.ErrNotExist)
}

// recall takes up what the newest checkpoint and the log say of the ticks before.
func (p *publisher) recall(ctx context.Context) error {
	if from := p.run.from; from != nil {
		p.sum = from.Summary.Clone()
		if err := p.expect.resume(from.Expect); err != nil {
			return err
		}
	}
	return p.run.log.Read(ctx, p.run.from.Next(), func(rec *record.Record, hash [record.HashSize]byte) error {
		p.sum.Add(rec, hash)
		p.expect.add(rec)
		return nil
	})
}

// replayed is the result of a run that is over.
func (r *run) replayed(ctx context.Context, res engine.Result) (*Result, error) {
	pub := &publisher{run: r, expect: newChecker(r.plan.Expect)}
	if err := pub.recall(ctx); err != nil {
		return nil, err
	}
	return r.result(pub, res), nil
}

// cast gives the processes that are to start, and says where the loop goes on.
func (r *run) cast(ctx context.Context, cfg *engine.Config, f *fleet) ([]supervisor.Spec, error) {
	if !r.resumed {
		return f.specs(r.plan.Processes), nil
	}
	var from *engine.Checkpoint
	if r.from != nil && r.from.World != nil {
		from = played(r.from)
	}
	var err error
	if cfg.From, err = engine.Restore(ctx, r.log, r.plan, r.name, cfg.World, from); err != nil {
		return nil, fmt.Errorf("cannot resume run %s: %w", r.name, err)
	}
	specs := f.returning(cfg.From)
	f.seats.restore(cfg.From)
	return specs, nil
}

// returning are the processes of the agents that a run goes on with.
func (f *fleet) returning(start *engine.Start) []supervisor.Spec {
	sessions, spent := start.Sessions(), start.Spent()
	agents, processes := start.Added()
	for _, a := range agents {
		f.later[a.ID] = a
	}
	substitutes := start.Substitutes()
	own := map[string]bool{} // those whose own process answers
	for _, id := range start.Living() {
		_, replaced := substitutes[id]
		own[id] = !replaced
	}
	var specs []supervisor.Spec
	for _, p := range append(append([]plan.Process{}, f.plan.Processes...), processes...) {
		var ids []string
		for _, id := range p.Agents {
			if own[id] {
				ids = append(ids, id)
			}
		}
		if len(ids) > 0 {
			p.Agents = ids
			specs = append(specs, f.specs([]plan.Process{p})...)
		}
	}
	for _, id := range start.Living() {
		if sub, ok := substitutes[id]; ok {
			specs = append(specs, f.substitute(id, sub))
		}
	}
	for i := range specs {
		specs[i].Past, specs[i].LastSession = true, sessions[specs[i].Agents[0].Agent]
		specs[i].Spent = cmp.Or(spent[specs[i].Name()], spent[specs[i].ID])
	}
	return specs
}
