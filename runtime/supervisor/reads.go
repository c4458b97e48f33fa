package supervisor

import (
	"fmt"
	"strings"
	"sync"

	"github.com/troupe-dev/troupe/runtime/tree"
)

// checkedOut is the kind of a fact that says which files of the shared tree an agent
// was given: in its detail a line for each, of its version and path. A version that
// it was given before is left out.
const checkedOut = "checkout"

// reads are the files that the agents of a process were given.
type reads struct {
	mu  sync.Mutex
	had map[[2]string]int // the version, by agent and path
}

// add notes that an agent is given files, and gives the lines of those that are new
// to it.
func (r *reads) add(id string, files []*tree.File) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.had == nil {
		r.had = map[[2]string]int{}
	}
	var lines []string
	for _, f := range files {
		key := [2]string{id, f.Path}
		if version, had := r.had[key]; !had || version != f.Version {
			r.had[key] = f.Version
			lines = append(lines, fmt.Sprintf("%d %s", f.Version, f.Path))
		}
	}
	return strings.Join(lines, "\n")
}

// given has it on record which files an agent was given. Those of its past are.
func (d *desk) given(id string, files []*tree.File) {
	v, err := d.host.present(id)
	if err == nil && v.past {
		return
	}
	if detail := d.reads.add(id, files); detail != "" {
		d.fleet.fact(Fact{Agent: id, Kind: checkedOut, Tick: v.tick, Detail: detail})
	}
}
