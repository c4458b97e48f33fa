package runtime

import (
	"context"
	"fmt"

	"github.com/troupe-dev/troupe/runtime/record"
)

// DiffOptions say which runs are compared.
type DiffOptions struct {
	Data    string // the data directory
	A, B    string // names of runs
	Command string // what is run, for whoever finds the data directory held
}

// A DiffResult is what comparing two runs came to.
type DiffResult struct {
	A, B       string
	Same       int // ticks that are the same, from the first on
	Difference *record.Difference
}

// Diff finds the first difference between what is hashed of two recorded runs:
// in what they began with, then tick by tick. Runs may go on meanwhile. A log
// that is damaged before the first difference is a *record.BrokenError.
func Diff(ctx context.Context, o DiffOptions) (*DiffResult, error) {
	a, err := recall(ctx, o.Data, o.A, o.Command)
	if err != nil {
		return nil, err
	}
	defer a.forget()
	b, err := recall(ctx, o.Data, o.B, o.Command)
	if err != nil {
		return nil, err
	}
	defer b.forget()
	p, q := &a.manifest.Plan, &b.manifest.Plan
	res := &DiffResult{A: o.A, B: o.B}
	res.Same, res.Difference, err = record.Diff(ctx, record.Reading(a.entries, p.Genesis()), record.Reading(b.entries, q.Genesis()), p, q)
	if err != nil {
		return nil, fmt.Errorf("cannot compare runs %s and %s: %w", o.A, o.B, err)
	}
	return res, nil
}
