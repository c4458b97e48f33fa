package workspace

import (
	"fmt"
	"sort"
	"strings"

	"github.com/troupe-dev/troupe/workspace/confine"
)

// A Command is a process about to be started, as isolation sees it. A tier may
// change any of it.
type Command struct {
	Argv []string // the first word is an absolute path, or "troupe"
	Env  []string
	Dir  string
	// Confinement is what the process does to itself before it executes Argv.
	Confinement Confinement
}

// A Confinement is what a process is restricted to by itself.
type Confinement = confine.Confinement

// Confines says whether this system can restrict a process at all.
const Confines = confine.Supported

// An Rlimit is one of the kernel's limits of a process.
type Rlimit = confine.Rlimit

// A Tier is one kind of wall around a process.
type Tier interface {
	// Enclose changes c so that the process will run behind the wall, with w as
	// the workspace it may write. It is called for each start.
	Enclose(c *Command, w *Workspace) error
}

// tiers is every wall there is, by the name that a scenario uses.
var tiers = map[string]Tier{
	"none": none{},
}

// LookupTier finds a tier by name; an unknown one's error lists the known.
func LookupTier(name string) (Tier, error) {
	if t, ok := tiers[name]; ok {
		return t, nil
	}
	names := make([]string, 0, len(tiers))
	for n := range tiers {
		names = append(names, n)
	}
	sort.Strings(names)
	return nil, fmt.Errorf("unknown isolation %q; known: %s", name, strings.Join(names, ", "))
}

// none is the tier without walls: a process may do what its user may.
type none struct{}

func (none) Enclose(*Command, *Workspace) error { return nil }
