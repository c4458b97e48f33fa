package runtime

import (
	"context"

	"github.com/troupe-dev/troupe/runtime/engine"
	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/runtime/supervisor"
)

// The phases of a run, for those who ask whether it is ready.
const (
	beginning int32 = iota // up to the first tick's begin
	playing
	ending // the loop has ended
)

// unready says why the run is not ready; nothing if it is. ctx is the run's,
// which ends when it is interrupted.
func (r *run) unready(ctx context.Context) string {
	phase := r.phase.Load()
	switch {
	case phase == ending || ctx.Err() != nil:
		return "stopping: the run has ended or was interrupted"
	case phase == beginning:
		return "starting: the run's processes are not all there yet"
	}
	return ""
}

// measureLeases says which leases there are already.
func (r *run) measureLeases(cfg *engine.Config) {
	if r.metrics == nil || cfg.From == nil || cfg.Plan.Shared == nil {
		return
	}
	now := cfg.From.Tree()
	var waiting []int
	for _, l := range now.Waiting("") {
		waiting = append(waiting, l.Ticket)
	}
	r.metrics.Leases(len(now.Leases("")), waiting)
}

// measure begins the run's metrics, once there is a fleet to look at.
func (r *run) measure() {
	if r.host.measured == nil {
		return
	}
	var states []string
	for s := supervisor.Down; s <= supervisor.Stopped; s++ {
		states = append(states, s.String())
	}
	r.metrics = r.host.measured.Run(observe.MeasuredRun{Name: r.name, Plan: r.plan, Isolation: r.walls.Achieved().String(), States: states, Limits: r.uses, Processes: func() []observe.Process {
		list := r.fleet.Statuses()
		out := make([]observe.Process, len(list))
		for i := range list {
			s := &list[i]
			out[i] = observe.Process{ID: s.ID, Agents: s.Agents, State: s.State.String(), PID: s.PID}
		}
		return out
	}})
}

// uses are what the run's processes take of what they may.
func (r *run) uses() []observe.Use {
	list := r.fleet.Uses()
	out := make([]observe.Use, len(list))
	for i := range list {
		out[i] = observe.Use(list[i])
	}
	return out
}
