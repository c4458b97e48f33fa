package plan

import (
	"fmt"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// lifecycle is how long the processes of a variant live.
func (m *maker) lifecycle(v *variant, kind agent.Kind) Lifecycle {
	l := v.entry.Lifecycle
	switch {
	case kind.PerTurn && l != nil && l.Mode != Ephemeral:
		v.problem(".lifecycle", fmt.Sprintf("kind %s starts a process for every turn, which is never %s", kind.Name, l.Mode),
			"leave lifecycle out, or use kind stdio")
		fallthrough
	case kind.PerTurn:
		return Lifecycle{Mode: Ephemeral}
	case l == nil && m.plan.Limits.Resident > 0:
		return Lifecycle{Mode: Hybrid, Idle: defaultIdle}
	case l == nil:
		return Lifecycle{Mode: LongRunning}
	case l.Mode != Hybrid && l.Idle != 0:
		v.problem(".lifecycle.idle", "only hybrid agents are parked when idle", "lifecycle: {mode: hybrid, idle: 30s}")
	case l.Mode == Hybrid:
		return Lifecycle{Mode: Hybrid, Idle: or(time.Duration(l.Idle), defaultIdle)}
	}
	return Lifecycle{Mode: l.Mode}
}

// checkResidents finds processes that can never be parked and are more than
// there may be.
func (m *maker) checkResidents() {
	most := m.plan.Limits.Resident
	if most == 0 {
		return
	}
	held := 0
	processes := make([]int, len(m.plan.Entries))
	for i := range m.plan.Processes {
		processes[m.plan.Processes[i].Entry]++
	}
	for i := range m.plan.Entries {
		if e := &m.plan.Entries[i]; e.Lifecycle.Mode == LongRunning {
			held += max(processes[i], e.Max) // those that come later have one each
		}
	}
	switch {
	case held > most:
		m.problemAt("limits.resident", fmt.Sprintf("%d processes are long-running, and %d may be there at a time", held, most),
			"give their entries lifecycle: {mode: hybrid}, or leave lifecycle out")
	case held == most && held < len(m.plan.Processes):
		m.problemAt("limits.resident", fmt.Sprintf("%d long-running processes leave no place for the other %d", held, len(m.plan.Processes)-held),
			"allow one more at least")
	}
}
