package agent

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// A Kind is one way to drive an agent. A new one is a file of its own and a
// line in the table below.
type Kind struct {
	Name string
	// Keys are the keys of a scenario's entry, by their YAML names, that this
	// kind reads beside the common ones.
	Keys []string
	// NeedsCommand says that an entry without command cannot run.
	NeedsCommand bool
	// PerTurn says that every turn has a process of its own: it gets no init,
	// says no ready, is sent one observe, and its stdin ends. Its act counts
	// if it then exits with status 0.
	PerTurn bool
	// States are the ways an agent may come back, the default first.
	States []string
	// Dialect makes what talks to one process. A dialect may remember what was
	// said: it serves one process, one call at a time, and a new process gets
	// a new one.
	Dialect func() Dialect
}

// A Dialect is how the supervisor talks to a process. The appending methods
// return dst with whole lines added, each with its newline, or dst as it was
// where the dialect has nothing to say.
type Dialect interface {
	Init(dst []byte, in Init) []byte
	Observe(dst []byte, o *Observe) []byte
	Stop(dst []byte, agent, reason string) []byte
	// Decode reads one line of stdout, without its newline. What it returns
	// shares no memory with line. ErrNotProtocol means that the line is log;
	// a *MalformedError, that it was meant for the runtime and is wrong.
	Decode(line []byte) (Line, error)
}

// kinds is the table of all kinds.
var kinds = []Kind{
	stdio,
	exec,
}

// commonKeys are read whatever the kind.
var commonKeys = []string{"id", "replicas", "for_each", "max", "kind", "config", "deadline", "on_failure", "state"}

// Reads says whether an entry of this kind reads the key of that YAML name.
func (k Kind) Reads(key string) bool {
	return slices.Contains(commonKeys, key) || slices.Contains(k.Keys, key)
}

// Allows says whether an agent of this kind can come back in that way.
func (k Kind) Allows(state string) bool {
	return slices.Contains(k.States, state)
}

// Lookup finds a kind by its name.
func Lookup(name string) (Kind, error) {
	for _, k := range kinds {
		if k.Name == name {
			return k, nil
		}
	}
	return Kind{}, fmt.Errorf("unknown kind %q: the kinds are %s", name, strings.Join(Kinds(), ", "))
}

// Kinds names all kinds, sorted.
func Kinds() []string {
	names := make([]string, 0, len(kinds))
	for _, k := range kinds {
		names = append(names, k.Name)
	}
	sort.Strings(names)
	return names
}
