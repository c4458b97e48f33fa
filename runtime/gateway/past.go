package gateway

import (
	"fmt"
	"slices"
	"sync"
)

// A Past is what models have answered, for requests that come again to be answered
// with. The methods may be called concurrently.
type Past struct {
	mu    sync.Mutex
	turns map[turnKey][]*kept
	left  map[string]bool // agents that have asked for what is not here
	drift int
}

// A turnKey is the turn that a request is in.
type turnKey struct {
	agent         string
	tick, attempt int
}

type kept struct {
	Exchange
	dir    string // of its bodies
	own    bool   // it is of this run
	served bool   // since its agent's process was started
	told   bool   // what it cost is on record, or on its way there
}

// NewPast is one of nothing.
func NewPast() *Past { return &Past{turns: map[turnKey][]*kept{}, left: map[string]bool{}} }

// ReadPast is what models have answered in another run, or in one that is executed
// again: the exchanges of a directory that came to their end.
func ReadPast(dir string) (*Past, error) {
	p := NewPast()
	return p, ReadExchanges(dir, func(e *Exchange) error {
		if e.Whole {
			p.put(kept{Exchange: *e, dir: dir})
		}
		return nil
	})
}

// Resume adds what a run's own directory holds, for a run that goes on with the tick
// next: of each agent what was answered from a tick on. What that cost is on record
// for the ticks before next. Errors are not given again.
func (p *Past) Resume(dir string, next int, from func(id string) int) error {
	return ReadExchanges(dir, func(e *Exchange) error {
		if !e.Whole || e.Tick < from(e.Agent) {
			return nil
		}
		at := turnKey{e.Agent, e.Tick, e.Attempt}
		p.turns[at] = slices.DeleteFunc(p.turns[at], func(k *kept) bool {
			return !k.own && k.Ordinal == e.Ordinal && k.Hash == e.Hash // where this one is from
		})
		if e.Status < 300 {
			p.put(kept{Exchange: *e, dir: dir, own: true, told: e.Tick < next})
		}
		return nil
	})
}

func (p *Past) put(k kept) {
	at := turnKey{k.Agent, k.Tick, k.Attempt}
	p.turns[at] = append(p.turns[at], &k)
}

// add takes in an exchange that has just ended. Served says that whoever asked has
// had the answer, or will find out that it broke off.
func (p *Past) add(e *Exchange, dir string, served bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.put(kept{*e, dir, true, served, true})
}

// forget drops what an agent was answered before a tick.
func (p *Past) forget(id string, before int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for at := range p.turns {
		if at.agent == id && at.tick < before {
			delete(p.turns, at)
		}
	}
}

// rewind has all be answered again that an agent has asked.
func (p *Past) rewind(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for at, all := range p.turns {
		if at.agent == id {
			for _, k := range all {
				k.served = false
			}
		}
	}
}

// Drift counts the requests that were answered though they differ from those on
// record.
func (p *Past) Drift() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.drift
}

// A CounterpartError says that nothing on record answers a request.
type CounterpartError struct {
	Request Exchange
	Then    *Exchange // the one that stands in its place on record; nil for none
	Differ  string    // where the two differ, where that is known
}

func (e *CounterpartError) Error() string {
	q := &e.Request
	if e.Then == nil {
		return fmt.Sprintf("request %d of %s at tick %d has no counterpart on record", q.Ordinal+1, q.Agent, q.Tick)
	}
	text := fmt.Sprintf("request %d of %s at tick %d is not the one on record", q.Ordinal+1, q.Agent, q.Tick)
	if e.Differ != "" {
		text += ": " + e.Differ
	}
	return text
}

// answer finds what answers a request: the exchange of its turn with the same hash
// that was not given yet; where others do, too, the first one left for the same
// model and tools. News says that nobody was told what it cost.
func (p *Past) answer(q *Exchange, others bool) (e *kept, news bool, missing *CounterpartError) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var like *kept
	for _, k := range p.turns[turnKey{q.Agent, q.Tick, q.Attempt}] {
		switch {
		case k.served || k.API != q.API || k.Path != q.Path:
		case k.Hash == q.Hash:
			return k, k.give(), nil
		case like == nil && k.Model == q.Model && k.Tools == q.Tools:
			like = k
		}
	}
	switch {
	case like == nil:
		return nil, false, &CounterpartError{Request: *q}
	case !others:
		return like, false, &CounterpartError{Request: *q, Then: &like.Exchange}
	}
	p.drift++
	return like, like.give(), nil
}

func (k *kept) give() (news bool) {
	news = !k.told
	k.served, k.told = true, true
	return news
}

// leave notes that an agent asks for what is not here, and from now on does not
// ask here at all; gone says that it does not.
func (p *Past) leave(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left[id] = true
}

func (p *Past) gone(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.left[id]
}
