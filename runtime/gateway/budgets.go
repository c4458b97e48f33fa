package gateway

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// A Budget bounds what the requests of some agents cost together.
type Budget struct {
	Name string    // as errors say it: limits.usd of the run, or of an agent; no other has it
	USD  agent.USD // 0 for no bound: what is spent is counted all the same
}

// Budgets reserve what a request may cost before it is made and settle it once it
// is known. What may be spent is promised once: a request waits while others that
// are under way may spend what is left, and is refused where it is spent. So a
// budget is passed by at most what the last request costs beyond its reservation,
// or, where the reservation alone is more than what was left, by that request.
// The methods may be called concurrently.
type Budgets struct {
	mu      sync.Mutex
	all     map[string]*account   // by name
	of      map[string][]*account // by agent
	waiting []*claim              // who came first is first
}

type account struct {
	Budget
	spent, reserved agent.USD
}

// A claim is a request that waits for its reservation.
type claim struct {
	on      []*account
	most    agent.USD
	decided chan error // it has room
}

// A BudgetError says that a budget is spent.
type BudgetError struct {
	Budget string
	Spent  agent.USD
	Of     agent.USD
}

func (e *BudgetError) Error() string {
	return fmt.Sprintf("%s: %s of %s are spent", e.Budget, e.Spent, e.Of)
}

// NewBudgets are none: nobody is in one.
func NewBudgets() *Budgets {
	return &Budgets{all: map[string]*account{}, of: map[string][]*account{}}
}

// Enroll has the requests of an agent count in some budgets from now on, and what
// it has spent before. A budget is made with its first agent.
func (b *Budgets) Enroll(id string, spent agent.USD, in ...Budget) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, x := range in {
		a := b.all[x.Name]
		if a == nil {
			a = &account{Budget: x}
			b.all[x.Name] = a
		}
		a.spent += spent
		b.of[id] = append(b.of[id], a)
	}
}

// A Standing is a budget and what has been spent of it.
type Standing struct {
	Budget
	Spent agent.USD
}

// Standings are those of all budgets, by their names.
func (b *Budgets) Standings() []Standing {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]Standing, 0, len(b.all))
	for _, a := range b.all {
		out = append(out, Standing{a.Budget, a.spent})
	}
	slices.SortFunc(out, func(a, b Standing) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Spent is what each budget has spent, by its name.
func (b *Budgets) Spent() map[string]agent.USD {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make(map[string]agent.USD, len(b.all))
	for name, a := range b.all {
		out[name] = a.spent
	}
	return out
}

// Reserve reserves what a request of an agent may cost at most, and waits until it
// can; ctx ends that. The error is a *BudgetError where a budget is spent. Settle
// has to be called once: what the request has cost takes the reservation's place.
func (b *Budgets) Reserve(ctx context.Context, id string, most agent.USD) (settle func(cost agent.USD), err error) {
	b.mu.Lock()
	c := &claim{on: b.of[id], most: most, decided: make(chan error, 1)}
	b.waiting = append(b.waiting, c)
	b.decide()
	b.mu.Unlock()
	select {
	case err = <-c.decided:
	case <-ctx.Done():
		if err = b.withdraw(c); err == nil {
			err = ctx.Err()
		}
	}
	if err != nil {
		return nil, err
	}
	var once sync.Once
	return func(cost agent.USD) { once.Do(func() { b.settle(c, cost) }) }, nil
}

// withdraw takes a claim back, whatever has been decided meanwhile.
func (b *Budgets) withdraw(c *claim) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, x := range b.waiting {
		if x == c {
			b.waiting = append(b.waiting[:i:i], b.waiting[i+1:]...)
			b.decide()
			return nil
		}
	}
	if err := <-c.decided; err != nil {
		return err
	}
	b.release(c)
	b.decide()
	return nil
}

func (b *Budgets) settle(c *claim, cost agent.USD) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.release(c)
	for _, a := range c.on {
		a.spent += max(cost, 0)
	}
	b.decide()
}

func (b *Budgets) release(c *claim) {
	for _, a := range c.on {
		a.reserved -= c.most
	}
}

// decide gives those who wait what they can have. Nobody is kept waiting by who
// waits for another budget. mu is held.
func (b *Budgets) decide() {
	kept := b.waiting[:0]
	blocked := map[*account]bool{}
	for _, c := range b.waiting {
		err, wait := c.look(blocked)
		if wait {
			for _, a := range c.on {
				blocked[a] = true
			}
			kept = append(kept, c)
			continue
		}
		if err == nil {
			for _, a := range c.on {
				a.reserved += c.most
			}
		}
		c.decided <- err
	}
	clear(b.waiting[len(kept):])
	b.waiting = kept
}

// look says what becomes of a claim now.
func (c *claim) look(blocked map[*account]bool) (err error, wait bool) {
	for _, a := range c.on {
		switch {
		case a.USD == 0:
		case a.spent >= a.USD:
			return &BudgetError{a.Name, a.spent, a.USD}, false
		case blocked[a] || a.reserved > 0 && a.spent+a.reserved+c.most > a.USD:
			wait = true
		}
	}
	return nil, wait
}
