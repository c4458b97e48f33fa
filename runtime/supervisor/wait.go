package supervisor

import (
	"fmt"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// longestWait is the longest pause before a model that has no room is asked
// again.
const longestWait = time.Minute

// postpone holds a seat's ask until the model may have room: it is asked the
// same again after a pause that grows, with its whole deadline. It reports
// whether the policy says so. mu is held.
func (p *resident) postpone(st *seat, f agent.Failure, detail string) bool {
	if f != agent.RateLimited || !p.spec.WaitForModel || p.state == Stopping {
		return false
	}
	pause := min(time.Second<<min(st.waits, 10), longestWait)
	st.waits++
	p.unsend(st)
	st.paused = true
	p.fleet.fact(Fact{Agent: st.init.Agent, Kind: "waiting", Tick: st.ask.Tick,
		Detail: fmt.Sprintf("asked again in %s: %s", pause, detail)})
	p.fleet.wg.Go(func() {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		select {
		case <-timer.C:
			p.proceed(st)
		case <-p.finished:
		case <-p.halting:
		}
	})
	return true
}

// proceed asks a seat whose pause is over.
func (p *resident) proceed(st *seat) {
	p.mu.Lock()
	defer p.mu.Unlock()
	st.paused = false
	if !st.open {
		return
	}
	st.left = p.fleet.deadline(st.ask)
	switch p.state {
	case Ready:
		p.send()
	case Parked: // it was one for the turn that failed
		p.revive()
	}
}
