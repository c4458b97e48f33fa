package supervisor

import (
	"slices"
	"sync"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// An account is what the processes of one place have taken so far, one after
// another: being parked or restarted gives nothing back, nor does the end of the
// supervisor.
type account struct {
	mu sync.Mutex
	agent.Spent
	told agent.Spent // on record
}

// restore takes a fact's word for what was spent before.
func (a *account) restore(text string) {
	a.Spent = agent.ParseSpent(text)
	a.told = a.Spent
}

// due says whether so much is to be put on record, beside what it has for good.
func (a *account) due(now agent.Spent, l *Limits) (sum agent.Spent, due bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	sum = agent.Spent{CPU: a.CPU + now.CPU, Wall: a.Wall + now.Wall}
	due = sum.Due(a.told, agent.Spent{CPU: l.CPU, Wall: l.Wall})
	if due {
		a.told = sum
	}
	return sum, due
}

func (a *account) add(t agent.Spent) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.CPU += t.CPU
	a.Wall += t.Wall
}

func (a *account) sum() agent.Spent {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.Spent
}

// CPU is the processor time that the fleet's processes have taken so far, where
// Options.CPU has it measured. Any goroutine may call it.
func (f *Fleet) CPU() time.Duration {
	sum := time.Duration(f.cpu.Load())
	for _, w := range f.watchdog.all() {
		sum += w.spending().CPU
	}
	return sum
}

// spent puts on record what a place has taken, where it is time to; now is what
// its child has, that lives.
func (f *Fleet) spent(b *bond, now agent.Spent) {
	if sum, due := b.account.due(now, b.limits); due {
		f.factAnew(Fact{Agent: b.name, Kind: "spent", Tick: int(f.lastTick.Load()) + 1, Detail: sum.String()})
	}
}

// factAnew notes something in place of what was noted of the kind and the agent
// and is not taken yet.
func (f *Fleet) factAnew(x Fact) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.facts, func(y Fact) bool { return y.Kind == x.Kind && y.Agent == x.Agent })
	if i >= 0 {
		f.facts[i] = x
	} else {
		f.facts = append(f.facts, x)
	}
}
