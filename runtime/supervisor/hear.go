package supervisor

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// line takes one line of the child's stdout.
func (p *resident) line(c *child, line []byte, cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.child != c || p.struck || c.passed.Load() != nil {
		return
	}
	p.heard = true
	line = p.secret.whole(line)
	if cut && p.spec.Kind.Tool != nil {
		p.stray(fmt.Sprintf("a line of more than %d bytes: %.80q", p.spec.Kind.Tool.MaxLine, line))
		return
	}
	if cut {
		p.oversize(line)
		return
	}
	p.script.said(line)
	said, err := p.dialect.Decode(line)
	var bad *agent.MalformedError
	switch {
	case errors.As(err, &bad):
		p.malformed(bad, line)
	case err != nil:
		if len(bytes.TrimSpace(line)) > 0 {
			p.note("stdout: ", line)
		}
	case said.Type == agent.TypeAct, said.Type == agent.TypeFailed:
		p.answered(c, &said)
	case said.Type == "ready":
		p.ready(said.Agent)
	case said.Type == agent.TypeState:
		p.tells(&said)
	case said.Type == "log":
		p.log.line("["+said.Level+"] ", []byte(said.Text))
	}
}

// answered takes an answer or a failure, once it is safe.
func (p *resident) answered(c *child, l *agent.Line) {
	if p.held != nil {
		p.stray("an answer before the one before it was recorded")
		return
	}
	p.handedIn(l)
	if l.Type == agent.TypeFailed {
		p.log.line(string(l.Failure)+": ", []byte(l.Detail))
	}
	if look := p.recorded(l); look != nil || p.perTurn() {
		p.hold(c, l, look)
		return
	}
	p.accept(l, time.Now())
}

// accept takes an answer or a failure that came at some time.
func (p *resident) accept(l *agent.Line, at time.Time) {
	p.used(l)
	if l.Type == agent.TypeAct {
		p.act(l.Act, at)
		return
	}
	p.fault(l.Agent, l.Tick, l.Failure, l.Detail)
}

// used notes what an answer of a model took, and whose session it was.
func (p *resident) used(l *agent.Line) {
	if l.Usage == nil {
		return
	}
	if l.Usage.Session != "" {
		p.session = l.Usage.Session
	}
	u := Usage{Agent: l.Agent, Usage: *l.Usage, Attempt: 1}
	p.spec.Bill.metered(&u.Usage)
	if l.Type == agent.TypeAct {
		u.Agent = l.Act.Agent
	}
	if st := p.seat(u.Agent); st != nil && st.open {
		u.Attempt = st.ask.Attempt
	}
	p.fleet.used(u)
}

// note logs a line that was no answer, and remembers it for whoever misses one.
func (p *resident) note(prefix string, line []byte) {
	p.log.note(prefix, line)
	p.noted = true
	p.noise = append(p.noise[:0], line[:min(len(line), noiseKept)]...)
}

// noiseKept is how much of a line that is no protocol line is kept for a hint.
const noiseKept = 4 * 80

// hint tells whoever misses an answer what was written instead.
func (p *resident) hint(text string) {
	for _, st := range p.order {
		if st.open && st.sent {
			st.hint = text
		}
	}
}

// act takes an answer that came at some time: to what was asked, to what was
// asked too long ago, or to nothing.
func (p *resident) act(a agent.Act, at time.Time) {
	st := p.seat(a.Agent)
	if len(p.staged) > 0 {
		a.Send = slices.Concat(p.staged, a.Send)
	}
	switch {
	case st == nil:
		p.stray(fmt.Sprintf("an answer for agent %q, which this process does not host", a.Agent))
		p.hint(fmt.Sprintf("it answered for agent %q, which its process does not host", a.Agent))
	case p.hydro != nil:
		p.hydro.answer(p, a.Agent, a.Tick, &a, "")
	case st.open && st.sent && st.ask.Tick == a.Tick:
		p.keep(st, st.ask, &a, p.fleet.epoch.Load())
		took := at.Sub(st.since)
		p.settle(st, agent.Answer{Act: a, Took: took})
		p.lost, p.streak = 0, 0
		if took > slowAnswer && p.owed == 0 { // once, where many answer together
			p.loosen()
		}
	case st.owes != nil && st.owes.Tick == a.Tick:
		p.late(st)
	default:
		p.stray(fmt.Sprintf("an answer of agent %q for tick %d, which it was not asked", a.Agent, a.Tick))
		st.hint = fmt.Sprintf("it answered tick %d instead of tick %d", a.Tick, st.tick)
	}
}

func (p *resident) stray(what string) { p.log.line("troupe: ignored ", []byte(what)) }

// malformed takes a line that was meant as an answer and is none.
func (p *resident) malformed(bad *agent.MalformedError, line []byte) {
	p.log.line("malformed: ", line)
	p.fault(bad.Agent, bad.Tick, agent.InvalidAction, bad.Error())
}

// oversize takes the head of a line that was longer than the protocol allows.
func (p *resident) oversize(head []byte) {
	p.log.line("too long: ", head[:min(len(head), 200)])
	id := headAgent(head)
	tick := -1
	if st := p.seat(id); st != nil {
		tick = st.tick
		if p.hydro != nil {
			tick = p.hydro.tick
		}
	}
	p.fault(id, tick, agent.Oversize, fmt.Sprintf("the answer is a line of more than %d bytes", agent.MaxLine))
}

// fault ends an open ask with a failure of the answer's form. Where the line
// does not tell whose it was, it can only be blamed on a single agent.
func (p *resident) fault(id string, tick int, f agent.Failure, detail string) {
	if why, said := p.spec.Bill.refused(); why != "" {
		f, detail = why, said
	}
	st := p.seat(id)
	if st == nil && len(p.order) == 1 {
		st = p.order[0]
		tick = st.tick
	}
	switch {
	case st == nil:
		p.stray("a faulty line that names no agent of this process: " + detail)
	case p.hydro != nil:
		p.hydro.answer(p, st.init.Agent, tick, nil, f)
	case st.open && st.sent && (tick < 0 || st.ask.Tick == tick):
		if p.postpone(st, f, detail) {
			return
		}
		p.keep(st, st.ask, nil, p.fleet.epoch.Load())
		p.settle(st, agent.Answer{Failure: f, Detail: detail})
	case st.owes != nil && (tick < 0 || st.owes.Tick == tick):
		p.late(st)
	default:
		p.stray("a faulty line: " + detail)
		st.hint = detail
	}
}
