package runtime

import (
	"encoding/json"

	"github.com/troupe-dev/troupe/bus"
	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// speaker is where live subjects are published.
type speaker interface {
	Publish(subject string, data []byte) error
}

// A teller publishes what observers see of a run, on its live subjects: as it
// happens, or again from its record. One goroutine uses it.
type teller struct {
	to  speaker
	run string // as the subjects name it
	buf []byte
}

// begun says that the run's processes have started, or that it was resumed and
// they have again.
func (t *teller) begun(fact string, p *plan.Plan) {
	t.fact(bus.Run(t.run, fact), map[string]any{"run": t.run, "scenario": p.Name, "agents": len(p.Agents)})
}

// tick tells of one: its messages, its facts, then its line. An agent that listens on
// the bus hears what is delivered to it and nothing else.
func (t *teller) tick(rec *record.Record, hash [record.HashSize]byte) {
	for i := range rec.Messages {
		m := &rec.Messages[i]
		subject := bus.Msg(t.run, m.From, m.To)
		switch {
		case m.Withheld():
			subject = bus.Withheld(t.run, m.From)
		case bus.CheckToken(m.To+m.Channel) != nil:
			continue // to a name that nobody can have, where it is not on record that it was refused
		case m.Channel != "":
			subject = bus.Chan(t.run, m.Channel, m.From)
		}
		t.buf = record.AppendMessage(t.buf[:0], rec.Tick, m)
		t.publish(subject, t.buf)
	}
	for _, f := range rec.Annex.Facts {
		subject := bus.Agent(t.run, f.Agent, f.Kind)
		if f.Agent == "" { // it is the supervisor's
			subject = bus.Run(t.run, f.Kind)
		}
		t.fact(subject, map[string]any{"agent": f.Agent, "fact": f.Kind, "tick": f.Tick, "detail": f.Detail})
	}
	t.buf = record.AppendTick(t.buf[:0], rec, hash)
	t.publish(bus.Tick(t.run), t.buf)
}

// over says how the run stands when it stops.
func (t *teller) over(s observe.Status, ticks int) {
	t.fact(bus.Run(t.run, string(s)), map[string]any{"run": t.run, "ticks": ticks})
}

func (t *teller) fact(subject string, v any) {
	text, err := json.Marshal(v)
	if err == nil {
		t.publish(subject, text)
	}
}

// publish loses what the bus does not take: the log is what counts.
func (t *teller) publish(subject string, data []byte) { _ = t.to.Publish(subject, data) }
