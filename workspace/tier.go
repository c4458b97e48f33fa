package workspace

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/troupe-dev/troupe/workspace/confine"
)

// A Command is a process about to be started, as isolation sees it.
type Command struct {
	Argv []string // the first word is an absolute path, or "troupe"
	Env  []string
	Dir  string
	// Readable are the files and directories, absolute, that the process may
	// read and execute beside those of every process; what is not there is none.
	Readable []string
	// Connects says that the process may open connections to any TCP port, Ports
	// to which it may in any case.
	Connects bool
	Ports    []int
	// Listens is the TCP port that the process may listen at, of any address; 0 for
	// none.
	Listens int
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
	// Barred says why the tier cannot stand at a site; nil where it can. It
	// changes nothing.
	Barred(s *Site) error
	// Raise makes the wall for a run.
	Raise(s *Site) (wall, error)
}

// A wall is a tier as it stands for one run. Its methods may be called
// concurrently.
type wall interface {
	// enclose changes c so that the process will run behind the wall, with w as
	// the workspace it may write. What it opened for that is open until release.
	enclose(c *Command, w *Workspace) (release func(), err error)
	// close gives up what the wall holds. All processes behind it are gone.
	close()
}

// tiers is every wall there is, by the name that a scenario uses.
var tiers = map[string]Tier{
	None:       none{},
	"uid":      uidTier{},
	"landlock": landlockTier{},
}

// The words for isolation that are no tiers, beside None, which is one.
const (
	None   = "none"   // no walls
	Auto   = "auto"   // all tiers that can stand
	Strict = "strict" // all tiers, or no run
)

// combined are the tiers that auto and strict stand for, in the order in which
// they are asked.
var combined = []string{"uid", "landlock"}

// WholeLandlock is the version of Landlock from which on its tier stops all that
// it can.
const WholeLandlock = 6

// tiersOf are the tiers that a word for isolation stands for, and whether all of
// them have to stand.
func tiersOf(word string) (names []string, all bool, err error) {
	switch word {
	case Auto, Strict:
		return combined, word == Strict, nil
	}
	if _, ok := tiers[word]; ok {
		return []string{word}, true, nil
	}
	known := append(Tiers(), Auto, Strict)
	slices.Sort(known)
	return nil, false, fmt.Errorf("unknown isolation %q; known: %s", word, strings.Join(known, ", "))
}

// none is the tier without walls: a process may do what its user may.
type none struct{}

func (none) Barred(*Site) error        { return nil }
func (none) Raise(*Site) (wall, error) { return none{}, nil }

func (none) enclose(*Command, *Workspace) (func(), error) { return func() {}, nil }
func (none) close()                                       {}

// Tiers names every tier, sorted.
func Tiers() []string { return slices.Sorted(maps.Keys(tiers)) }
