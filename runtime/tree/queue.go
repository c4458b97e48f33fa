package tree

import (
	"errors"
	"fmt"
	"slices"
)

// mostLeases is how many leases an agent may hold or wait for.
const mostLeases = 100

// Lock decides a request for a lease: what it gives says Granted or Waits.
//
// All paths of a request are granted together, and an agent waits for one at a
// time. Nobody can wait for each other: who holds a lease already may ask only
// for paths that come after all it has, and then waits for those alone who hold
// what it wants, while who holds none also waits for all who asked before it. So
// of those who hold something and wait, each waits for one that holds a path
// behind all of its own.
func (d *Draft) Lock(agent string, position int, paths []string, ttl int) (*Step, error) {
	paths, err := CheckLease(paths, ttl)
	if err != nil {
		return nil, err
	}
	var mine []*Lease
	for _, x := range slices.Concat(d.now.leases.held, d.now.leases.waiting) {
		if x.Agent == agent {
			mine = append(mine, x)
		}
	}
	if len(mine) >= mostLeases {
		return nil, fmt.Errorf("an agent may have %d leases", mostLeases)
	}
	for _, p := range paths {
		if !d.now.MayWrite(agent, p) && !d.mayBelow(agent, p) {
			return nil, fmt.Errorf("%s may not be written by %s, which so cannot lease it", p, agent)
		}
		for _, x := range mine {
			if err := x.inOrder(p); err != nil {
				return nil, err
			}
		}
	}
	d.fork()
	s := Step{Agent: agent, Position: position, What: Waits, Ticket: d.now.leases.tickets + 1, TTL: ttl, Paths: paths}
	if d.free(agent, paths, d.now.leases.waiting) {
		s.What, s.Token = Granted, d.now.leases.tokens+1
	}
	return d.add(s), nil
}

// mayBelow says whether an agent may write something that there is below a
// directory.
func (d *Draft) mayBelow(agent, dir string) bool {
	for name, f := range d.now.files {
		if !f.Gone && below(name, dir) && d.now.MayWrite(agent, name) {
			return true
		}
	}
	return false
}

// inOrder says why the holder of a lease may not ask for another path.
func (l *Lease) inOrder(path string) error {
	for _, p := range l.Paths {
		switch {
		case touches(p, path) && l.Token > 0:
			return fmt.Errorf("%s is leased by its own agent already (token %d)", p, l.Token)
		case l.Token == 0:
			return fmt.Errorf("its agent waits for a lease on %s already: it can wait for one at a time", p)
		case comparePaths(p, path) > 0:
			return fmt.Errorf("%s comes before %s, on which its agent has a lease: ask for both at once, or in their order", path, p)
		}
	}
	return nil
}

// free says whether an agent can have paths now, before those who wait that are
// listed.
func (d *Draft) free(agent string, paths []string, before []*Lease) bool {
	holds := false
	for _, x := range d.now.leases.held {
		if x.Agent == agent {
			holds = true
		} else if x.conflicts(paths) {
			return false
		}
	}
	return holds || !slices.ContainsFunc(before, func(x *Lease) bool { return x.conflicts(paths) })
}

func (d *Draft) add(s Step) *Step {
	d.now.leases.tick = d.tick
	d.now.leases.step(&s)
	d.Steps = append(d.Steps, s)
	return &d.Steps[len(d.Steps)-1]
}

// Unlock ends the leases of an agent that have one of the paths, whole, and what
// it waits for; without paths all of them.
func (d *Draft) Unlock(agent string, position int, paths []string) error {
	n := d.end(func(x *Lease) bool {
		return x.Agent == agent && (len(paths) == 0 || slices.ContainsFunc(paths, func(p string) bool { return slices.Contains(x.Paths, p) }))
	}, position, Unlocked)
	if n == 0 {
		return errors.New("it has no such lease")
	}
	return nil
}

// Release ends one lease, or what waits for it, by its ticket.
func (d *Draft) Release(ticket int, why string) bool {
	return d.end(func(x *Lease) bool { return x.Ticket == ticket }, 0, why) > 0
}

// Leave ends all that an agent has, which is no more.
func (d *Draft) Leave(agent, why string) {
	d.end(func(x *Lease) bool { return x.Agent == agent }, 0, why)
}

// Expire ends the leases whose ticks are over.
func (d *Draft) Expire() {
	d.end(func(x *Lease) bool { return x.Token > 0 && x.TTL > 0 && x.Until <= d.tick }, 0, "its time was over")
}

func (d *Draft) end(which func(*Lease) bool, position int, why string) (n int) {
	for _, x := range slices.Concat(d.now.leases.held, d.now.leases.waiting) {
		if which(x) {
			d.fork()
			d.add(Step{Agent: x.Agent, Position: position, What: Ended, Ticket: x.Ticket, Token: x.Token, Paths: x.Paths, Why: why})
			n++
		}
	}
	return n
}

// Grant gives leases to those who wait and can have them, who came first first.
// It gives the steps.
func (d *Draft) Grant() []Step {
	from := len(d.Steps)
	for i := 0; i < len(d.now.leases.waiting); {
		x := d.now.leases.waiting[i]
		if !d.free(x.Agent, x.Paths, d.now.leases.waiting[:i]) {
			i++
			continue
		}
		d.fork()
		d.add(Step{Agent: x.Agent, What: Granted, Ticket: x.Ticket, Token: d.now.leases.tokens + 1, TTL: x.TTL, Paths: x.Paths})
		i = 0 // it holds something now, and may go before others with what it waits for besides
	}
	return d.Steps[from:]
}
