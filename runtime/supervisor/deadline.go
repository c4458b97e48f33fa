package supervisor

import (
	"fmt"
	"slices"
	"syscall"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// deadline is how long the answer to an observe may take; 0 for ever.
func (f *Fleet) deadline(o *agent.Observe) time.Duration {
	if f.opts.Deadline > 0 {
		return f.opts.Deadline
	}
	return o.Deadline
}

// arm makes the timer fire at due or earlier. It is not stopped by answers: it
// fires at most once a deadline's length and looks then.
func (p *resident) arm(due time.Time) {
	if due.IsZero() || (!p.armed.IsZero() && !p.armed.After(due)) {
		return
	}
	p.armed = due
	d := time.Until(due)
	if p.timer == nil {
		p.timer = time.AfterFunc(d, p.expire)
		return
	}
	p.timer.Reset(d)
}

// expire ends the asks whose time is over.
func (p *resident) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed = time.Time{}
	if p.frozen() {
		return // thaw looks after them
	}
	now := time.Now()
	waited, waits := p.spec.Bill.held(now, false)
	var due time.Time
	restart, missed := false, false
	for _, st := range p.order {
		if !st.open || !st.sent || p.held != nil || p.fleet.deadline(st.ask) <= 0 {
			continue
		}
		end := st.since.Add(st.left + waited)
		if waits && !end.After(now.Add(heldLook)) {
			end = now.Add(heldLook)
		}
		switch {
		case end.After(now):
			if due.IsZero() || end.Before(due) {
				due = end
			}
		case int(st.asks) < p.spec.DeadlineAsks && !p.refused():
			restart = true
			st.asks++
			st.left = p.fleet.deadline(st.ask)
			st.since = now
			p.spec.Bill.held(now, true)
		default:
			p.miss(st)
			missed = true
		}
	}
	if missed {
		p.loosen()
	}
	p.arm(due)
	if restart && p.child != nil {
		p.restart = true
		p.log.line("troupe: ", []byte("restarted: it missed its deadline"))
		p.child.signal(syscall.SIGKILL)
	}
	p.flush()
	p.rested()
}

// heldLook is how long after a look at an ask whose requests are held back, and
// whose time would be over otherwise, the next one comes.
const heldLook = 100 * time.Millisecond

// charge takes what has passed since an ask was sent from what is left of its
// deadline.
func (p *resident) charge(st *seat, now time.Time) {
	waited, _ := p.spec.Bill.held(now, true)
	st.left -= min(max(now.Sub(st.since)-waited, 0), st.left)
}

// miss ends an ask by its deadline. The process owes the answer from then on.
func (p *resident) miss(st *seat) {
	o := cloneObserve(st.ask) // the caller's memory lasts one tick
	detail := fmt.Sprintf("no answer within %s", p.fleet.deadline(st.ask))
	switch {
	case st.hint != "":
		detail += "; " + st.hint
	case len(p.noise) > 0:
		detail += fmt.Sprintf("; it wrote a line that is no protocol line: %.80q", p.noise)
	case p.mute:
		detail += "; it closed its stdout"
	case !p.heard:
		detail += "; it wrote nothing on stdout since it was asked: does it flush its output after each line?"
	}
	a := agent.Answer{Failure: agent.Deadline, Timed: true, Detail: detail}
	p.spec.Bill.explain(&a)
	p.settle(st, a)
	st.owes = o
	st.since = time.Now().Add(-p.fleet.deadline(o))
}

// late drops an answer that comes after its deadline: its process is free for
// the next observation.
func (p *resident) late(st *seat) {
	o := st.owes
	st.owes = nil
	epoch := p.fleet.fact(Fact{Agent: st.init.Agent, Kind: "late", Tick: o.Tick,
		Detail: fmt.Sprintf("answered %s after its deadline", time.Since(st.since.Add(p.fleet.deadline(o))).Round(time.Millisecond))})
	p.keep(st, o, nil, epoch)
	p.roused() // it worked until now: it rests, and is idle, from here on
}

func cloneObserve(o *agent.Observe) *agent.Observe {
	c := *o
	c.Observation = slices.Clone(o.Observation)
	c.Messages = cloneMessages(o.Messages)
	c.Results = cloneAll(o.Results)
	return &c
}

func cloneAll(list [][]byte) [][]byte {
	out := make([][]byte, len(list))
	for i, b := range list {
		out[i] = slices.Clone(b)
	}
	return out
}

func cloneMessages(list []agent.Message) []agent.Message {
	out := slices.Clone(list)
	for i := range out {
		out[i].Body = slices.Clone(out[i].Body)
	}
	return out
}
