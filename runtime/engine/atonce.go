package engine

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/tree"
)

// Under the realtime clock what agents ask for is decided at once: each request is
// a call at the door, and a record of its own.

// Scene is what can be looked at now; nil before the loop has begun.
func (d *Door) Scene() *agent.Scene { return d.scene.Load() }

// Commit brings a change set of an agent's into the shared tree, and gives its
// version.
func (d *Door) Commit(ctx context.Context, id string, x agent.Request) (version, tick int, err error) {
	tick, err = d.call(ctx, &call{prepare: func(l *loop, rec *record.Record) error {
		return l.atOnce(id, rec, func(draft *tree.Draft) error {
			c, err := draft.Commit(id, 0, x.Message, x.Changes, x.Token)
			if err == nil {
				version = c.Number
			}
			return err
		})
	}})
	return version, tick, err
}

// Lock asks for a lease and waits until an agent has it; ctx ends that. It is
// held until Release or Unlock, or its agent's end.
func (d *Door) Lock(ctx context.Context, id string, paths []string) (ticket, token int, err error) {
	granted := make(chan int, 1)
	_, err = d.call(ctx, &call{prepare: func(l *loop, rec *record.Record) error {
		return l.atOnce(id, rec, func(draft *tree.Draft) error {
			s, err := draft.Lock(id, 0, paths, 0)
			if err != nil {
				return err
			}
			ticket, token = s.Ticket, s.Token
			if token == 0 {
				l.holders[ticket] = granted
			}
			return nil
		})
	}})
	if err != nil || token > 0 {
		return ticket, token, err
	}
	select {
	case token = <-granted:
		if token == 0 {
			return ticket, 0, errUngranted
		}
		return ticket, token, nil
	case <-ctx.Done():
		d.Release(context.WithoutCancel(ctx), ticket, "its holder is gone")
		return ticket, 0, ctx.Err()
	}
}

// errUngranted says that a request for a lease came to nothing.
var errUngranted = errors.New("the lease is not to be had any more: it was unlocked, or the run is over")

// Release ends one lease, or what waits for it; one that has ended already stays
// so.
func (d *Door) Release(ctx context.Context, ticket int, why string) {
	_, _ = d.call(ctx, &call{prepare: func(l *loop, rec *record.Record) error {
		return l.atOnce("", rec, func(draft *tree.Draft) error {
			if !draft.Release(ticket, why) {
				return errUngranted
			}
			return nil
		})
	}})
}

// Unlock ends an agent's leases that have one of the paths; without paths all of
// them.
func (d *Door) Unlock(ctx context.Context, id string, paths []string) (tick int, err error) {
	return d.call(ctx, &call{prepare: func(l *loop, rec *record.Record) error {
		return l.atOnce(id, rec, func(draft *tree.Draft) error { return draft.Unlock(id, 0, paths) })
	}})
}

// SendAs puts a message in that an agent sends beside its answers. It is for the
// realtime clock; in lockstep what an agent sends goes with its act.
func (d *Door) SendAs(ctx context.Context, id string, m agent.Send) (tick int, err error) {
	return d.call(ctx, &call{message: true, prepare: func(l *loop, rec *record.Record) error {
		slot, err := l.living(id)
		if err != nil {
			return err
		}
		why := l.soc.refuse(slot, id, m.To, m.Channel, m.Body)
		if why == "" && m.To != "" && l.gone[m.To] != 0 {
			why = whyEnded
		}
		if why == "" {
			why, _ = l.exceeds(slot, m)
		}
		if why != "" {
			return refused("cannot send: %s", why)
		}
		rec.Messages = append(rec.Messages, record.Message{From: id, To: m.To, Channel: m.Channel, Body: m.Body})
		return nil
	}})
}

func (l *loop) living(id string) (slot int32, err error) {
	slot, known := l.soc.find(id)
	if !known || !l.soc.members[slot].alive {
		return 0, refused("%s is no agent of this run any more", id)
	}
	return slot, nil
}

// atOnce decides one request, and who has which lease then.
func (l *loop) atOnce(id string, rec *record.Record, decide func(*tree.Draft) error) error {
	if l.soc.tree == nil {
		return refused("this run has no shared tree")
	}
	if id != "" {
		if _, err := l.living(id); err != nil {
			return err
		}
	}
	d := l.soc.tree.Draft(rec.Tick)
	if err := decide(d); err != nil {
		if moved := (*tree.MovedError)(nil); errors.As(err, &moved) {
			l.conflicts[id]++
		}
		return err
	}
	d.Grant()
	rec.Commits, rec.Leases = d.Commits, d.Steps
	return nil
}

// conflicted tells of commits that others came before, since the last record.
func (l *loop) conflicted(facts []record.Fact) []record.Fact {
	for _, id := range slices.Sorted(maps.Keys(l.conflicts)) {
		facts = append(facts, record.Fact{Agent: id, Kind: record.Conflicts, Tick: l.rec.Tick, Detail: strconv.Itoa(l.conflicts[id])})
	}
	clear(l.conflicts)
	return facts
}

// leave ends the leases of those who go with the record.
func (l *loop) leave() {
	if l.soc.tree == nil || len(l.gone) == 0 {
		return
	}
	d := l.soc.tree.Draft(l.rec.Tick)
	for _, id := range slices.Sorted(maps.Keys(l.gone)) {
		d.Leave(id, "its agent is no more")
	}
	d.Grant()
	l.rec.Leases = append(l.rec.Leases, d.Steps...)
}

// tellHolders tells those who wait for leases what a record made of them, and
// everybody what there is to see.
func (l *loop) tellHolders(rec *record.Record) {
	for i := range rec.Leases {
		s := &rec.Leases[i]
		holder := l.holders[s.Ticket]
		if holder == nil || s.What == tree.Waits {
			continue
		}
		delete(l.holders, s.Ticket)
		if s.What == tree.Granted {
			holder <- s.Token // it has room
		}
		close(holder)
	}
	l.show()
}

// show has the door tell what can be looked at.
func (l *loop) show() {
	if l.Door != nil && l.soc.realtime {
		l.Door.scene.Store(l.soc.look())
	}
}

// vacate ends the leases of a run that goes on: nobody who held them is there.
func (r *realtime) vacate(ctx context.Context) error {
	r.show()
	if r.soc.tree == nil {
		return nil
	}
	r.holders, r.conflicts = map[int]chan<- int{}, map[string]int{}
	d := r.soc.tree.Draft(r.soc.tick)
	for _, l := range append(r.soc.tree.Leases(""), r.soc.tree.Waiting("")...) {
		d.Release(l.Ticket, "its holder is gone")
	}
	if len(d.Steps) == 0 {
		return nil
	}
	r.fresh()
	r.rec = record.Record{Tick: r.soc.tick, Leases: d.Steps}
	return r.alone(ctx)
}
