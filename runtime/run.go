package runtime

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"github.com/troupe-dev/troupe/bus"
	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/engine"
	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/proxy"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/supervisor"
	"github.com/troupe-dev/troupe/runtime/world"
	"github.com/troupe-dev/troupe/workspace"
)

// Run executes a plan from its first tick to its end, and returns when every
// process is gone. A context that ends interrupts the run: the open tick is
// abandoned, the agents are stopped within 4 s, and the run can be resumed. An
// error with a Result is a run that began and failed; what was committed until
// then stands.
func Run(ctx context.Context, p *plan.Plan, o Options) (*Result, error) {
	return execute(ctx, &run{plan: p, opts: o})
}

// execute takes a run to its end, in a host of its own.
func execute(ctx context.Context, r *run) (_ *Result, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if r.secrets, err = readSecrets(r.plan); err != nil {
		return nil, err
	}
	h, err := openHost(HostOptions{
		Data: r.opts.Data, BusListen: r.opts.BusListen, Listen: r.opts.Listen, Tokens: r.opts.Tokens, Command: r.opts.Command,
		Log:  r.opts.Log,
		Sync: r.plan.Durability == plan.DurableMachine,
	}, role{onBus: onBus(r.plan), unready: func() string { return r.unready(ctx) }})
	if err != nil {
		return nil, err
	}
	defer h.Close()
	return h.execute(ctx, r)
}

// execute takes a run to its end. One that is to go on, and is stopped before it does,
// is interrupted where it was.
func (h *Host) execute(ctx context.Context, r *run) (*Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.live = observe.NewLive(cancel)
	res, err := h.wire(ctx, r)
	if res != nil || !r.resumed || errors.Is(err, observe.ErrRunning) {
		return res, err
	}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		if stands, unread := h.unplayed(r.name); unread == nil && stands.Status == observe.Interrupted {
			h.keepWithdrawn(r.name)
			return stands, nil
		}
	}
	h.keepUnplayed(r.name, err)
	return nil, err
}

// unplayed is what a run comes to that has not gone on, as far as it can be said
// without reading all of it.
func (h *Host) unplayed(name string) (*Result, error) {
	at, err := h.store.Get(context.Background(), name)
	if err != nil {
		return nil, err
	}
	res := &Result{Run: name, Scenario: at.Scenario, Seed: at.Seed, Status: observe.Interrupted, Summary: record.Summary{Ticks: at.Ticks}}
	if at.Status == observe.Finished || at.Status == observe.Aborted {
		res.Status = at.Status
	}
	if at.Error != "" {
		return res, errors.New(at.Error)
	}
	_, err = hex.Decode(res.Summary.Hash[:], []byte(at.Hash))
	return res, err
}

// keepUnplayed writes down for whoever waits for what a run comes to that it was not
// played on, and what has failed, if anything.
func (h *Host) keepUnplayed(name string, failed error) {
	if res, _ := h.unplayed(name); res != nil && res.Status == observe.Interrupted { // else it is gone, or over
		keepResult(h.store.Dir(name), res.Tell(failed))
	}
}

// keepWithdrawn is keepUnplayed where nothing has failed: what it came to before, if
// that is known, is what it comes to.
func (h *Host) keepWithdrawn(name string) {
	if _, err := os.Stat(h.store.Dir(name).Result()); errors.Is(err, os.ErrNotExist) {
		h.keepUnplayed(name, nil)
	}
}

