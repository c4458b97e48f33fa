package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/world"
)

// A Repeated is what came of playing a recorded run again.
type Repeated struct {
	From    int // the first tick that was
	Ticks   int // that the world was stepped through, with all asked in them
	Answers int // of agents, that were the recorded ones
	// Skipped counts by failure the outcomes that no process can be held to: a
	// clock decided, or the process died or was not there.
	Skipped map[string]int
	// Uncompared are agents that were not asked, from some tick on or at all,
	// and why.
	Uncompared map[string]string
	// Difference is the first one between the record and now; nil for none.
	Difference *record.Difference
}

// Repeat plays the run that cfg.Log holds again: the world and the agents are
// told what is on record, tick by tick, and what they answer is held against
// it. It ends with the record or at the first difference, which is no error.
// The fleet's processes are new ones; those of agents that are models need not
// be there, as they are not asked. A From begins there: its processes are where
// they were then, and so is the world. OnStart and OnTick are not used.
func Repeat(ctx context.Context, cfg Config) (*Repeated, error) {
	r := &repetition{
		Config: cfg, fleet: cfg.Fleet, pick: newCollection(cfg.Plan),
		history: history{owed: map[string]*agent.Observe{}, early: map[string]int{}},
		starts:  map[string]int{}, lost: map[string]string{},
		res: Repeated{Skipped: map[string]int{}, Uncompared: map[string]string{}},
	}
	r.history.yield = r.gather
	maps.Copy(r.res.Uncompared, cfg.Uncompared)
	from, err := repeatFrom(ctx, &cfg)
	if err != nil {
		return nil, err
	}
	var ready world.Ready
	switch {
	case from != nil:
		ready, r.res.From = cfg.From.Ready, cfg.From.Tick()
		ready.Observations = cfg.From.Observations
	case cfg.World != nil:
		if ready, err = cfg.World.Start(ctx, WorldInit(cfg.Plan, cfg.Run)); err != nil {
			return nil, fmt.Errorf("world %s failed at its start: %w", worldName(cfg.Plan), err)
		}
	}
	r.ready = ready
	r.out = newOutlook(cfg.Plan, ready.Observations)
	_, err = replay(ctx, cfg.Log, cfg.Plan, from, nil, func(s *society, rec *record.Record) error { return r.tick(ctx, s, rec) })
	if errors.Is(err, errDiffers) {
		err = nil
	}
	return &r.res, err
}

// errDiffers ends the reading at a difference.
var errDiffers = errors.New("a difference")

// keep has the files kept of processes that come back by them.
func (r *repetition) keep(ctx context.Context) error {
	if k, ok := r.fleet.(checkpointer); ok {
		return k.Capture(ctx, r.rec.Tick)
	}
	return nil
}

type repetition struct {
	Config
	fleet   fleet
	pick    collection
	ready   world.Ready
	history history
	out     *outlook
	res     Repeated

	soc      *society                   // before the open tick
	rec      *record.Record             // of the open tick
	told     []told                     // in the open tick
	requests map[string][]agent.Request // beside the answers to it
	results  []record.Result            // of these, decided again
	replaced map[string]bool
	at       []int32           // of each slot: its place in the wave that is asked
	starts   map[string]int    // of processes, by the name in facts
	lost     map[string]string // agents whose process is not what it was in the record, and why
}

// A told observe is one that a process answered, and how; act is nil where
// that was not kept.
type told struct {
	o   *agent.Observe
	act *agent.Act
}

// tick repeats one tick: the world's observations, the agents' answers, the
// world's step. Nothing of it is applied yet.
func (r *repetition) tick(ctx context.Context, s *society, rec *record.Record) error {
	r.soc, r.rec = s, rec
	r.requests = map[string][]agent.Request{}
	if err := r.differs(r.out.differs(s, rec)); err != nil {
		return err
	}
	if err := r.answers(ctx); err != nil {
		return err
	}
	added, err := r.step(ctx)
	if err != nil {
		return err
	}
	r.fleet.Facts()
	r.fleet.Usages()
	if err := r.keep(ctx); err != nil {
		return err
	}
	if err := r.shelve(); err != nil {
		return err
	}
	r.fleet.Committed(rec.Tick)
	if rec.End == record.NotEnded {
		r.effect(added)
	}
	r.res.Ticks++
	return nil
}

