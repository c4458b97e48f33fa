package plan

import (
	"github.com/troupe-dev/troupe/runtime/agent"
)

// serves says whether each process of a variant serves a port.
func (m *maker) serves(v *variant, kind agent.Kind) bool {
	if !v.entry.Serves || !kind.Reads("serves") {
		return false
	}
	if v.entry.PerProcess > 1 && kind.Reads("per_process") {
		v.problem(".per_process", "agents that serve a port have a process each", "leave per_process out")
	}
	if _, set := v.entry.Env["PORT"]; set {
		v.problem(".env", "PORT is the port that an agent with serves: true is given", "leave PORT out")
	}
	return true
}
