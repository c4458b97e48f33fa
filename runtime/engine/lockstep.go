package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/world"
)

// errInterrupted says that the context ended and the open tick is abandoned.
var errInterrupted = errors.New("interrupted")

// Lockstep runs ticks until the world is done, the clock's last tick is
// played, no agent is left, a policy ends the run, or ctx ends, which is no
// error: the open tick is abandoned and Interrupted set. After a *StopError,
// and after any error of the world, the fleet or the log, the log ends with
// the last committed tick and the run can go on from there.
func Lockstep(ctx context.Context, cfg Config) (Result, error) {
	l, err := open(ctx, cfg)
	if err == nil && cfg.OnStart != nil {
		cfg.OnStart()
	}
	for err == nil && l.soc.end == record.NotEnded {
		err = l.play(ctx)
	}
	res := Result{
		Ticks: l.soc.tick, Hash: l.soc.hash, End: l.soc.end,
		Timed: l.soc.timed, Scores: l.soc.scores(),
	}
	if errors.Is(err, errInterrupted) {
		res.Interrupted, err = true, nil
	}
	return res, err
}

// A lockstep is the loop's memory. Its buffers are used again each tick.
type lockstep struct {
	Config
	fleet fleet
	log   log
	soc   *society
	noop  []byte
	ready world.Ready
	pick  collection

	keeper    checkpointer // the fleet; nil where it is none
	snapshots bool         // agents may come back by their state

	next    []seat // who is asked in the next tick, by id
	turns   []turn // of the open tick, by id
	at      []int32
	asks    []agent.Observe
	outbox  []*agent.Observe // not asked yet
	waiting int              // answers still to come
	actions []world.Action

	gone     map[string]fate // who ended in the open tick
	targets  []target        // by fault
	dying    bool            // a fault wants this process dead
	aborted  bool
	stopped  *StopError
	attempts []record.Attempt
	facts    []record.Fact // of the open tick, beside the fleet's
	answers  []record.Latency
	elapsed  record.Elapsed
	took     time.Duration // the last commit
	rec      record.Record
	added    addition
}

// A seat is an agent that will be asked. Slots of agents added in the same
// tick are those that applying its record will give them.
type seat struct {
	id          string
	slot        int32
	observation []byte
}

// A turn is what becomes of one asked agent in the open tick. There may be
// hundreds of thousands.
type turn struct {
	slot     int32
	observe  *agent.Observe // the newest one
	open     bool           // an answer is still to come
	sent     bool           // the process that answers now has had the observation
	timed    bool           // a clock decided something
	replaced bool           // by a substitute, in this tick
	acted    bool
	done     bool          // the act says so
	kind     *kind         // of what answers
	send     []agent.Send  // of the act
	failure  agent.Failure // when not acted
	policy   string
	action   []byte // the act's or, when not acted, what the policy gave; nil for null
}

// fate says how an agent ended in the open tick.
type fate uint8

const (
	endedItself fate = iota + 1
	removed
)

// open starts the world, or takes over from where the log ends.
func open(ctx context.Context, cfg Config) (*lockstep, error) {
	l := &lockstep{Config: cfg, fleet: cfg.Fleet, log: cfg.Log, gone: map[string]fate{}, snapshots: snapshots(cfg.Plan)}
	l.keeper, _ = cfg.Fleet.(checkpointer)
	from := cfg.From
	if from == nil {
		ready, err := cfg.World.Start(ctx, WorldInit(cfg.Plan, cfg.Run))
		if err != nil && ctx.Err() != nil {
			err = errInterrupted
		}
		if err != nil {
			l.soc = newSociety(cfg.Plan, 0)
			return l, fmt.Errorf("world %s failed at its start: %w", worldName(cfg.Plan), err)
		}
		from = &Start{Ready: ready, Observations: ready.Observations, soc: newSociety(cfg.Plan, 0)}
	}
	l.soc, l.noop, l.ready = from.soc, from.Ready.Noop, from.Ready
	l.soc.copies = false
	l.pick = newCollection(cfg.Plan)
	if err := checkPolicies(cfg.Plan, l.noop); err != nil {
		return l, err
	}
	if err := l.checkFaults(); err != nil {
		return l, err
	}
	if l.soc.end != record.NotEnded {
		return l, nil
	}
	for _, slot := range l.soc.parting {
		l.gone[l.soc.members[slot].id] = endedItself
	}
	return l, l.seat(from.Observations)
}

// play plays one tick.
func (l *lockstep) play(ctx context.Context) error {
	if ctx.Err() != nil {
		return errInterrupted
	}
	if err := l.afford(); err != nil {
		return err
	}
	l.compose()
	if err := l.strike(); err != nil {
		return err
	}
	if err := l.gather(ctx); err != nil {
		return err
	}
	var stepped world.Stepped
	if !l.aborted {
		var err error
		if stepped, err = l.step(ctx); err != nil {
			return err
		}
	}
	if err := l.write(&stepped); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errInterrupted
	}
	if err := l.commit(ctx); err != nil {
		return err
	}
	return l.checkpoint(ctx)
}

// commit appends the record and, once that is acknowledged, lets it take
// effect. A commit that has begun is brought to its end whatever ctx says.
func (l *lockstep) commit(ctx context.Context) error {
	if err := l.capture(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	rec := &l.rec
	rec.Annex.Facts = append(l.fleet.Facts(), l.facts...)
	rec.Annex.Usages = l.fleet.Usages()
	slices.SortStableFunc(rec.Annex.Usages, func(a, b record.Usage) int { return compare(a.Agent, b.Agent) })
	rec.Annex.Time = time.Now()
	hash, err := l.log.Append(context.WithoutCancel(ctx), rec)
	l.took = time.Since(rec.Annex.Time)
	if err != nil {
		return fmt.Errorf("cannot commit tick %d: %w", rec.Tick, err)
	}
	l.fleet.Committed(rec.Tick)
	if l.OnTick != nil {
		l.OnTick(rec, hash)
	}
	if err := l.soc.apply(rec, hash); err != nil {
		return fmt.Errorf("cannot apply tick %d, which is committed: %w", rec.Tick, err)
	}
	if rec.End == record.NotEnded {
		l.effect()
	}
	return nil
}

// effect tells the fleet who came and who went.
func (l *lockstep) effect() {
	var done, out []string
	for i := range l.rec.Turns {
		if t := &l.rec.Turns[i]; t.Done {
			done = append(done, t.Agent)
		}
	}
	for _, id := range l.rec.Removed {
		if l.gone[id] == removed {
			out = append(out, id)
		}
	}
	if len(done) > 0 {
		l.fleet.Retire(done, "done")
	}
	if len(out) > 0 {
		l.fleet.Retire(out, "removed by the world")
	}
	if len(l.added.agents) > 0 {
		l.fleet.Add(l.added.agents, l.added.processes)
	}
}
