package runtime

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/workspace"
)

// Survey says which walls a plan's processes would have in a data directory. What
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
	for _, u := range used(p) {
		s.Programs = append(s.Programs, u.path)
	}
	reads := map[string]bool{}
	for prog := range started(p) {
		for _, path := range prog.Readable {
			reads[path] = true
		}
	}
	s.Reads = slices.Sorted(maps.Keys(reads))
	return s
}

// raise makes the walls of a run whose directory is there.
func (r *run) raise(data string) (err error) {
	if r.walls, err = workspace.Raise(r.plan.Isolation, site(r.plan, data, r.dir)); err != nil {
		return err
	}
	if r.live != nil {
		a := r.walls.Achieved()
		r.live.Walled(a.String(), a.Missing)
	}
	r.onStop(r.walls.Close)
	r.bin, err = r.tool(data)
	return err
}

// tool is a directory for the agents' PATH which has troupe, for what they start;
// empty where none is needed.
func (r *run) tool(data string) (dir string, err error) {
	if len(used(r.plan)) == 0 { // all that is started is troupe itself
		return "", nil
	}
	own, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("cannot find this program: %w", err)
	}
	id := largeBuildID(own)
	if id == "" {
		if id, err = hashFile(own); err != nil {
			return "", err
		}
	}
	return r.walls.Tool(data, "troupe", fmt.Sprintf("%.16x", sha256.Sum256([]byte(id))))
}
