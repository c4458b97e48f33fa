package supervisor

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// A spending is what a process, or several, have taken in their lives.
type spending struct{ cpu, wall time.Duration }

// spendingText is how facts tell a spending.
const spendingText = "cpu %s wall %s"

func (s spending) String() string {
	return fmt.Sprintf(spendingText, s.cpu.Round(time.Millisecond), s.wall.Round(time.Millisecond))
}

// spentShare is how often what has been taken is put on record: after each such
// part of the limit.
const spentShare = 50

// An account is what the processes of one place have taken so far, one after
// another: being parked or restarted gives nothing back, nor does the end of the
// supervisor.
type account struct {
	mu sync.Mutex
	spending
	told spending // on record
}

// restore takes a fact's word for what was spent before.
func (a *account) restore(text string) {
	var cpu, wall string
	if _, err := fmt.Sscanf(text, spendingText, &cpu, &wall); err != nil {
		return // nothing was
	}
	a.cpu, _ = time.ParseDuration(cpu)
	a.wall, _ = time.ParseDuration(wall)
	a.told = a.spending
}

// due says whether so much is to be put on record, beside what it has for good.
func (a *account) due(now spending, l *Limits) (sum spending, due bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	sum = spending{a.cpu + now.cpu, a.wall + now.wall}
	due = l.CPU > 0 && sum.cpu-a.told.cpu >= l.CPU/spentShare || l.Wall > 0 && sum.wall-a.told.wall >= l.Wall/spentShare
	if due {
		a.told = sum
	}
	return sum, due
}

func (a *account) add(t spending) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cpu += t.cpu
	a.wall += t.wall
}

func (a *account) sum() spending {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.spending
}

// spent puts on record what a place has taken, where it is time to; now is what
// its child has, that lives.
func (f *Fleet) spent(b *bond, now spending) {
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
