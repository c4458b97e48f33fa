package engine

import (
	"context"
	"slices"
	"time"

	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/world"
)

// decide puts a turn on record and lets it take effect.
func (r *realtime) decide(ctx context.Context, x *opened, stepped *world.Stepped) error {
	t := &x.turns[0]
	r.fresh()
	r.taken = &x.taken
	r.elapsed.Ask = time.Since(x.begun)
	id := t.observe.Agent
	var others []record.Attempt // that others' turns have had so far
	r.attempts, others = part(r.attempts, func(a *record.Attempt) bool { return a.Agent == id })
	if err := r.write(stepped); err != nil {
		return err
	}
	r.attempts = others // the commit drops those of whom the world removes
	if ctx.Err() != nil {
		return errInterrupted
	}
	m := &r.soc.members[t.slot]
	waits := len(m.mail) + len(m.results)
	if err := r.commit(ctx, t.slot); err != nil {
		return err
	}
	r.taken = nil
	r.close(t.slot)
	r.left(x, waits)
	return nil
}

// left looks at what a turn has left in its agent's inbox. What the process
// never had waits until there is more, or something happens to the process.
func (r *realtime) left(x *opened, waits int) {
	t := &x.turns[0]
	if !t.sent {
		r.stale[t.slot] = max(r.stale[t.slot], t.observe.Marked())
		if waits > x.taken.Messages+x.taken.Results || r.dues.has(t.observe.Agent) {
			r.wake(t.slot)
		}
		return
	}
	if rest := r.stale[t.slot] - x.taken.Messages; rest > 0 {
		r.stale[t.slot] = rest
	} else {
		delete(r.stale, t.slot)
	}
	r.wake(t.slot)
}

// fresh begins a record.
func (r *realtime) fresh() {
	clear(r.gone)
	r.added, r.next = addition{}, r.next[:0]
	r.elapsed = record.Elapsed{Commit: r.took, Step: r.elapsed.Step}
}

// openedAt is the open turn of a member, nil where there is none.
func (r *realtime) openedAt(slot int32) *opened {
	if int(slot) < len(r.opened) {
		return r.opened[slot]
	}
	return nil // it came just now
}

// close ends a turn, on record or not.
func (r *realtime) close(slot int32) {
	if r.openedAt(slot) != nil {
		r.opened[slot] = nil
		r.busy--
		r.Pace.end()
	}
}

// commit is the loop's, for a turn of slot or, with outsider, for none. What
// models have taken waits for the turn that it was for.
func (r *realtime) commit(ctx context.Context, slot int32) error {
	r.leave()
	r.listen()
	all := slices.Concat(r.usages, r.fleet.Usages())
	var mine []record.Usage
	mine, r.usages = part(all, func(u *record.Usage) bool {
		of, known := r.soc.find(u.Agent)
		return !known || of == slot || r.openedAt(of) == nil
	})
	facts := r.conflicted(r.facts)
	r.facts = nil
	if err := r.loop.commit(ctx, facts, mine); err != nil {
		return err
	}
	r.answers, r.elapsed = r.answers[:0], record.Elapsed{}
	r.give()
	for _, id := range r.rec.Removed {
		r.close(r.soc.slots[id])
		r.attempts, _ = part(r.attempts, func(a *record.Attempt) bool { return a.Agent != id })
	}
	r.active = time.Now()
	return nil
}

// part splits a list in two, in order.
func part[T any](list []T, first func(*T) bool) (yes, no []T) {
	for i := range list {
		if first(&list[i]) {
			yes = append(yes, list[i])
		} else {
			no = append(no, list[i])
		}
	}
	return yes, no
}

// serve puts on record what is asked for at the door, each call by itself. Who
// is not come to, because the run ends or fails before, is told so: the door
// knows of them no more.
func (r *realtime) serve(ctx context.Context) error {
	calls := r.Door.take()
	defer func() {
		for _, c := range calls {
			c.answer(0, ErrShut)
		}
	}()
	for len(calls) > 0 && r.soc.end == record.NotEnded {
		c := calls[0]
		calls = calls[1:]
		r.fresh()
		r.rec = record.Record{Tick: r.soc.tick}
		if err := c.prepare(&r.loop, &r.rec); err != nil {
			c.answer(0, err)
			continue
		}
		r.rec.End = r.end(&world.Stepped{})
		r.calls = append(r.calls, c)
		if err := r.alone(ctx); err != nil {
			return err
		}
	}
	return nil
}

// alone commits a record without a turn.
func (r *realtime) alone(ctx context.Context) error {
	r.rec.Annex.Elapsed, r.rec.Annex.Answers = r.elapsed, slices.Clone(r.answers)
	return r.commit(ctx, outsider)
}

// quiet ends the run where the clock says how long nothing may be left to do;
// until then it sees to being woken.
func (r *realtime) quiet(ctx context.Context) (over bool, err error) {
	most := r.Plan.Clock.Quiet
	if most <= 0 || r.busy > 0 || len(r.awake) > 0 || r.soc.tick == 0 {
		return false, nil
	}
	if paused, _ := r.Pace.state(); paused {
		r.active = time.Now() // nobody may do what there would be to do
		return false, nil
	}
	left := most - time.Since(r.active)
	if left > 0 {
		if r.pending != nil {
			r.pending.Stop()
		}
		r.pending = time.AfterFunc(left, r.fleet.Wake)
		return false, nil
	}
	r.fresh()
	r.rec = record.Record{Tick: r.soc.tick, End: record.EndQuiet, Annex: record.Annex{Timed: 1}}
	return true, r.alone(ctx)
}
