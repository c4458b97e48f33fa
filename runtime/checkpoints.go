package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/troupe-dev/troupe/bus"
	"github.com/troupe-dev/troupe/runtime/engine"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// checkpoints are those of one run, on disk. Its methods may be called
// concurrently; a nil one has none.
type checkpoints struct {
	dir  string
	sync bool
	keep int

	mu    sync.Mutex
	ticks []int // ascending
}

func newCheckpoints(dir string, p *plan.Plan) *checkpoints {
	return &checkpoints{dir: dir, sync: p.Durability == plan.DurableMachine, keep: p.Checkpoint.Keep}
}

// recover takes up the checkpoints of a run that goes on: those that the log
// bears out. It gives the newest; nil for none.
func (c *checkpoints) recover(ctx context.Context, log *bus.Stream, genesis [record.HashSize]byte) (*record.Checkpoint, error) {
	ticks, err := record.Checkpoints(c.dir)
	if err != nil {
		return nil, err
	}
	var newest *record.Checkpoint
	for len(ticks) > 0 {
		last := ticks[len(ticks)-1]
		k, err := record.ReadCheckpoint(c.dir, last)
		if err == nil && record.Holds(ctx, log, genesis, last-1, k.Hash) {
			newest = k
			break
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		ticks = ticks[:len(ticks)-1] // torn, or of ticks that are lost: what it says is told by the log
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ticks = ticks
	return newest, record.DropCheckpoints(c.dir, ticks)
}

// add writes another one. What lies before oldest is needed by nobody but for
// the newest few.
func (c *checkpoints) add(k *record.Checkpoint, oldest int) error {
	if err := record.WriteCheckpoint(c.dir, k, c.sync); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ticks = append(c.ticks, k.Tick)
	first := max(len(c.ticks)-c.keep, 0)
	if at, found := slices.BinarySearch(c.ticks, oldest); !found && at > 0 {
		first = min(first, at-1)
	} else if found {
		first = min(first, at)
	}
	dropped := first > 0
	c.ticks = c.ticks[first:]
	if !dropped {
		return nil
	}
	return record.DropCheckpoints(c.dir, c.ticks)
}

// all are the ticks before which one stands.
func (c *checkpoints) all() []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.ticks)
}

// committed are the last ticks that those there are have behind them.
func (c *checkpoints) committed() []int {
	ticks := c.all()
	for i := range ticks {
		ticks[i]--
	}
	return ticks
}

// before gives the newest that stands before a tick or an earlier one and can be
// read; nil for none: then the log tells it all.
func (c *checkpoints) before(tick int) *engine.Checkpoint {
	if c == nil {
		return nil
	}
	for _, at := range slices.Backward(c.all()) {
		if at > tick {
			continue
		}
		if k, err := record.ReadCheckpoint(c.dir, at); err == nil { // else it is torn, or dropped in that moment
			return played(k)
		}
	}
	return nil
}

// played is what the engine has of a checkpoint.
func played(k *record.Checkpoint) *engine.Checkpoint {
	return &engine.Checkpoint{Tick: k.Tick, Hash: k.Hash, Society: k.Society, World: k.World}
}

// checkpoint follows each of the engine's, with what the run has summed up.
func (p *publisher) checkpoint(c *engine.Checkpoint) error {
	expect, err := json.Marshal(p.expect.kept())
	if err != nil {
		return err
	}
	k := &record.Checkpoint{
		Tick: c.Tick, Hash: c.Hash, Society: c.Society, World: c.World, Summary: p.sum, Expect: expect,
	}
	return p.run.checkpoints.add(k, p.run.fleet.Oldest(c.Tick))
}

// keptChecker is a checker in a checkpoint.
type keptChecker struct {
	Counts []float64 `json:"counts"`
	Seen   []*string `json:"seen"`
}

func (c *checker) kept() keptChecker { return keptChecker{c.counts, c.seen} }

// resume takes up what a checkpoint says.
func (c *checker) resume(text []byte) error {
	var k keptChecker
	if err := json.Unmarshal(text, &k); err != nil {
		return fmt.Errorf("cannot use a checkpoint: %w", err)
	}
	if len(k.Counts) != len(c.counts) || len(k.Seen) != len(c.seen) {
		return errors.New("cannot use a checkpoint: it has other expectations than the plan")
	}
	c.counts, c.seen = k.Counts, k.Seen
	return nil
}
