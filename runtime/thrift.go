package runtime

import (
	"os"
	"runtime/debug"
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

// thrift sets how soon garbage is collected while the run lasts. That is the
// whole process's, so that who set it by GOGC has decided.
func (r *run) thrift() {
	if len(r.plan.Agents) < manyAgents || os.Getenv("GOGC") != "" {
		return
	}
	usual := debug.SetGCPercent(thriftyPercent)
	r.onStop(func() { debug.SetGCPercent(usual) })
}
