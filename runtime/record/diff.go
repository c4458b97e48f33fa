package record

import (
	"context"
	"fmt"
	"iter"
	"strconv"

	"github.com/troupe-dev/troupe/runtime/plan"
)

// ComparePlans finds the first difference between what the hash chains of two
// plans begin with: seed, world, channels, agents with their configs; nil where
// there is none.
func ComparePlans(a, b *plan.Plan) *Difference {
	number := func(n uint64) []byte { return strconv.AppendUint(nil, n, 10) }
	for _, d := range []*Difference{
		differ(Beginning, "", "seed", number(a.Seed), number(b.Seed)),
		differ(Beginning, "", "world", []byte(worldKind(a)), []byte(worldKind(b))),
		differ(Beginning, "", "world's config", a.World.Config, b.World.Config),
		compareChannels(a, b),
		compareAgents(a, b),
	} {
		if d != nil {
			return d
		}
	}
	return nil
}

// worldKind is the one that is hashed: what a process runs is not.
func worldKind(p *plan.Plan) string {
	if p.World.Program != nil {
		return "process"
	}
	return p.World.Kind
}

func compareChannels(a, b *plan.Plan) *Difference {
	of := func(p *plan.Plan) []item {
		return items(p.Channels, func(c *plan.Channel) item {
			l := line{dst: []byte{'{'}}
			l.texts("members", c.Patterns)
			l.end()
			return item{c.Name, l.dst}
		})
	}
	s := section{field: "channel"}
	return s.compare(Beginning, of(a), of(b))
}

func compareAgents(a, b *plan.Plan) *Difference {
	of := func(p *plan.Plan) []item {
		return items(p.Agents, func(a *plan.Agent) item { return item{a.ID, a.Config} })
	}
	s := section{field: "config", about: true}
	return s.compare(Beginning, of(a), of(b))
}

// Diff finds the first difference between two runs, given what their chains
// begin with: in that, else in what is hashed of their ticks, else in their
// number; nil where there is none. It says how many ticks are the same. Damage
// of a log is an error.
func Diff(ctx context.Context, a, b *Log, planA, planB *plan.Plan) (same int, d *Difference, err error) {
	if d := ComparePlans(planA, planB); d != nil {
		return 0, d, nil
	}
	var errA, errB error
	nextA, stopA := iter.Pull(a.ticks(ctx, &errA))
	defer stopA()
	nextB, stopB := iter.Pull(b.ticks(ctx, &errB))
	defer stopB()
	for n := 0; ; n++ {
		x, okA := nextA()
		y, okB := nextB()
		switch {
		case errA != nil:
			return n, nil, fmt.Errorf("the first: %w", errA)
		case errB != nil:
			return n, nil, fmt.Errorf("the second: %w", errB)
		case !okA && !okB:
			return n, nil, nil
		case okA != okB:
			return n, longer(n, okA), nil
		case x.hash == y.hash:
		default:
			if d := Compare(x.rec, y.rec); d != nil {
				return n, d, nil
			}
			return n, nil, fmt.Errorf("the hashes of tick %d differ, and nothing in it does", n)
		}
	}
}

// longer is the difference where one run has a tick and the other ended.
func longer(tick int, a bool) *Difference {
	d := &Difference{Tick: tick, Field: "played"}
	if a {
		d.A = []byte("true")
	} else {
		d.B = []byte("true")
	}
	return d
}

// A tick is a record with the hash that the chain has after it.
type tick struct {
	rec  *Record
	hash [HashSize]byte
}

// ticks gives all of a log, and then why it ended, if not by its end.
func (l *Log) ticks(ctx context.Context, failed *error) iter.Seq[tick] {
	return func(yield func(tick) bool) {
		err := l.Read(ctx, 0, func(r *Record, hash [HashSize]byte) error {
			if !yield(tick{r, hash}) {
				return errFirst
			}
			return nil
		})
		if err != errFirst { //nolint:errorlint // as it is given back
			*failed = err
		}
	}
}
