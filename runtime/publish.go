package runtime

import (
	"context"

	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// A publisher passes on what is committed: to the bus's live subjects, to
// those who follow the record, to the watcher, and into the run's summary and
// its metrics.
type publisher struct {
	run    *run
	tell   teller
	sum    record.Summary
	expect *checker
}

// publisher makes the run's publisher, which knows what is on record.
func (r *run) publisher(ctx context.Context) (*publisher, error) {
	pub := &publisher{run: r, tell: teller{to: r.host.bus, run: r.name}, expect: newChecker(r.plan.Expect)}
	if r.resumed {
		if err := pub.recall(ctx); err != nil {
			return nil, err
		}
		r.live.Committed(observe.State{Ticks: pub.sum.Ticks, Hash: pub.sum.Hash})
	}
	return pub, nil
}

// starting tells the watcher that the run starts.
func (p *publisher) starting() error {
	r := p.run
	o := Opening{
		Run: r.name, Dir: r.dir.Dir, Realtime: r.plan.Clock.Mode == plan.Realtime, Agents: len(r.plan.Agents),
		Processes: len(r.plan.Processes), Ticks: r.plan.Clock.Ticks, From: p.sum.Ticks, Dropped: r.dropped,
		Paused: r.opts.Paused,
	}
	o.Bypass, o.People = bypasses(r.plan), r.plan.People()
	if r.forking != nil {
		o.Fork = r.plan.Fork
	}
	if r.host.opts.BusListen != "" {
		var err error
		if o.Observer, err = r.observers(); err != nil {
			return err
		}
		o.Bus, o.Outside = r.host.bus.Addr(), outsiders(r.plan)
	}
	o.Listen, o.Link = r.host.Addr(), r.host.linkTo(r.name)
	if r.opts.Watch != nil {
		r.opts.Watch.Starting(o)
	}
	return nil
}

// started says that the run's processes have started, for the first time or
// again. It comes no sooner, since nobody can be there to hear it: observers get
// their credentials when the run opens, and come while its processes start.
func (p *publisher) started() {
	fact := "started"
	if p.run.resumed && p.run.forking == nil {
		fact = "resumed"
	}
	p.tell.begun(fact, p.run.plan)
}

// ticked follows each commit.
func (p *publisher) ticked(rec *record.Record, hash [record.HashSize]byte) {
	p.sum.Add(rec, hash)
	p.expect.add(rec)
	if p.run.metrics != nil {
		p.run.metrics.Committed(rec)
	}
	// With 20 messages an agent it takes a third of the tick or more, so that it
	// is left out where nobody is there.
	if p.run.host.bus.Heard() {
		p.tell.tick(rec, hash)
	}
	if w := p.run.opts.Watch; w != nil {
		for _, f := range rec.Annex.Facts {
			w.Happened(f)
		}
	}
	p.run.live.Recorded(rec, hash)
	p.run.live.Committed(observe.State{Ticks: rec.Tick + 1, Hash: hash, End: rec.End})
	if p.run.opts.Watch != nil {
		p.run.opts.Watch.Ticked(rec, &p.sum)
	}
}

// over says how the run stands when it stops.
func (p *publisher) over(s observe.Status) { p.tell.over(s, p.sum.Ticks) }
