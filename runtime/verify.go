package runtime

import (
	"context"

	"github.com/troupe-dev/troupe/runtime/engine"
	"github.com/troupe-dev/troupe/runtime/record"
)

// VerifyOptions say which run is verified, and how far.
type VerifyOptions struct {
	Data    string // the data directory
	Run     string
	Command string // what is run, for whoever finds the data directory held
	// Execute has the world and the agents run again on what is on record.
	Execute bool
	// Strict has a request to a model that is not the one on record be a difference.
	Strict bool
	// Kill, once closed, ends every process at once instead of letting it stop.
	Kill <-chan struct{}
}

// A VerifyResult is what verifying a run came to.
type VerifyResult struct {
	Run   string
	Ticks int                   // whose record is sound
	Hash  [record.HashSize]byte // after them
	End   record.End            // empty where the run goes on or was interrupted
	// Repeated is what came of executing the run again; nil where that was not
	// asked for.
	Repeated *engine.Repeated
	// Drift counts the requests to models that were not the ones on record, and were
	// answered by what stands in their place.
	Drift int
}

// Verify computes a run's chain of hashes again, from what the run was started
// with over all that is on record. A chain that does not hold is a
// *record.BrokenError beside the result. With Execute the world and the agents
// are then run again in a directory of their own, from the run's copies of
// their programs, and told what is on record; a difference is part of the
// result and no error. The run itself is only read, and may go on meanwhile:
// verified is what is committed when Verify is called.
func Verify(ctx context.Context, o VerifyOptions) (*VerifyResult, error) {
	r, err := recall(ctx, o.Data, o.Run, o.Command)
	if err != nil {
		return nil, err
	}
	defer r.forget()
	log, sum, err := record.Check(ctx, r.entries, r.manifest.Plan.Genesis())
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	res := &VerifyResult{Run: o.Run, Ticks: sum.Ticks, Hash: sum.Hash, End: sum.End}
	if err != nil || !o.Execute {
		return res, err
	}
	res.Repeated, err = r.execute(ctx, log, &o, res)
	return res, err
}
