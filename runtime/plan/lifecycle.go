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
	case kind.Bodiless():
		return Lifecycle{Mode: Ephemeral} // of no process: it takes no place
	case kind.Bus && l != nil && l.Mode != LongRunning:
		v.problem(".lifecycle", fmt.Sprintf("a program of kind %s is there for as long as its agent, which is never %s", kind.Name, l.Mode),
			"leave lifecycle out, or use kind stdio")
		fallthrough
	case kind.Bus:
		return Lifecycle{Mode: LongRunning}
	case kind.PerTurn && l != nil && l.Mode != Ephemeral:
		v.problem(".lifecycle", fmt.Sprintf("kind %s starts a process for every turn, which is never %s", kind.Name, l.Mode),
			"leave lifecycle out, or use kind stdio")
		fallthrough
	case kind.PerTurn:
		return Lifecycle{Mode: Ephemeral}
	case kind.Tool != nil && kind.Tool.PerTurn:
		if l != nil && l.Mode == LongRunning {
			v.problem(".lifecycle", fmt.Sprintf("kind %s starts a process for every turn, which is never %s", kind.Name, l.Mode),
				"leave lifecycle out: its session goes on all the same")
		}
		return Lifecycle{Mode: Ephemeral} // what hybrid comes to, where there is nothing to keep
	case l == nil && (m.plan.Limits.Resident > 0 || m.plan.Limits.Memory > 0):
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
	if what, hint := m.plan.crowded(m.plan.Limits.Resident); what != "" {
		m.problemAt("limits.resident", what, hint)
	}
	if what, hint := m.plan.outgrown(); what != "" {
		m.problemAt("limits.memory", what, hint)
	}
}

// outgrown says why so much memory for all processes together is too little;
// nothing if it is not. Those that are never parked have theirs all the time.
func (p *Plan) outgrown() (what, hint string) {
	all := p.Limits.Memory
	if all == 0 {
		return "", ""
	}
	processes := make([]int, len(p.Entries))
	for i := range p.Processes {
		processes[p.Processes[i].Entry]++
	}
	var held, largest Size
	for i := range p.Entries {
		e := &p.Entries[i]
		if e.Lifecycle.Mode == LongRunning {
			held += e.Limits.Memory * Size(max(processes[i], e.Max))
		} else {
			largest = max(largest, e.Limits.Memory)
		}
	}
	if held+largest > all {
		return fmt.Sprintf("long-running processes may take %s in memory, and the largest other one %s: that is more than %s", held, largest, all),
			"allow more, or give entries less memory or lifecycle: {mode: hybrid}"
	}
	return "", ""
}

// crowded says why so few processes at a time are too few; nothing if they are
// not. 0 is any number.
func (p *Plan) crowded(most int) (what, hint string) {
	held := 0
	processes := make([]int, len(p.Entries))
	for i := range p.Processes {
		processes[p.Processes[i].Entry]++
	}
	for i := range p.Entries {
		if e := &p.Entries[i]; e.Lifecycle.Mode == LongRunning {
			held += max(processes[i], e.Max) // those that come later have one each
		}
	}
	switch {
	case most == 0:
		return "", ""
	case held > most:
		return fmt.Sprintf("%d processes are long-running, and %d may be there at a time", held, most),
			"give their entries lifecycle: {mode: hybrid}, or leave lifecycle out"
	case held == most && held < len(p.Processes):
		return fmt.Sprintf("%d long-running processes leave no place for the other %d", held, len(p.Processes)-held),
			"allow one more at least"
	}
	return "", ""
}
