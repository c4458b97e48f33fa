package runtime

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/engine"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/supervisor"
	"github.com/troupe-dev/troupe/workspace"
)

// repeatDeadline is how long an agent may take over an answer that it gave
// before, whatever its own deadline: what a clock decides is no difference.
const repeatDeadline = time.Minute

// execute runs the world and the agents of a recorded run again; models are not
// asked: what they answered is on record.
func (r *recorded) execute(ctx context.Context, log *record.Log, o *VerifyOptions, res *VerifyResult) (*engine.Repeated, error) {
	p := &r.manifest.Plan
	if err := repeatable(p); err != nil {
		return nil, fmt.Errorf("cannot execute run %s again: %w", r.manifest.Run, err)
	}
	secrets, err := readSecrets(secretive(p))
	if err != nil {
		return nil, err
	}
	x := &run{plan: p, opts: Options{Kill: o.Kill}, name: r.manifest.Run, dir: r.scratch, log: log, secrets: secrets}
	defer x.stop()
	x.onStop(new(thrift).hold(len(p.Agents)))
	if err := errors.Join(r.installPrograms(), r.installTemplates()); err != nil {
		return nil, err
	}
	// The scratch directory lies as deep below the data directory as a run's.
	if err := x.raise(filepath.Dir(filepath.Dir(r.scratch.Dir))); err != nil {
		return nil, err
	}
	if err := x.openProxy(); err != nil {
		return nil, err
	}
	w, err := x.world()
	if err != nil {
		return nil, err
	}
	shelf := &lateShelf{}
	x.onStop(shelf.close)
	gate, err := x.pastGate(r.dir.Gateway(), o.Strict)
	if err != nil {
		return nil, err
	}
	told := pastLog{Log: log, upto: &atomic.Int64{}}
	x.fleet = supervisor.New(supervisor.Options{
		Run: x.name, Scenario: p.Name, Dir: x.dir, Walls: x.walls, Bin: x.bin, Deadline: repeatDeadline, Last: -1,
		Residents: p.Limits.Resident, Shared: shelf.contents(p), AtOnce: p.Clock.Mode == plan.Realtime,
		Replay: func(ctx context.Context, agents []string, _ int, yield func(*agent.Observe, *agent.Act) error) error {
			return engine.History(ctx, told, p, nil, agents, yield)
		},
	})
	x.onStop(func() { _ = x.dir.RemoveSockets() })
	x.ports = newPorts(&portBook{})
	x.onStop(x.ports.close)
	x.onStop(x.stopFleet)
	fleet := &repeater{newFleet(x.fleet, p, x.name, x.dir, secrets), told.upto}
	fleet.gate, fleet.bin = gate, x.bin
	fleet.proxy, fleet.ports = x.proxy, x.ports
	if fleet.sources, err = x.sources(p, r.dir, r.manifest.Recorded); err != nil {
		return nil, err
	}
	cfg := engine.Config{Plan: p, World: w, Fleet: fleet, Log: log, Run: x.name}
	specs := fleet.specs(fleet.askable(p.Processes))
	if p.Fork != nil && p.Fork.Tick > 0 {
		if specs, err = fleet.fork(ctx, &cfg, told); err != nil {
			return nil, err
		}
	}
	if err := shelf.open(&cfg, x.dir, log); err != nil {
		return nil, err
	}
	if err := x.fleet.Start(ctx, specs); err != nil {
		return nil, err
	}
	repeated, err := engine.Repeat(ctx, cfg)
	res.Drift = gate.drift()
	return repeated, err
}

// fork says how a run that is one is executed again: from its fork on, since the
// ticks before it are another run's. Agents that took over files of that run cannot
// be brought back to where they were.
func (r *repeater) fork(ctx context.Context, cfg *engine.Config, told pastLog) (specs []supervisor.Spec, err error) {
	f := cfg.Plan.Fork
	r.upto.Store(int64(f.Tick))
	if cfg.From, err = engine.Restore(ctx, told, cfg.Plan, cfg.Run, cfg.World, nil); err != nil {
		return nil, err
	}
	cfg.Uncompared = map[string]string{}
	for _, id := range f.Files {
		cfg.Uncompared[id] = fmt.Sprintf("it went on with files of run %s", f.Run)
	}
	for _, s := range r.returning(cfg.From) {
		if !unasked(cfg.Plan, &cfg.Plan.Entries[r.agent(s.Agents[0].Agent).Entry]) && cfg.Uncompared[s.Agents[0].Agent] == "" {
			specs = append(specs, s)
		}
	}
	return specs, nil
}

