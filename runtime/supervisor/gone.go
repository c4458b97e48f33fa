package supervisor

import (
	"cmp"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// gone follows the death of the process: by its own fault, or because it was
// told to stop.
func (p *resident) gone(c *child) {
	killGroup(c)
	byKernel := p.sweep(c)
	close(c.swept)
	p.letGo()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fleet.places.leave(p.memory(), p.yielding)
	p.yielding = false
	if p.child != c {
		return
	}
	p.child, p.hydro = nil, nil
	passed := cmp.Or(c.passed.Load(), byKernel)
	struck := p.struck
	p.struck = false
	p.melt()
	switch p.state {
	case Stopping:
		p.end()
		return
	case Parking:
		p.spoiled = p.spoiled || p.busy()
		p.parkedNow()
		p.flush()
		return
	case Ready:
		p.spoiled = p.spoiled || p.asked > 0 || p.busy()
	default:
		p.spoiled = true
	}
	p.roused()
	p.to(died)
	if passed != nil {
		p.limited(passed)
		return
	}
	fact := Fact{Agent: p.name(), Kind: "crashed", Tick: max(p.tick, 0), Detail: c.report(p.log)}
	// A program elsewhere that nobody waits for may go and come back, and so may one
	// that does not have what it was asked.
	why := c.dismissed.Load()
	left := why != nil || c.from != "" && (p.asked == 0 || c.unheard())
	switch {
	case p.restart:
		fact.Kind, fact.Detail = "restarted", "it missed its deadline"
	case why != nil && c.from == "":
		fact.Kind, fact.Detail = "restarted", *why
	case left:
		fact.Kind = "disconnected"
	}
	p.fleet.fact(fact)
	p.crashed(fact.Detail, struck, left)
	if p.state == Down && p.lost >= lostTicks {
		p.to(gaveUp)
		p.fleet.fact(Fact{Agent: p.name(), Kind: "failed", Tick: p.tick,
			Detail: fmt.Sprintf("crashed for good in %d ticks in a row: not started again", p.lost)})
	}
	p.flush()
}

func (p *resident) sweep(c *child) *excess {
	p.mu.Lock()
	tick := p.tick
	p.mu.Unlock()
	return p.fleet.sweep(c, p.name(), tick)
}

// limited answers for a process that a limit has ended: whatever it was asked is
// over, wherever it was, and the next ask starts another. mu is held.
func (p *resident) limited(x *excess) {
	p.fleet.fact(Fact{Agent: p.name(), Kind: "limit", Tick: max(p.tick, 0), Detail: x.String()})
	p.log.line("troupe: ended: ", []byte(x.String()))
	p.penalty.passed(x, time.Now())
	p.restart = false
	p.streak++
	for _, st := range p.order {
		st.owes, st.ready, st.stray = nil, false, ""
	}
	a := agent.Answer{Failure: agent.Limit, Timed: x.timed, Detail: x.String()}
	p.failOpen(a, func(st *seat) bool { return st.sent })
	a.Unsent = true
	p.failOpen(a, nil)
	p.flush()
}

// crashed decides what becomes of the open asks: asked again of a new process,
// one by one where several share it and it keeps dying, or given up. Struck says
// that a fault killed it, left that it went and has failed nobody.
func (p *resident) crashed(detail string, struck, left bool) {
	wanted := p.restart || left || struck && p.owed == 0 // hit between turns, it has failed nobody
	p.restart, p.staged = false, nil
	if !wanted {
		p.crashes++
		p.streak++
	}
	had := false // the process had something to answer when it died
	for _, st := range p.order {
		st.owes = nil
		st.ready = false
		st.stray = ""
		had = had || st.open && st.sent
	}
	guilty := func(st *seat) bool { return st.sent || !had }
	// A fault's first death of a tick is no matter of time.
	outcome := agent.Answer{Failure: agent.Crash, Timed: !struck || p.crashes > 1, Detail: detail}
	switch shared := p.living > 1; {
	case wanted:
	case !p.anyOpen():
		return
	case p.refused(): // another process would be, too
		p.spec.Bill.explain(&outcome)
		for _, st := range p.order {
			st.staged.crash()
		}
		p.failOpen(outcome, nil)
	case p.spec.Restarts == 0:
		p.failOpen(outcome, guilty)
	case shared && p.alone && had:
		p.failOpen(outcome, guilty)
	case shared && p.crashes < 2+p.spec.Restarts:
		p.alone = p.crashes >= 2
	case p.crashes >= p.spec.Restarts:
		outcome.Detail = fmt.Sprintf("crashed %d times in one tick; the last time: %s", p.crashes, detail)
		p.failOpen(outcome, nil)
		p.lost++
	}
	now := time.Now()
	for _, st := range p.order {
		if st.open && st.sent {
			p.unsend(st)
			st.staged.crash()
			if p.fleet.opts.Realtime {
				st.ask = redelivered(st.ask)
			}
			p.charge(st, now)
		}
	}
	if p.anyOpen() {
		p.revive()
	}
}

// refused says whether the gateway refused a request of the turn.
func (p *resident) refused() bool {
	why, _ := p.spec.Bill.refused()
	return why != ""
}

// redelivered is an observe as it is asked again of a process that has not had
// it, where another had.
func redelivered(o *agent.Observe) *agent.Observe {
	if o.Marked() == len(o.Messages) {
		return o
	}
	again := *o
	again.Messages = agent.Redelivered(o.Messages, len(o.Messages))
	return &again
}

// crashReport names the status, the last lines of the log and where it is.
func crashReport(st syscall.WaitStatus, log *logFile) string {
	var b strings.Builder
	b.WriteString(exitText(st))
	if lines := log.tail(5); len(lines) > 0 {
		b.WriteString("; its last lines:\n")
		for _, l := range lines {
			b.WriteString("    " + l + "\n")
		}
		b.WriteString("  the whole log: " + log.path)
	} else {
		b.WriteString("; it logged nothing (" + log.path + ")")
	}
	return b.String()
}

// retire ends one agent, and the process with its last.
func (p *resident) retire(id, reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	st := p.seat(id)
	if st.ended {
		return
	}
	p.unsend(st)
	if st.open {
		p.asked--
	}
	p.setAhead(st, false)
	st.ended, st.open, st.ask, st.owes, st.saved = true, false, nil, nil, nil
	p.hydro.forget(id)
	p.living--
	if p.living == 0 {
		p.halt(reason, patient, []*seat{st})
		return
	}
	if p.state == Starting && !st.ready {
		if p.waiting--; p.waiting == 0 && p.readyc != nil {
			close(p.readyc)
		}
	}
	if p.child != nil {
		p.child.in.write(p.dialect.Stop(nil, id, reason))
	}
}

func (p *resident) stop(reason string, g graces) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var told []*seat
	for _, st := range p.order {
		if !st.ended {
			told = append(told, st)
		}
	}
	p.halt(reason, g, told)
}