// wire makes all that a run needs, plays it, and gives everything back.
func (h *Host) wire(ctx context.Context, r *run) (res *Result, err error) {
	r.host = h
	if h.opts.Log != nil {
		h.opts.Log.hide(r.secrets)
		r.opts.Watch = &logWatch{h.opts.Log.Logger}
	}
	r.humans = newHumans()
	r.ports = newPorts(&h.ports)
	r.live.Served, r.live.Observer = r.ports, r.observer
	r.observers = sync.OnceValues(func() (bus.Credentials, error) { return h.bus.Observer(r.name) })
	r.live.Stopping = r.opts.Stopped
	r.live.Outside, r.live.Pacer, r.live.Humans = &outside{&r.door}, &r.pacer, r.humans
	r.pacer.run = r
	r.pacer.pace.Slow(interval(r.opts.Speed))
	if r.opts.Paused {
		r.pacer.pace.Pause()
	}
	defer r.stop()
	r.onStop(h.thrift.hold(len(r.plan.Agents)))
	if h.opts.BusListen != "" {
		r.onStop(r.retireObservers)
	}
	if err := r.open(ctx, h.data); err != nil {
		r.dismiss()
		return nil, err
	}
	r.onStop(r.dismiss) // before the host's stop, which waits for those who ask
	r.onStop(func() {   // all processes are gone, and others take the run for running still
		if err == nil {
			err = r.untidy
		}
		if res != nil {
			res.Survivors = r.survivors
			keepResult(r.dir, res.Tell(err))
		}
	})
	res, err = r.play(ctx)
	r.stop()
	return res, err
}

// observer lets those in who follow the run on the bus.
func (r *run) observer() (observe.Observer, error) {
	if r.host.opts.BusListen == "" {
		return observe.Observer{}, observe.NotHeard(r.name)
	}
	c, err := r.observers()
	return observe.NewObserver(r.name, r.host.bus.Addr(), c), err
}

// dismiss lets all go who wait for the run, whether it was played or not.
func (r *run) dismiss() {
	r.door.Shut()
	r.pacer.pace.Close(true)
	r.live.Over()
}

// retireObservers lets no more observers in: the run is over, and another one of its
// name is not theirs to follow.
func (r *run) retireObservers() {
	if c, err := r.observers(); err == nil {
		r.host.bus.Retire(c)
	}
}

// keepResult writes what a run came to into its directory, for whoever was not
// there. Where it cannot be written, the log has all of it.
func keepResult(dir workspace.Run, told *ResultJSON) {
	_ = workspace.WriteFile(dir.Result(), false, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		return enc.Encode(told)
	})
}

// A run is what Run has wired so far. Stops are the releases of what was
// acquired, undone in reverse order.
type run struct {
	plan        *plan.Plan
	secrets     map[string]string // values, by name
	opts        Options
	name        string
	resumed     bool
	forking     *Forking // of a run that begins as a fork; nil else
	kept        []record.Source
	dropped     int // entries of its log that were damaged or lay behind such
	dir         workspace.Run
	walls       *workspace.Walls
	bin         string // for the agents' PATH; empty for nothing
	host        *Host
	observers   func() (bus.Credentials, error) // what they connect with, the same for all
	log         *record.Log
	from        *record.Checkpoint // the newest, of a run that is resumed; nil for its start
	checkpoints *checkpoints
	fleet       *supervisor.Fleet
	gate        *gate
	proxy       *proxy.Proxy   // to hosts; nil where no program may reach any
	worldLog    supervisor.Log // of a world that is a process
	live        *observe.Live
	door        engine.Door
	pacer       pacer
	metrics     *observe.RunMetrics // nil where the host shows none
	humans      *humans
	ports       *ports       // that its agents serve
	phase       atomic.Int32 // one of the phases
	survivors   int
	over        *Result         // once the loop has come to its end
	untidy      error           // what could not be done with the workspaces then
	left        <-chan struct{} // closed once the host knows it no more
	stops       []func()
}

func (r *run) onStop(f func()) { r.stops = append(r.stops, f) }

// stop undoes all, the last acquired first: whoever uses a thing stops before
// the thing does.
func (r *run) stop() {
	for i := len(r.stops) - 1; i >= 0; i-- {
		r.stops[i]()
	}
	r.stops = nil
}