// repeatable says why nothing of a plan can be held against its record.
func repeatable(p *plan.Plan) error {
	for i := range p.Agents {
		if !unasked(p, &p.Entries[p.Agents[i].Entry]) {
			return nil
		}
	}
	if len(p.Agents) == 0 {
		return nil
	}
	e := &p.Entries[p.Agents[0].Entry]
	return fmt.Errorf("none of its agents can be asked again: of %s, %s; without --execute the chain of hashes is verified", e.ID, p.Unasked(e.Kind, e.Gateway))
}

// unasked says whether agents of an entry cannot be asked again.
func unasked(p *plan.Plan, e *plan.Entry) bool { return p.Unasked(e.Kind, e.Gateway) != "" }

// secretive is the plan with those secrets alone that its programs are given.
func secretive(p *plan.Plan) *plan.Plan {
	c := *p
	c.Secrets = map[string]plan.Secret{}
	for i := range p.Entries {
		if e := &p.Entries[i]; !unasked(p, e) {
			for _, name := range e.Secrets {
				c.Secrets[name] = p.Secrets[name]
			}
		}
	}
	return &c
}

// installPrograms brings the run's copies of its programs into the scratch
// directory.
func (r *recorded) installPrograms() error {
	for _, p := range allPrograms(&r.manifest.Plan) {
		copies := make([]workspace.Copy, len(p.Files))
		for i, f := range p.Files {
			copies[i] = copyOf(f)
			copies[i].Source = filepath.Join(r.dir.Program(p.Dir), filepath.FromSlash(f.Path))
		}
		if err := r.scratch.Install(p.Dir, copies); err != nil {
			return fmt.Errorf("cannot use the run's copies of its programs: %w", err)
		}
	}
	return nil
}

// A pastLog is a log up to where a run that is played again is: what a process
// that crashes is told again.
type pastLog struct {
	*record.Log
	upto *atomic.Int64
}

var errUpto = errors.New("the past ends here")

// Read is the log's, up to the tick that is being played.
func (p pastLog) Read(ctx context.Context, from int, fn func(*record.Record, [record.HashSize]byte) error) error {
	err := p.Log.Read(ctx, from, func(rec *record.Record, hash [record.HashSize]byte) error {
		if int64(rec.Tick) >= p.upto.Load() {
			return errUpto
		}
		return fn(rec, hash)
	})
	if errors.Is(err, errUpto) {
		return nil
	}
	return err
}

// A repeater is a fleet for a run that is played again: without the agents that
// cannot be asked.
type repeater struct {
	*fleet
	upto *atomic.Int64
}

// Committed implements the engine's fleet.
func (r *repeater) Committed(tick int) {
	r.upto.Store(int64(tick) + 1)
	r.fleet.Committed(tick)
}

// Add implements the engine's fleet.
func (r *repeater) Add(agents []plan.Agent, ps []plan.Process) { r.fleet.Add(agents, r.askable(ps)) }

// Substitute implements the engine's fleet.
func (r *repeater) Substitute(id string, sub plan.Substitute) {
	if r.plan.Unasked(sub.Kind, sub.Gateway) != "" {
		r.Retire([]string{id}, "substituted")
		return
	}
	r.fleet.Substitute(id, sub)
}

// askable are the processes whose agents can be asked again.
func (r *repeater) askable(ps []plan.Process) []plan.Process {
	var rest []plan.Process
	for _, p := range ps {
		if !unasked(r.plan, &r.plan.Entries[p.Entry]) {
			rest = append(rest, p)
		}
	}
	return rest
}
