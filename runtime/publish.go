package runtime

import (
	"context"
	"encoding/json"

	"github.com/troupe-dev/troupe/bus"
	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/runtime/record"
)

// A publisher passes on what is committed: to the bus's live subjects, to
// those who follow the record, to the watcher, and into the run's summary and
// its metrics.
type publisher struct {
	run    *run
	sum    record.Summary
	expect *checker
	buf    []byte
}

// publisher makes the run's publisher and tells the watcher that the run
// starts.
func (r *run) publisher(ctx context.Context) (*publisher, error) {
	pub := &publisher{run: r, expect: newChecker(r.plan.Expect)}
	if r.resumed {
		if err := pub.recall(ctx); err != nil {
			return nil, err
		}
	}
	o := Opening{
		Run: r.name, Dir: r.dir.Dir, Agents: len(r.plan.Agents),
		Processes: len(r.plan.Processes), Ticks: r.plan.Clock.Ticks, From: pub.sum.Ticks,
	}
	if r.opts.BusListen != "" {
		var err error
		if o.Observer, err = r.bus.Observer(r.name); err != nil {
			return nil, err
		}
		o.Bus = r.bus.Addr()
	}
	if r.listener != nil {
		o.Listen = r.listener.Addr().String()
	}
	if r.opts.Watch != nil {
		r.opts.Watch.Starting(o)
	}
	return pub, nil
}

// started says that the run's processes have started, for the first time or
// again. It comes no sooner,
// since nobody can be there to hear it: observers get their credentials when
// the run opens, and come while its processes start.
func (p *publisher) started() {
	r, fact := p.run, "started"
	if r.resumed {
		fact = "resumed"
	}
	p.fact(bus.Run(r.name, fact), map[string]any{"run": r.name, "scenario": r.plan.Name, "agents": len(r.plan.Agents)})
}

// ticked follows each commit.
func (p *publisher) ticked(rec *record.Record, hash [record.HashSize]byte) {
	p.sum.Add(rec, hash)
	p.expect.add(rec)
	if p.run.metrics != nil {
		p.run.metrics.Committed(rec)
	}
	if p.run.bus.Heard() {
		p.tell(rec, hash)
	}
	if w := p.run.opts.Watch; w != nil {
		for _, f := range rec.Annex.Facts {
			w.Happened(f)
		}
	}
	p.run.live.Committed(observe.State{Ticks: rec.Tick + 1, Hash: hash, End: rec.End})
	if p.run.opts.Watch != nil {
		p.run.opts.Watch.Ticked(rec, &p.sum)
	}
}

// tell publishes a tick's live subjects. With 20 messages an agent it takes a third
// of the tick or more, so that it is left out where nobody is there.
func (p *publisher) tell(rec *record.Record, hash [record.HashSize]byte) {
	name := p.run.name
	for i := range rec.Messages {
		m := &rec.Messages[i]
		subject := bus.Msg(name, m.From, m.To)
		if m.Channel != "" {
			subject = bus.Chan(name, m.Channel, m.From)
		}
		if bus.CheckToken(m.To+m.Channel) != nil {
			continue // to a name that nobody can have
		}
		p.buf = record.AppendMessage(p.buf[:0], rec.Tick, m)
		p.publish(subject, p.buf)
	}
	for _, f := range rec.Annex.Facts {
		p.fact(bus.Agent(name, f.Agent, f.Kind), map[string]any{"agent": f.Agent, "fact": f.Kind, "tick": f.Tick, "detail": f.Detail})
	}
	p.buf = record.AppendTick(p.buf[:0], rec, hash)
	p.publish(bus.Tick(name), p.buf)
}

// over says how the run stands when it stops.
func (p *publisher) over(s observe.Status) {
	p.fact(bus.Run(p.run.name, string(s)), map[string]any{"run": p.run.name, "ticks": p.sum.Ticks})
}

func (p *publisher) fact(subject string, v any) {
	text, err := json.Marshal(v)
	if err == nil {
		p.publish(subject, text)
	}
}

// publish loses what the bus does not take: the log is what counts.
func (p *publisher) publish(subject string, data []byte) { _ = p.run.bus.Publish(subject, data) }