// halt takes the process through the protocol's stop in the background. A
// second halt may shorten the first one's graces. mu is held.
func (p *resident) halt(reason string, g graces, told []*seat) {
	if p.state == Stopped {
		return
	}
	already := p.state == Stopping
	if !already {
		close(p.halting)
	}
	p.roused()
	p.to(stopped)
	if p.timer != nil {
		p.timer.Stop()
	}
	p.melt()
	c := p.child
	if c == nil {
		if p.spawning == 0 {
			p.end()
		}
		return
	}
	if !already {
		p.out = p.out[:0]
		for _, st := range told {
			p.out = p.dialect.Stop(p.out, st.init.Agent, reason)
			p.spill(c)
		}
		c.in.write(p.out)
		c.in.finish()
	}
	p.fleet.wg.Go(func() { stopChild(c, g) })
}

// end follows the last breath of a stopped process.
func (p *resident) end() {
	p.to(ended)
	if p.state != Stopped {
		return
	}
	select {
	case <-p.finished:
		return
	default:
	}
	p.fleet.closeSocket(p.sock)
	if p.ws != nil {
		p.ws.Release()
	}
	if p.spec.Caller != nil {
		p.spec.Caller.Close()
	}
	p.log.close()
	p.script.close()
	close(p.finished)
	p.fleet.fact(Fact{Agent: p.name(), Kind: "stopped", Tick: max(p.tick, 0)})
}