// open makes the run, or opens the one that is there.
func (r *run) open(ctx context.Context, data string) error {
	if r.resumed {
		return r.reopen(ctx, data)
	}
	if r.forking != nil {
		return r.branch(ctx, data)
	}
	if err := r.claim(data); err != nil {
		return err
	}
	if err := r.begin(ctx, data); err != nil {
		return errors.Join(err, r.dir.Remove()) // there is no run: its name is free again
	}
	return nil
}

// begin writes down what the run is, and makes its empty log.
func (r *run) begin(ctx context.Context, data string) (err error) {
	if r.kept, err = r.keepSources(ctx, data); err != nil {
		return err
	}
	if err := r.replays(data); err != nil {
		return err
	}
	if err := r.raise(data); err != nil {
		return err
	}
	if err := r.manifest(ctx); err != nil {
		return err
	}
	stream, err := r.host.bus.CreateStream(r.name)
	if err != nil {
		return err
	}
	r.onStop(stream.Close)
	r.log = record.Create(stream, r.plan.Genesis())
	r.checkpoints = newCheckpoints(r.dir.Checkpoints(), r.plan)
	return nil
}

// play starts the processes and runs the loop.
func (r *run) play(ctx context.Context) (res *Result, err error) {
	if tick, hash, end := r.log.Last(); end != record.NotEnded {
		res, err := r.replayed(ctx, engine.Result{Ticks: tick + 1, Hash: hash, End: end})
		if err == nil {
			err = errors.Join(r.tidy(res), r.dir.SweepCaptures()) // who was to do that may have been killed
		}
		return res, err
	}
	if err := r.openProxy(); err != nil { // closed after all processes
		return nil, err
	}
	w, err := r.world()
	if err != nil {
		return nil, err
	}
	past := &rehearsal{history: func(ctx context.Context, agents []string, from int, yield func(*agent.Observe, *agent.Act) error) error {
		return engine.History(ctx, r.log, r.plan, r.checkpoints.before(from), agents, yield)
	}}
	r.onStop(past.readers.Wait)
	shelf := &lateShelf{}
	r.onStop(shelf.close)                          // after the fleet, whose agents read from it
	if r.gate, err = r.liveGate(ctx); err != nil { // closed after the fleet, too
		return nil, err
	}
	pub, err := r.publisher(ctx)
	if err != nil {
		return nil, err
	}
	// After the world, so that it is undone before: the fleet stops the agents
	// and a world's process side by side, within the 4 s that all have.
	last, _, _ := r.log.Last()
	r.fleet = supervisor.New(supervisor.Options{
		Run: r.name, Scenario: r.plan.Name, Dir: r.dir, Walls: r.walls, Bin: r.bin, Replay: past.tell, Last: last,
		Sync: r.plan.Durability == plan.DurableMachine, Residents: r.plan.Limits.Resident,
		Realtime: r.plan.Clock.Mode == plan.Realtime, Publish: r.publish, Cgroups: r.cgroups(), Memory: int64(r.plan.Limits.Memory), CPU: r.plan.Limits.CPU > 0,
		Kept: r.checkpoints.committed(), Keep: r.plan.Checkpoint.Keep,
		Shared: shelf.contents(r.plan), AtOnce: r.plan.Clock.Mode == plan.Realtime, Requests: r.atOnce(),
	})
	r.onStop(func() { r.untidy = r.tidy(r.over) }) // after the fleet is stopped
	r.onStop(func() { _ = r.dir.RemoveSockets() })
	r.onStop(r.ports.close)
	r.onStop(r.stopFleet)
	r.measure(&pub.sum)
	defer func() { r.measuredOver(res, err) }()
	if r.live != nil {
		r.live.Limited(r.uses)
		r.live.Hosted(r.processes)
	}
	fleet := newFleet(r.fleet, r.plan, r.name, r.dir, r.secrets)
	fleet.gate, fleet.bin = r.gate, r.bin
	fleet.proxy, fleet.ports = r.proxy, r.ports
	fleet.seats = newSeats(r.host.bus, r.name, r.plan)
	if fleet.sources, err = r.sources(r.plan, r.dir, r.kept); err != nil {
		return nil, err
	}
	cfg := engine.Config{
		Plan: r.plan, World: w, Fleet: fleet, Log: r.log, Run: r.name, Door: &r.door, Pace: &r.pacer.pace,
		OnAnswer: r.live.Answered,
		OnStart: func() {
			r.phase.Store(playing)
			r.stands(observe.Running)
		},
	}
	if err := r.faults(&cfg); err != nil {
		return nil, err
	}
	return r.loop(ctx, cfg, fleet, shelf, pub)
}

