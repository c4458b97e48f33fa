package agent

import (
	"slices"

	"github.com/troupe-dev/troupe/runtime/tree"
)

// What an agent may ask for beside its answer, through its socket, and what is
// decided only when its tick ends.
const (
	OpCommit = "commit"
	OpLock   = "lock"
	OpUnlock = "unlock"
	OpSend   = "send"
)

// A Request is one such thing, acknowledged between an observe and its act.
type Request struct {
	Op       string
	Position int           // among those of the agent in the tick, from 1
	Message  string        // of a commit
	Changes  []tree.Change // of a commit
	Token    int           // of a commit: the lease that it was made under; 0 for none
	Paths    []string      // of lock and unlock
	TTL      int           // of lock, in ticks; 0 for no bound
	Send     Send          // of send
}

// A Past is what an agent has asked for between an observe and its answer, under
// the realtime clock, as far as something came of it.
type Past struct {
	Asked []Asked // in the order of their records
	// Torn says that its process died meanwhile: another may have asked for some
	// of it, or for the same again.
	Torn bool
	// Whole says that what was asked for in answering the observe is all of Asked,
	// as it is for the last attempt.
	Whole bool
}

// An Asked is a request that something came of.
type Asked struct {
	Op      string
	About   []string // as Request.About gives it
	Text    []byte   // JSON: all of it, as a difference shows it
	Tick    int      // whose record has it
	Version int      // of the tree, after a commit
	Token   int      // of a lease
	Scene   *Scene   // what there was to see before
}

// About is what a request is about: paths, or who a message is to.
func (r *Request) About() []string {
	switch r.Op {
	case OpSend:
		return []string{r.Send.To, r.Send.Channel}
	case OpCommit:
		paths := make([]string, len(r.Changes))
		for i := range paths {
			paths[i] = r.Changes[i].Path
		}
		return paths
	}
	return r.Paths
}

// Is says whether a request may be the one that was asked then. Leases can be
// unlocked without naming them.
func (a *Asked) Is(r *Request) bool {
	if a.Op != r.Op {
		return false
	}
	about := r.About()
	if a.Op == OpUnlock {
		return len(about) == 0 || slices.ContainsFunc(about, func(p string) bool { return slices.Contains(a.About, p) })
	}
	return slices.Equal(a.About, about)
}

// Size is how many bytes a request holds, or a few more.
func (r *Request) Size() int {
	n := 256 + len(r.Message) + len(r.Send.Body)
	for i := range r.Changes {
		n += 64 + len(r.Changes[i].Path) + len(r.Changes[i].Content)
	}
	for _, p := range r.Paths {
		n += 16 + len(p)
	}
	return n
}
