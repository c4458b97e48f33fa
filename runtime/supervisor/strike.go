package supervisor

import (
	"syscall"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// Strike does to the process of an agent that owes no answer what a fault of
// the scenario wants; where no process runs, nothing.
func (f *Fleet) Strike(id string, s agent.Strike) {
	if d := f.byAgent[id]; d != nil {
		d.strike(s)
	}
}

func (p *resident) strike(s agent.Strike) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.suffer(s)
}

// suffer is strike with mu held. What a killed process still says does not
// count: whether it was quick does not decide what becomes of its ask.
func (p *resident) suffer(s agent.Strike) {
	switch c := p.child; {
	case c == nil || p.state == Stopping:
	case s.Kill:
		p.struck = true
		c.signal(syscall.SIGKILL)
	case s.Pause > 0 && p.state == Ready:
		p.freeze(c, s.Pause)
	}
}

// freeze stops the process for a while; deadlines wait. mu is held.
func (p *resident) freeze(c *child, d time.Duration) {
	now := time.Now()
	if p.frozen() {
		p.thawAt = later(p.thawAt, now.Add(d))
		return
	}
	p.thawAt = now.Add(d)
	for _, st := range p.order {
		if st.open && st.sent {
			p.charge(st, now)
		}
	}
	c.stop()
	p.thawer = time.AfterFunc(d, func() { p.thaw(c) })
}

func (p *resident) frozen() bool { return p.thawer != nil }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// thaw lets the process go on, once nobody wants it stopped any more.
func (p *resident) thaw(c *child) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.child != c || !p.frozen() {
		return
	}
	if left := time.Until(p.thawAt); left > 0 {
		p.thawer.Reset(left)
		return
	}
	p.melt()
	now := time.Now()
	var due time.Time
	for _, st := range p.order {
		if !st.open || !st.sent {
			continue
		}
		st.since = now
		if end := now.Add(st.left); p.fleet.deadline(st.ask) > 0 && (due.IsZero() || end.Before(due)) {
			due = end
		}
	}
	p.arm(due)
}

// melt ends a pause: the process, if there is one, goes on. mu is held.
func (p *resident) melt() {
	if !p.frozen() {
		return
	}
	p.thawer.Stop()
	p.thawer = nil
	if p.child != nil {
		p.child.goOn()
	}
}

// An agent with a process a turn has none that could be hit between its turns.
func (t *turns) strike(agent.Strike) {}

// suffer does to a turn's process what a fault wants, and says for how long
// its deadline is to wait. The caller calls release once the process is gone.
func (t *turns) suffer(c *child, s *agent.Strike) (pause time.Duration, release func()) {
	release = func() {}
	switch {
	case s == nil:
	case s.Kill:
		c.signal(syscall.SIGKILL)
	case s.Pause > 0:
		pause = s.Pause
		c.stop()
		thaw := time.AfterFunc(s.Pause, func() {
			select {
			case <-c.gone: // its number may be another's
			default:
				c.goOn()
			}
		})
		release = func() { thaw.Stop() }
	}
	return pause, release
}
