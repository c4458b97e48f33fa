package engine

import (
	"context"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/world"
)

// Lockstep runs ticks until the world is done, the clock's last tick is
// played, no agent is left, a policy ends the run, or ctx ends, which is no
// error: the open tick is abandoned and Interrupted set. After a *StopError,
// and after any error of the world, the fleet or the log, the log ends with
// the last committed tick and the run can go on from there.
func Lockstep(ctx context.Context, cfg Config) (Result, error) {
	l := &lockstep{}
	err := l.open(ctx, cfg)
	if err == nil {
		err = l.checkFaults()
	}
	if err == nil {
		err = l.seat(l.given)
	}
	if err == nil && cfg.OnStart != nil {
		cfg.OnStart()
	}
	for err == nil && l.soc.end == record.NotEnded {
		err = l.play(ctx)
	}
	return l.over(err)
}

// A lockstep is the loop's memory. Its buffers are used again each tick.
type lockstep struct {
	loop
	asks    []agent.Observe
	waiting int      // answers still to come
	targets []target // by fault
	dying   bool     // a fault wants this process dead
}

// play plays one tick.
func (l *lockstep) play(ctx context.Context) error {
	l.Pace.await(ctx)
	if ctx.Err() != nil {
		return errInterrupted
	}
	if err := l.afford(); err != nil {
		return err
	}
	l.compose()
	if l.stopped != nil { // before a fault is noted as fired that would never act
		return l.stopped
	}
	if err := l.strike(); err != nil {
		return err
	}
	if err := l.gather(ctx); err != nil {
		return err
	}
	var stepped world.Stepped
	if !l.aborted {
		var err error
		if stepped, err = l.step(ctx); err != nil {
			return err
		}
	}
	if err := l.write(&stepped); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errInterrupted
	}
	if err := l.commit(ctx, append(l.fleet.Facts(), l.facts...), l.fleet.Usages()); err != nil {
		return err
	}
	l.Pace.end()
	return l.checkpoint(ctx)
}
