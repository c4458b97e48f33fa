package runtime

import (
	"fmt"
	"path/filepath"

	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/workspace"
)

// Survey says which walls a plan's agents would have in a data directory. What
// the plan asks for and cannot be had is an error that names what is missing.
func Survey(p *plan.Plan, data string) (workspace.Achieved, error) {
	data, err := filepath.Abs(data)
	if err != nil {
		return workspace.Achieved{}, fmt.Errorf("cannot use the data directory: %w", err)
	}
	return workspace.Survey(p.Isolation, site(p, data, workspace.Run{}))
}

// site is where a plan's walls are to stand.
func site(p *plan.Plan, data string, dir workspace.Run) *workspace.Site {
	s := &workspace.Site{Data: data, Run: dir}
	agents := *p
	agents.World = plan.World{} // one that is a process stands outside: the scenario's author wrote it
	for _, u := range used(&agents) {
		s.Programs = append(s.Programs, u.path)
	}
	return s
}

// raise makes the walls of a run whose directory is there.
func (r *run) raise(data string) (err error) {
	if r.walls, err = workspace.Raise(r.plan.Isolation, site(r.plan, data, r.dir)); err != nil {
		return err
	}
	if r.live != nil {
		r.live.Isolation = r.walls.Achieved().String()
	}
	r.onStop(r.walls.Close)
	return nil
}