// clocks are the loops, by the clock's mode.
var clocks = map[string]func(context.Context, engine.Config) (engine.Result, error){
	plan.Lockstep: engine.Lockstep,
	plan.Realtime: engine.Realtime,
}

// loop starts the agents and plays until the run ends, one way or another.
func (r *run) loop(ctx context.Context, cfg engine.Config, fleet *fleet, shelf *lateShelf, pub *publisher) (*Result, error) {
	if err := pub.starting(); err != nil {
		return nil, err
	}
	specs, err := r.cast(ctx, &cfg, fleet)
	if err == nil {
		err = shelf.open(&cfg, r.dir, r.log)
	}
	if err == nil {
		err = r.fleet.Start(ctx, specs)
	}
	if ctx.Err() != nil {
		out := r.result(pub, engine.Result{Interrupted: true, Ticks: pub.sum.Ticks})
		pub.over(out.Status)
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	r.humans.open(r.fleet)
	r.ports.open(r.fleet)
	r.measureLeases(&cfg)
	pub.started()
	cfg.OnTick, cfg.OnCheckpoint = func(rec *record.Record, hash [record.HashSize]byte) {
		pub.ticked(rec, hash)
		fleet.seats.committed(rec)
	}, pub.checkpoint
	if err := os.Remove(r.dir.Result()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err // what it came to before is not what it comes to
	}
	res, err := clocks[r.plan.Clock.Mode](ctx, cfg)
	r.phase.Store(ending)
	out := r.result(pub, res)
	pub.over(out.Status)
	r.over = out
	return out, err
}

// stopFleet ends all processes; Kill cuts their graces short.
func (r *run) stopFleet() {
	stopped := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-r.opts.Kill:
			r.fleet.Kill()
		case <-stopped:
		}
	})
	r.survivors += r.fleet.Stop("the run is over")
	close(stopped)
	wg.Wait()
}

func (r *run) result(pub *publisher, res engine.Result) *Result {
	out := &Result{
		Run: r.name, Scenario: r.plan.Name, Seed: r.plan.Seed, Fork: r.plan.Fork, Status: observe.Finished,
		Summary: pub.sum, Expectations: pub.expect.results(&pub.sum),
	}
	if r.plan.Limits.Memory > 0 && r.fleet != nil {
		out.PeakMemory = r.fleet.PeakMemory()
	}
	out.Replayed, out.Drift = r.opts.Models != nil, r.gate.drift()
	if res.Ticks == 0 {
		out.Summary.Hash = r.plan.Genesis()
	}
	switch res.End {
	case record.EndAborted:
		out.Status = observe.Aborted
	case record.NotEnded:
		out.Status = observe.Interrupted
		out.Expectations = nil
	}
	return out
}

// world makes the plan's world, nil where it has none.
func (r *run) world() (world.World, error) {
	if r.plan.World.None() {
		return nil, nil
	}
	if r.plan.World.Program == nil {
		return world.New(r.plan.World.Kind, r.plan.World.Config)
	}
	w, release, err := r.processWorld()
	if err != nil {
		return nil, err
	}
	r.onStop(release)
	return w, nil
}
