package workspace

import (
	"fmt"
	"sort"
	"strings"
)

// A Command is a process about to be started, as isolation sees it. A tier may
// change any of it.
type Command struct {
	Argv []string
	Env  []string
	Dir  string
}

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
