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

// Realtime lets every agent take one turn at a time, on what has arrived for
// it: an observation of the world's, if there is a world, messages and results.
// Each turn is a record of its own, and so is each call at the door. It ends as
// Lockstep does, and where the clock says so once nothing has been left to do
// for some time.
func Realtime(ctx context.Context, cfg Config) (Result, error) {
	r := &realtime{dues: newDues(false), stale: map[int32]int{}, hosts: map[string][]string{}}
	err := r.begin(ctx, cfg)
	defer r.rest()
	if err == nil && cfg.OnStart != nil {
		cfg.OnStart()
	}
	for err == nil && r.soc.end == record.NotEnded {
		err = r.round(ctx)
	}
	return r.over(err)
}

// A realtime is the loop's memory.
type realtime struct {
	loop
	dues    *dues
	opened  []*opened           // by slot; nil for who is not asked
	busy    int                 // how many are
	awake   []int32             // who may have something to do
	stale   map[int32]int       // of who waits: how many messages may have been told before
	hosts   map[string][]string // the agents of shared processes, by the name that facts have
	usages  []record.Usage      // of turns that are not on record yet
	active  time.Time           // when the last thing happened
	pending *time.Timer         // that wakes a quiet loop
	ringer  *time.Timer         // that wakes it when its time is over
	slow    *time.Timer         // that wakes it when another turn may begin
	paused  time.Duration       // as the ringer knows it
}

// An opened turn is one that is not on record yet.
type opened struct {
	turns [1]turn
	taken record.Taken
	begun time.Time
}

func (r *realtime) begin(ctx context.Context, cfg Config) error {
	if err := r.open(ctx, cfg); err != nil {
		return err
	}
	if len(cfg.Plan.Faults) > 0 {
		return errors.New("faults of the scenario come about in the ticks of a lockstep")
	}
	r.soc.arrived, r.heed = r.wake, r.listen
	if err := r.seat(r.given); err != nil {
		return err
	}
	r.give()
	for slot := range r.soc.members {
		m := &r.soc.members[slot]
		r.wake(int32(slot))
		if len(m.mail) > 0 {
			r.stale[int32(slot)] = len(m.mail)
		}
	}
	for _, p := range r.Plan.Processes {
		if len(p.Agents) > 1 {
			r.hosts[p.ID] = p.Agents
		}
	}
	if r.Door != nil {
		r.Door.open(r.fleet.Wake)
	}
	r.Pace.open(r.fleet.Wake)
	r.active = time.Now()
	if wall := r.Plan.Limits.Wall; wall > 0 {
		r.ringer = time.AfterFunc(max(wall-r.before.Wall, 0), r.fleet.Wake)
	}
	return r.vacate(ctx)
}

// rest ends what would go on.
func (r *realtime) rest() {
	for _, t := range []*time.Timer{r.pending, r.ringer, r.slow} {
		if t != nil {
			t.Stop()
		}
	}
}

// wake has somebody looked at who may have something to do.
func (r *realtime) wake(slot int32) { r.awake = append(r.awake, slot) }

// give has those asked whom the world's last answer lets observe something.
func (r *realtime) give() {
	for i := range r.next {
		r.dues.give(r.next[i].id, r.soc.tick, r.next[i].observation)
		r.wake(r.next[i].slot)
	}
}

// round takes in what has happened and asks who has something to do.
func (r *realtime) round(ctx context.Context) error {
	if ctx.Err() != nil {
		return errInterrupted
	}
	r.rewind()
	if r.busy == 0 { // who is asked already may answer
		if err := r.afford(); err != nil {
			return err
		}
	}
	r.listen()
	if err := r.serve(ctx); err != nil || r.soc.end != record.NotEnded {
		return err
	}
	if err := r.compose(ctx); err != nil || r.soc.end != record.NotEnded {
		return err
	}
	if over, err := r.quiet(ctx); err != nil || over {
		return err
	}
	for _, a := range r.fleet.Await(ctx) {
		if err := r.hear(ctx, &a); err != nil || r.soc.end != record.NotEnded {
			return err
		}
	}
	return nil
}

// listen takes the fleet's facts in: whoever they are about may be free again.
func (r *realtime) listen() {
	facts := r.fleet.Facts()
	for i := range facts {
		if slot, known := r.soc.find(facts[i].Agent); known {
			r.wake(slot)
			continue
		}
		for _, id := range r.hosts[facts[i].Agent] {
			r.wake(r.soc.slots[id])
		}
	}
	r.facts = append(r.facts, facts...)
}

