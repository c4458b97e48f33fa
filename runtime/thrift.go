package runtime

import (
	"os"
	"runtime/debug"
	"sync"
)

// From manyAgents on, garbage may come to thriftyPercent of what is in use
// before it is collected, not to as much again. A large run uses nearly all of
// its memory from tick to tick and leaves a third of it as garbage in each, so
// that the room which Go takes by default is most of what more agents cost;
// collecting sooner takes about a tenth more processor time. In a small
// run it would save next to nothing.
const (
	manyAgents     = 10_000
	thriftyPercent = 50
)

// A thrift sets how soon garbage is collected while large runs last. That is the
// whole process's, so that who set it by GOGC has decided.
type thrift struct {
	mu    sync.Mutex
	large int // runs that last
	usual int // what is set without them
}

// hold has it for a run of so many agents, until release.
func (t *thrift) hold(agents int) (release func()) {
	if agents < manyAgents || os.Getenv("GOGC") != "" {
		return func() {}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.large++; t.large == 1 {
		t.usual = debug.SetGCPercent(thriftyPercent)
	}
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.large--; t.large == 0 {
			debug.SetGCPercent(t.usual)
		}
	}
}
