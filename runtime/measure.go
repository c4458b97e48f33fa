package runtime

import (
	"context"
	"errors"

	"github.com/troupe-dev/troupe/runtime/engine"
	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/supervisor"
	"github.com/troupe-dev/troupe/workspace"
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

// measureLeases says which leases a run that goes on begins with.
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

// measure begins the run's metrics, once there is a fleet to look at. Past is what is
// on record.
func (r *run) measure(past *record.Summary) {
	if r.host.measured == nil {
		return
	}
	o := observe.MeasuredRun{
		Name: r.name, Plan: r.plan, States: processStates(), Processes: r.processes, Limits: r.uses, Written: r.log.Written,
		Past:   past,
		Paused: func() bool { paused, _ := r.pacer.pace.State(); return paused },
	}
	o.Isolation, o.Walls = measuredWalls(r.walls.Achieved())
	if r.gate != nil {
		o.Budgets = r.gate.standings
	}
	r.metrics = r.host.measured.Run(o)
	r.pacer.metrics.Store(r.metrics)
	if r.gate != nil {
		r.gate.metrics.Store(r.metrics)
	}
}

// stands says in the metrics, where there are any, how the run does.
func (r *run) stands(s observe.Status) {
	if r.metrics != nil {
		r.metrics.State(s)
	}
}

// measuredOver ends the run's metrics with what it came to.
func (r *run) measuredOver(res *Result, err error) {
	if r.metrics == nil {
		return
	}
	status := observe.Failed
	if stop := (*engine.StopError)(nil); res != nil && (err == nil || errors.As(err, &stop)) {
		status = res.Status
	}
	r.metrics.Over(status)
}

func processStates() (names []string) {
	for s := supervisor.Down; s <= supervisor.Stopped; s++ {
		names = append(names, s.String())
	}
	return names
}

// measuredWalls are all that a run could have, and whether they stand.
func measuredWalls(a workspace.Achieved) (text string, walls map[string]bool) {
	walls = map[string]bool{}
	for name := range a.Missing {
		walls[name] = false
	}
	for _, name := range a.Tiers {
		walls[name] = true
	}
	return a.String(), walls
}

// processes are the run's as they are now.
func (r *run) processes() []observe.Process {
	list := r.fleet.Statuses()
	out := make([]observe.Process, len(list))
	for i := range list {
		s := &list[i]
		out[i] = observe.Process{ID: s.ID, Agents: s.Agents, State: s.State.String(), PID: s.PID}
	}
	return out
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