func (r *repetition) differs(d *record.Difference) error {
	if d == nil {
		return nil
	}
	kept := *d
	kept.A, kept.B = bytes.Clone(d.A), bytes.Clone(d.B)
	r.res.Difference = &kept
	return errDiffers
}

// step steps the world, where the record did, and compares what it says with
// the record.
func (r *repetition) step(ctx context.Context) (addition, error) {
	rec := r.rec
	if !r.soc.steps(rec) {
		return r.newcomers()
	}
	stepped, err := r.World.Step(ctx, r.soc.stepped, r.soc.recorded(nil, rec))
	if refusal, ok := asRefusal(err); ok {
		return addition{}, r.refused(refusal)
	}
	if err != nil {
		return addition{}, fmt.Errorf("cannot step the world %s again at tick %d: %w", worldName(r.Plan), rec.Tick, err)
	}
	// What the loop made of the world's answer it makes again.
	l := &loop{Config: r.Config, soc: r.soc, pick: r.pick, gone: map[string]fate{}}
	l.rec = record.Record{Tick: rec.Tick, Turns: rec.Turns, Messages: rec.Messages, Results: rec.Results, Partitions: rec.Partitions}
	for i := range rec.Turns {
		if t := &rec.Turns[i]; t.Done {
			l.gone[t.Agent] = endedItself
		}
	}
	if err := l.writeWorld(&stepped); err != nil {
		return addition{}, l.blame(err)
	}
	if err := r.share(l); err != nil {
		return addition{}, err
	}
	l.rec.End = l.end(&stepped)
	r.out.renew(stepped.Observations, rec.Tick+1)
	d := record.Compare(rec, &l.rec)
	if d == nil && r.soc.tree != nil && !r.soc.realtime {
		d = r.compareResults()
	}
	return l.added, r.differs(d)
}

// refused is the difference where the world refuses what it took before.
func (r *repetition) refused(refusal *world.Refusal) error {
	for i := range r.rec.Turns {
		t := &r.rec.Turns[i]
		if why, ok := refusal.Why[t.Agent]; ok {
			return r.differs(record.NewDifference(r.rec.Tick, t.Agent, "action", t.Action, []byte("refused by the world: "+why)))
		}
	}
	return fmt.Errorf("cannot step the world %s again at tick %d: %w", worldName(r.Plan), r.rec.Tick, refusal)
}

// newcomers are those who were added from outside.
func (r *repetition) newcomers() (added addition, err error) {
	for _, a := range r.rec.Added {
		pa, proc, err := r.Plan.Admit(a.Agent, a.Config, func(entry int) int { return r.soc.perEntry[entry] })
		if err != nil {
			return added, fmt.Errorf("cannot admit agent %q: %w", a.Agent, err)
		}
		pa.Config = bytes.Clone(a.Config)
		added.agents = append(added.agents, pa)
		added.processes = append(added.processes, proc)
	}
	return added, nil
}

// effect tells the fleet who came and who went, as the loop does.
func (r *repetition) effect(added addition) {
	var done, out []string
	for i := range r.rec.Turns {
		if t := &r.rec.Turns[i]; t.Done {
			done = append(done, t.Agent)
		}
	}
	for _, id := range r.rec.Removed {
		if slot, ok := r.soc.find(id); ok && r.soc.members[slot].alive && !slices.Contains(done, id) {
			out = append(out, id)
		}
	}
	if len(done) > 0 {
		r.fleet.Retire(done, "done")
	}
	if len(out) > 0 {
		r.fleet.Retire(out, whyRemoved(r.rec, r.soc))
	}
	if len(added.agents) > 0 {
		r.fleet.Add(added.agents, added.processes)
	}
}
