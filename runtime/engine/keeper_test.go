package engine

import (
	"context"
	"testing"

	"github.com/troupe-dev/troupe/runtime/plan"
)

// A keeping fleet notes what the loop has it keep.
type keeping struct {
	*scripted
	snapshots []int
	snapshot  func(ctx context.Context) error
}

func (k *keeping) Capture(context.Context, int) error { return nil }

func (k *keeping) Snapshot(ctx context.Context, tick int) error {
	k.snapshots = append(k.snapshots, tick)
	return k.snapshot(ctx)
}

// A telling world tells its state.
type telling struct{ *played }

func (telling) Snapshot(context.Context) ([]byte, error) { return []byte(`{}`), nil }

func newKept(t *testing.T, p *plan.Plan) (*trial, *keeping, *[]int) {
	t.Helper()
	tr := newTrial(t, p)
	k := &keeping{scripted: tr.fleet, snapshot: func(ctx context.Context) error { return ctx.Err() }}
	checkpoints := &[]int{}
	tr.cfg.Fleet, tr.cfg.World = k, telling{tr.world}
	tr.cfg.OnCheckpoint = func(c *Checkpoint) error { *checkpoints = append(*checkpoints, c.Tick); return nil }
	return tr, k, checkpoints
}

// The fleet hears of every checkpoint, whatever state its agents come back by:
// what it kept of them at that tick is to stay.
func TestTheFleetHearsOfCheckpoints(t *testing.T) {
	for _, state := range []string{"reobserve", "snapshot", "none"} {
		p := planOf(6, nil, "a", "b")
		p.Entries[0].State, p.Checkpoint.Every = state, 2
		tr, k, checkpoints := newKept(t, p)
		tr.run(t)
		same(t, state+": checkpoints", *checkpoints, []int{2, 4})
		same(t, state+": what the fleet heard", k.snapshots, []int{1, 3})
	}
}

// An interruption while agents tell their states leaves the checkpoint out, and
// is no failure of the run.
func TestInterruptedWhileStatesAreTold(t *testing.T) {
	p := planOf(6, nil, "a")
	p.Entries[0].State, p.Checkpoint.Every = "snapshot", 2
	tr, k, checkpoints := newKept(t, p)
	ctx, cancel := context.WithCancel(t.Context())
	k.snapshot = func(ctx context.Context) error {
		cancel()
		return ctx.Err()
	}
	res, err := Lockstep(ctx, tr.cfg)
	if err != nil || !res.Interrupted || res.Ticks != 2 || len(*checkpoints) != 0 {
		t.Errorf("got %+v, checkpoints before %v, %v; want an interruption after 2 ticks", res, *checkpoints, err)
	}
}
