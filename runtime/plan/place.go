package plan

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/scenarios"
)

// placeAgents resolves every entry, and gives each agent its config and its
// process.
func (m *maker) placeAgents() {
	processes := newNamer(m)
	m.plan.Agents = slices.Grow(m.plan.Agents, len(m.ids))
	for _, v := range m.variants {
		kind, ok := m.kind(v.entry.Kind, v.entry.Command, func(at, message, hint string) {
			if at != "" || !m.blamed(v.item.at) {
				v.problem(at, message, hint)
			}
		})
		if !ok {
			m.plan.Entries = append(m.plan.Entries, Entry{})
			continue
		}
		entry := m.entry(v, kind)
		c := m.commander(v, kind)
		if t := m.tool(v, kind, v.problem); t != nil {
			t.options.MCP = m.servers(v, c.resolver)
			entry.Model, entry.Credential, entry.Gateway, c.tool = t.options, t.credential, t.gateway, t.command
		} else {
			entry.Gateway = m.reach(v, kind)
		}
		entry.Program = c.program(v)
		entry.Program.Network = m.network(v, kind, entry.Program.Command)
		entry.Workspace = m.workspace(v, kind)
		entry.Messages = m.messages(v)
		m.fillAgents(v, &entry, c, processes)
		entry.Program.Files, entry.Program.Readable = c.files.list(), c.readable.list()
		m.plan.Entries = append(m.plan.Entries, entry)
	}
	sort.Slice(m.plan.Agents, func(i, j int) bool { return m.plan.Agents[i].ID < m.plan.Agents[j].ID })
}

// entry fills what does not differ between the agents of a variant.
func (m *maker) entry(v *variant, kind agent.Kind) Entry {
	e := &v.entry
	deadline := or(time.Duration(e.Deadline), usualDeadline(kind, time.Duration(m.s.Clock.Deadline)))
	out := Entry{
		ID:         e.ID,
		Item:       v.item.index,
		Only:       v.only,
		Except:     v.except,
		Kind:       kind.Name,
		State:      or(e.State, kind.States[0]),
		PerProcess: or(e.PerProcess, 1),
		Pin:        kind.Reads("pin") && (e.Pin == nil || *e.Pin),
		Max:        e.Max,
		Deadline:   deadline,
		Policies:   m.policies(v, kind),
		Unused:     unused(e, kind),
	}
	if kind.Reads("secrets") {
		out.Secrets = m.secrets(v)
	}
	out.Limits = m.limits(v, kind)
	if kind.Tool != nil || kind.Bodiless() || kind.Bus {
		out.PerProcess = 1
	}
	out.Serves = m.serves(v, kind)
	if kind.Recorded {
		out.Run = m.recorded(v)
	}
	if kind.Bodiless() {
		out.State = kind.States[0] // whatever the state of what it stands for
	}
	out.Lifecycle = m.lifecycle(v, kind)
	if !kind.Allows(out.State) && !m.told(v.item.at+".state") {
		v.problem(".state", fmt.Sprintf("an agent of kind %s cannot come back by state %s", kind.Name, out.State),
			"it can by "+strings.Join(kind.States, ", "))
	}
	out.Shared = m.reads(v, kind, out.State)
	if out.PerProcess > 1 && kind.PerTurn {
		v.problem(".per_process", fmt.Sprintf("kind %s starts a process for every turn, which cannot be shared", kind.Name), "use kind stdio, or leave per_process out")
	}
	return out
}

// usualDeadline is that of an entry which says none, under a clock that says this
// one, 0 for none.
func usualDeadline(kind agent.Kind, clock time.Duration) time.Duration {
	switch {
	case kind.Deadline > 0:
		return kind.Deadline
	case clock > 0:
		return clock
	case kind.Tool != nil:
		return kind.Tool.Deadline
	}
	return defaultDeadline
}

