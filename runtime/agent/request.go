package agent

import "github.com/troupe-dev/troupe/runtime/tree"

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
