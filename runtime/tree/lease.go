package tree

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// What a Step does.
const (
	Waits   = "waits"   // a request for a lease is in the queue
	Granted = "granted" // a request has its lease
	Ended   = "ended"   // a lease, or a request, is no more
)

// Unlocked is why a lease ended that its agent has given up.
const Unlocked = "unlocked"

// A Step is one change of who holds or waits for what, as the record has it.
type Step struct {
	Agent    string
	Position int // of the request that it answers, 0 where time or others' steps did
	What     string
	Ticket   int // of the request: as many came before it
	Token    int // of the lease, once it is granted: later leases have higher ones
	TTL      int // ticks that it lasts; 0 for no bound
	Paths    []string
	Why      string // it ended
}

// A Lease is one that is held, or, with no token, waited for.
type Lease struct {
	Agent  string   `json:"agent"`
	Paths  []string `json:"paths"` // sorted; each with all that is below it
	Ticket int      `json:"ticket"`
	Token  int      `json:"token,omitempty"`
	TTL    int      `json:"ttl,omitempty"`
	Until  int      `json:"until,omitempty"` // the last tick at whose end it still counts; with TTL
}

// leases are all, held and waited for. They are never changed in place.
type leases struct {
	held    []*Lease // by token
	waiting []*Lease // by ticket: who came first is first
	tickets int      // so many requests there were
	tokens  int      // and so many leases
	tick    int      // of the newest step
}

func (l leases) clone() leases {
	l.held, l.waiting = slices.Clone(l.held), slices.Clone(l.waiting)
	return l
}

// Leases lists what an agent holds, or all that is held for the empty name.
func (t *Tree) Leases(agent string) []Lease { return listed(t.leases.held, agent) }

// Waiting lists what an agent waits for, or all that is waited for.
func (t *Tree) Waiting(agent string) []Lease { return listed(t.leases.waiting, agent) }

// Holds says whether an agent has the lease with a token.
func (t *Tree) Holds(agent string, token int) bool { return t.leases.checkToken(agent, token) == nil }

func listed(all []*Lease, agent string) []Lease {
	var list []Lease
	for _, l := range all {
		if agent == "" || l.Agent == agent {
			list = append(list, *l)
		}
	}
	return list
}

// overlaps says whether a lease has to do with a path.
func (l *Lease) overlaps(path string) bool {
	return slices.ContainsFunc(l.Paths, func(p string) bool { return touches(p, path) })
}

// covers says whether all of a path is leased by l.
func (l *Lease) covers(path string) bool {
	return slices.ContainsFunc(l.Paths, func(p string) bool { return p == path || below(path, p) })
}

func (l *Lease) conflicts(paths []string) bool { return slices.ContainsFunc(paths, l.overlaps) }

// step takes one in. The lists are l's own.
func (l *leases) step(s *Step) {
	drop := func(x *Lease) bool { return x.Ticket == s.Ticket }
	switch s.What {
	case Waits:
		l.tickets = s.Ticket
		l.waiting = append(l.waiting, &Lease{Agent: s.Agent, Paths: s.paths(), Ticket: s.Ticket, TTL: s.TTL})
	case Granted:
		l.tickets, l.tokens = max(l.tickets, s.Ticket), s.Token
		l.waiting = slices.DeleteFunc(l.waiting, drop)
		l.held = append(l.held, &Lease{Agent: s.Agent, Paths: s.paths(), Ticket: s.Ticket, Token: s.Token, TTL: s.TTL, Until: l.tick + s.TTL})
	case Ended:
		l.waiting = slices.DeleteFunc(l.waiting, drop)
		l.held = slices.DeleteFunc(l.held, drop)
	}
}

// paths outlive the record.
func (s *Step) paths() []string {
	out := make([]string, len(s.Paths))
	for i, p := range s.Paths {
		out[i] = strings.Clone(p)
	}
	return out
}

// checkToken says whether a lease that a change was made under still stands.
func (l *leases) checkToken(agent string, token int) error {
	if token == 0 || slices.ContainsFunc(l.held, func(x *Lease) bool { return x.Token == token && x.Agent == agent }) {
		return nil
	}
	return fmt.Errorf("the lease with token %d, under which this was made, has ended; the newest token is %d", token, l.tokens)
}

// checkWrite says whether leases let an agent change a path. Under a token, the
// lease has to cover it.
func (l *leases) checkWrite(agent, path string, token int) error {
	for _, x := range l.held {
		switch {
		case x.Agent != agent && x.overlaps(path):
			return fmt.Errorf("%s is leased by %s (token %d)", path, x.Agent, x.Token)
		case x.Token == token && token > 0 && !x.covers(path):
			return fmt.Errorf("%s is not under the lease with token %d", path, token)
		}
	}
	return nil
}

// CheckLease says what is wrong with a request for a lease by itself, and gives
// its paths in their order, each once.
func CheckLease(paths []string, ttl int) ([]string, error) {
	if len(paths) == 0 || len(paths) > MaxPaths {
		return nil, fmt.Errorf("a lease has 1 to %d paths, not %d", MaxPaths, len(paths))
	}
	if ttl < 0 || ttl > 1<<40 {
		return nil, errors.New("a lease cannot last so long")
	}
	sorted := slices.Clone(paths)
	for _, p := range sorted {
		if err := CheckPath(p); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(sorted, comparePaths)
	return slices.CompactFunc(sorted, func(a, b string) bool { return a == b || below(b, a) }), nil
}

// comparePaths orders paths so that all below a directory follow it.
func comparePaths(a, b string) int {
	return strings.Compare(strings.ReplaceAll(a, "/", "\x00"), strings.ReplaceAll(b, "/", "\x00"))
}