// optional are the keys that some kinds do not read.
var optional = []struct {
	name string
	set  func(*scenarios.Entry) bool
}{
	{"allowed_tools", func(e *scenarios.Entry) bool { return len(e.AllowedTools) > 0 }},
	{"command", func(e *scenarios.Entry) bool { return len(e.Command) > 0 }},
	{"env", func(e *scenarios.Entry) bool { return len(e.Env) > 0 }},
	{"files", func(e *scenarios.Entry) bool { return len(e.Files) > 0 }},
	{"gateway", func(e *scenarios.Entry) bool { return e.Gateway != "" }},
	{"flags", func(e *scenarios.Entry) bool { return len(e.Flags) > 0 }},
	{"limits", func(e *scenarios.Entry) bool { return e.Limits != nil }},
	{"limits.turns", func(e *scenarios.Entry) bool { return e.Limits != nil && e.Limits.Turns > 0 }},
	{"limits.usd", func(e *scenarios.Entry) bool { return e.Limits != nil && e.Limits.USD != nil }},
	{"mcp", func(e *scenarios.Entry) bool { return len(e.MCP) > 0 }},
	{"max_turns", func(e *scenarios.Entry) bool { return e.MaxTurns > 0 }},
	{"message", func(e *scenarios.Entry) bool { return e.Message != nil }},
	{"model", func(e *scenarios.Entry) bool { return e.Model != "" }},
	{"per_process", func(e *scenarios.Entry) bool { return e.PerProcess > 1 }},
	{"network", func(e *scenarios.Entry) bool { return e.Network != nil }},
	{"permission_mode", func(e *scenarios.Entry) bool { return e.PermissionMode != "" }},
	{"pin", func(e *scenarios.Entry) bool { return e.Pin != nil }},
	{"prompt", func(e *scenarios.Entry) bool { return e.Prompt != nil }},
	{"readable", func(e *scenarios.Entry) bool { return len(e.Readable) > 0 }},
	{"run", func(e *scenarios.Entry) bool { return e.Run != "" }},
	{"serves", func(e *scenarios.Entry) bool { return e.Serves }},
	{"secrets", func(e *scenarios.Entry) bool { return len(e.Secrets) > 0 }},
	{"settings", func(e *scenarios.Entry) bool { return len(e.Settings) > 0 }},
	{"shared", func(e *scenarios.Entry) bool { return len(e.Shared) > 0 }},
	{"system", func(e *scenarios.Entry) bool { return e.System != nil }},
	{"workspace", func(e *scenarios.Entry) bool { return e.Workspace != nil }},
}

// spends says whether it is known what agents of an entry spend.
func spends(e *scenarios.Entry, kind agent.Kind) bool {
	return kind.Reads("limits.usd") && (kind.Tool != nil || e.Gateway == "through")
}

func unused(e *scenarios.Entry, kind agent.Kind) []string {
	var names []string
	for _, key := range optional {
		if key.set(e) && (!kind.Reads(key.name) || key.name == "limits.usd" && !spends(e, kind)) {
			names = append(names, key.name)
		}
	}
	names = append(names, unheld(e, kind)...)
	slices.Sort(names)
	return names
}

// fillAgents makes the agents and processes of one entry of the plan.
func (m *maker) fillAgents(v *variant, entry *Entry, c *commander, names *namer) {
	config, err := newConfig(v.entry.Config)
	if err == nil {
		entry.Config, err = canonical(v.entry.Config)
	}
	if err != nil {
		v.problem(".config", "cannot write config as JSON: "+err.Error(), "")
		return
	}
	ids := make([]string, len(v.members))
	for i, member := range v.members {
		filled, err := config.fill(member.vars)
		if err != nil {
			v.problem(".config", fmt.Sprintf("cannot write the config of %s as JSON: %v", member.id, err), "")
			return
		}
		ids[i] = member.id
		m.plan.Agents = append(m.plan.Agents, Agent{ID: member.id, Entry: v.index, Config: filled})
	}
	for from := 0; from < len(ids); from += entry.PerProcess {
		to := min(from+entry.PerProcess, len(ids))
		p := Process{Entry: v.index, Agents: ids[from:to:to]}
		if p.ID = ids[from]; to-from > 1 {
			p.ID = names.next(v.item)
		}
		p.Command, p.Env = c.fill(v.members[from].vars)
		m.plan.Processes = append(m.plan.Processes, p)
	}
}
