package supervisor

import (
	"sync"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// A Bill is what lies between the model gateway and the process of one agent: the
// process says which turn it is in, the gateway notes what its requests took, and
// its answers take that along. The methods may be called concurrently.
type Bill struct {
	// Starting is told that a new process is about to ask, and that none is left that
	// did.
	Starting func()

	mu            sync.Mutex
	out           *logFile // the agent's; nil before its process is made
	tick, attempt int
	noted         bool // something is to be taken
	counts        bool // something was, once: what the tool says that it spent is the same
	ahead         int  // turns that went on record ahead of their answer
	usage         agent.Usage
	failure       agent.Failure
	detail        string
	waiting       int       // requests that the gateway holds back
	since         time.Time // some are
	waited        time.Duration
}

// Wait says that a request is held back: for its upstream has no room, or a budget is
// promised to others. Until release the agent's deadline is held, too.
func (b *Bill) Wait() (release func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting++; b.waiting == 1 {
		b.since = time.Now()
	}
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.waiting--; b.waiting == 0 {
			b.waited += time.Since(b.since)
		}
	}
}

// held is for how long the agent's requests were held back since its deadline's
// clock began, and whether some are. Anew begins that clock.
func (b *Bill) held(now time.Time, anew bool) (waited time.Duration, waits bool) {
	if b == nil {
		return 0, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	waited, waits = b.waited, b.waiting > 0
	if waits {
		waited += now.Sub(b.since)
	}
	if anew {
		b.waited, b.since = 0, now
	}
	return waited, waits
}

// Turn is which tick the agent was asked in last, and how often it was asked in it.
func (b *Bill) Turn() (tick, attempt int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.tick, b.attempt
}

// Add notes what a request took.
func (b *Bill) Add(u *agent.Usage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.noted, b.counts = true, true
	b.usage.Add(u)
	b.usage.Model = u.Model
}

// Refuse notes that a request was refused: where the agent has no action to answer
// its turn with, that is why.
func (b *Bill) Refuse(why agent.Failure, detail string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failure, b.detail = why, detail
}

// Log tells the agent's own log.
func (b *Bill) Log(text string) {
	b.mu.Lock()
	out := b.out
	b.mu.Unlock()
	if out != nil {
		out.line("troupe: gateway: ", []byte(text))
	}
}

// logTo says which log that is. A nil bill takes no notice.
func (b *Bill) logTo(out *logFile) {
	if b != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.out = out
	}
}

// asked says that the agent is asked. A nil bill takes no notice.
func (b *Bill) asked(o *agent.Observe) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tick, b.attempt = o.Tick, o.Attempt
	b.failure, b.detail = "", ""
	b.waited, b.since = 0, time.Now()
}

// take gives what the requests took that no answer has taken along, and says whether
// there was any.
func (b *Bill) take() (u agent.Usage, any bool) {
	if b == nil {
		return u, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	u, any = b.usage, b.noted
	b.usage, b.noted = agent.Usage{}, false
	b.ahead += u.Turns
	return u, any
}

// refused is why a request of the turn was refused; empty where none was.
func (b *Bill) refused() (why agent.Failure, detail string) {
	if b == nil {
		return "", ""
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failure, b.detail
}

// explain makes a refused request the reason of an answer that has no action, unless
// a limit is.
func (b *Bill) explain(a *agent.Answer) {
	if a.Failure == "" || a.Failure == agent.Limit {
		return
	}
	if why, detail := b.refused(); why != "" {
		a.Failure, a.Detail, a.Timed = why, detail, a.Failure == agent.Deadline
	}
}

// starting is Starting, of a nil bill too. What the process before was refused is no
// reason of anything any more.
func (b *Bill) starting() {
	if b == nil {
		return
	}
	b.mu.Lock()
	b.failure, b.detail, b.ahead = "", "", 0
	b.mu.Unlock()
	b.Starting()
}

// metered brings what the gateway has counted since the last answer into what a tool
// says that its answer took. Of what went on record ahead of that, or was answered from
// what is paid for, it has counted nothing. Where no request has ever come by, the
// tool's word is all there is.
func (b *Bill) metered(u *agent.Usage) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.counts {
		return
	}
	counted, ahead := b.usage, b.ahead
	b.usage, b.noted, b.ahead = agent.Usage{}, false, 0
	u.Input, u.Output, u.CacheRead, u.CacheWrite, u.USD = counted.Input, counted.Output, counted.CacheRead, counted.CacheWrite, counted.USD
	if u.Model == "" {
		u.Model = counted.Model
	}
	if u.Turns == 0 {
		u.Turns = counted.Turns
	} else {
		u.Turns = max(u.Turns-ahead, 0)
	}
}