// compose opens a turn for everyone who is free and has something to do. Who
// still owes an answer whose deadline passed is left alone until then.
func (r *realtime) compose(ctx context.Context) error {
	if grow := len(r.soc.members) - len(r.at); grow > 0 {
		r.at = append(r.at, make([]int32, grow)...)
		r.opened = append(r.opened, make([]*opened, grow)...)
	}
	awake := r.awake
	r.awake = nil
	slices.Sort(awake)
	for _, slot := range slices.Compact(awake) {
		m := &r.soc.members[slot]
		if !m.alive || r.opened[slot] != nil || !r.dues.has(m.id) && len(m.mail)+len(m.results) == 0 || r.fleet.Owes(m.id) {
			continue
		}
		if err := r.afford(); err != nil {
			r.wake(slot)
			if r.busy > 0 {
				continue // who is asked already may answer
			}
			return err
		}
		if !r.may() {
			r.wake(slot)
			continue
		}
		if err := r.ask(ctx, slot); err != nil || r.soc.end != record.NotEnded {
			return err
		}
	}
	return nil
}

// may says whether another turn may begin; if not, the loop is woken when it may.
func (r *realtime) may() bool {
	ok, after, _ := r.Pace.begin()
	if !ok && after > 0 {
		if r.slow != nil {
			r.slow.Stop()
		}
		r.slow = time.AfterFunc(after, r.fleet.Wake)
	}
	return ok
}

// rewind has the loop woken later by the time for which it was paused.
func (r *realtime) rewind() {
	if paused := r.Pace.pausedFor(); r.ringer != nil && paused != r.paused {
		r.paused = paused
		r.ringer.Reset(max(r.Plan.Limits.Wall-r.spent().Wall, 0))
	}
}

// ask opens the turn of one agent.
func (r *realtime) ask(ctx context.Context, slot int32) error {
	m := &r.soc.members[slot]
	observation := r.dues.take(m.id, r.soc.tick)
	x := &opened{taken: r.soc.taking(slot, observation), begun: time.Now()}
	x.taken.Redelivered = min(x.taken.Messages, r.stale[slot])
	o := &agent.Observe{}
	r.soc.observe(o, slot, observation, x.taken)
	// The society moves its lists when the turn is applied, and the fleet may
	// need them longer.
	o.Messages, o.Results = slices.Clone(o.Messages), slices.Clone(o.Results)
	if m.kind.schema {
		o.Schema = r.ready.SchemaOf(m.id)
	}
	x.turns[0] = turn{slot: slot, observe: o, kind: m.kind, open: true}
	r.opened[slot] = x
	r.busy++
	if f, why := r.soc.exhausted(slot); f != "" {
		x.turns[0].open = false
		r.turns = x.turns[:]
		r.fail(&x.turns[0], fault{failure: f, detail: why, unsent: true})
		return r.settle(ctx, x)
	}
	r.outbox = append(r.outbox, o)
	r.send()
	return nil
}

func (r *realtime) send() {
	if len(r.outbox) > 0 {
		r.fleet.Ask(r.outbox)
		r.outbox = r.outbox[:0]
	}
}

// hear takes one answer.
func (r *realtime) hear(ctx context.Context, a *agent.Answer) error {
	slot, known := r.soc.find(a.Agent)
	if known && !r.soc.members[slot].alive {
		return nil // it was ended while it thought
	}
	x := r.openedAt(slot)
	if !known || x == nil {
		return fmt.Errorf("the fleet answered for agent %q, tick %d, which was not asked", a.Agent, a.Tick)
	}
	r.turns = x.turns[:]
	if err := r.take(a); err != nil {
		return err
	}
	return r.settle(ctx, x)
}

// settle goes on with a turn that has an outcome, unless its agent is asked
// again.
func (r *realtime) settle(ctx context.Context, x *opened) error {
	t := &x.turns[0]
	var stepped world.Stepped
	for !t.open && r.stopped == nil && !r.aborted && len(t.observe.Observation) > 0 {
		var again bool
		var err error
		if stepped, again, err = r.try(ctx); err != nil {
			return err
		}
		if !again {
			break
		}
	}
	switch {
	case r.stopped != nil:
		return r.stopped
	case t.open:
		r.send()
		return nil
	}
	return r.decide(ctx, x, &stepped)
}
