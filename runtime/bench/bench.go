// Package bench measures how fast troupe is beside what the machine can do:
// each figure has a floor, taken in the same run with the same children by a
// bare loop that records nothing, checks nothing and restarts nobody. (What a
// flood may cost is told by troupe itself with an agent as busy.) Absolute
// figures move from hour to hour; the ratios say how troupe fares.
//
// What is measured goes through runtime.Run with an expanded scenario, as any
// run does. The table of what can be measured is in table.go.
package bench

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Options choose what is measured.
type Options struct {
	Only   []string // groups of the table; empty for all
	Quick  bool     // small sizes, one round: a trial, not a measurement
	Rounds int      // of each shape, floor and troupe by turns; 0 for the default
	Child  string   // one of Children; empty for the lightest there is
	// Kill, once closed, ends the run under way without graces.
	Kill <-chan struct{}
	// Progress, if given, is told what is being measured.
	Progress func(shape string, round, rounds int)
}

const defaultRounds = 3

// Run measures. It needs Linux, and the machine to itself. A context that ends
// stops it; no process and no file of it is left then.
func Run(ctx context.Context, o Options) (rep *Report, err error) {
	begun := time.Now()
	if err := o.Check(); err != nil {
		return nil, err
	}
	rounds := o.Rounds
	if rounds == 0 {
		rounds = defaultRounds
		if o.Quick {
			rounds = 1
		}
	}
	machine, warnings := look(ctx)
	l, err := newLab(ctx, o.Child, o.Kill)
	if err != nil {
		return nil, err
	}
	defer l.close(&err)
	rep = &Report{Machine: machine, Child: l.child.about, Rounds: rounds, Rows: []Row{}, Warnings: warnings}
	for _, s := range shapes(o.Only, o.Quick) {
		rows, err := l.measure(ctx, s, rounds, o.Progress)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			return nil, fmt.Errorf("cannot measure %s: %w", s.name(), err)
		}
		rep.add(rows)
	}
	rep.Seconds = time.Since(begun).Seconds()
	return rep, nil
}

// measure takes rounds of one shape, the floor and troupe by turns, each first
// in every other round.
func (l *lab) measure(ctx context.Context, s shape, rounds int, progress func(string, int, int)) ([]Row, error) {
	if s.python && l.python == nil {
		return skipped(s, "there is no python3"), nil
	}
	if why := l.unwalled(s.size); why != "" {
		return skipped(s, why), nil
	}
	var got [2][][]float64 // of floor and troupe: by figure, by round
	for round := range rounds {
		if progress != nil {
			progress(s.name(), round+1, rounds)
		}
		for i := range 2 {
			which := (i + round) % 2
			measure := [2]side{s.floor, s.troupe}[which]
			values, err := measure(ctx, l, s.size)
			if err != nil {
				return nil, err
			}
			if got[which] == nil {
				got[which] = make([][]float64, len(s.figures))
			}
			for j, v := range values {
				got[which][j] = append(got[which][j], v)
			}
		}
	}
	rows := make([]Row, len(s.figures))
	for j, f := range s.figures {
		rows[j] = newRow(s, f, got[0][j], got[1][j])
	}
	return rows, nil
}

// Check says what is wrong with the options.
func (o *Options) Check() error {
	for _, name := range o.Only {
		if !slices.Contains(Groups(), name) {
			return fmt.Errorf("unknown shape %q: they are %s", name, strings.Join(Groups(), ", "))
		}
	}
	if o.Child != "" && !slices.Contains(Children(), o.Child) {
		return fmt.Errorf("unknown child %q: they are %s", o.Child, strings.Join(Children(), ", "))
	}
	if o.Rounds < 0 {
		return fmt.Errorf("%d rounds are none", o.Rounds)
	}
	return nil
}
