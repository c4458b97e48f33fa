package plan

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/troupe-dev/troupe/scenarios"
)

// makeChannels names every channel and finds its members at the start.
func (m *maker) makeChannels() {
	first := map[string]string{}
	for _, key := range m.channelKeys() {
		channel := m.s.Channels[key]
		at := "channels." + key
		if m.told(at) {
			continue // each of its names would be wrong in the same way
		}
		name := parseTemplate(key)
		if channel.Replicas > 1 && len(name.names()) == 0 {
			m.problemAt(at+":", fmt.Sprintf("%d channels would have the name %q", channel.Replicas, key), "put {n} into it")
			continue
		}
		if channel.Replicas > mostAgents {
			m.problemAt(at+".replicas", fmt.Sprintf("more than %d channels", mostAgents), "")
			continue
		}
		for _, v := range count(channel.Replicas, false) {
			v.row = nil
			if channel.Replicas > 0 || len(name.names()) == 0 {
				m.makeChannel(at, name.fill(v), channel.Members, v, first)
				continue
			}
			m.problemAt(at+":", fmt.Sprintf("unknown variable in the channel's name %q", key), "replicas: N brings {n}")
		}
	}
	sort.Slice(m.plan.Channels, func(i, j int) bool { return m.plan.Channels[i].Name < m.plan.Channels[j].Name })
}

// channelKeys lists the channels as they stand in the file.
func (m *maker) channelKeys() []string {
	keys := slices.Sorted(maps.Keys(m.s.Channels))
	place := make(map[string]scenarios.Position, len(keys))
	for _, key := range keys {
		place[key] = m.s.Source.At("channels." + key)
	}
	sort.SliceStable(keys, func(i, j int) bool {
		a, b := place[keys[i]], place[keys[j]]
		return a.Line < b.Line || a.Line == b.Line && a.Column < b.Column
	})
	return keys
}

func (m *maker) makeChannel(at, name string, members []string, v vars, first map[string]string) {
	if err := scenarios.ValidID(name); err != nil {
		m.problemAt(at+":", err.Error(), "")
		return
	}
	if before, twice := first[name]; twice {
		m.problemAt(at+":", fmt.Sprintf("duplicate channel %q", name), fmt.Sprintf("the one on line %d already has the name", m.s.Source.At(before).Line))
		return
	}
	first[name] = at + ":"
	c := Channel{Name: name, Patterns: make([]string, 0, len(members))}
	for i, member := range members {
		pattern := parseTemplate(member).fill(v)
		m.mustMatch(fmt.Sprintf("%s.members[%d]", at, i), pattern)
		c.Patterns = append(c.Patterns, pattern)
	}
	c.Members = Members(c.Patterns, m.ids)
	m.plan.Channels = append(m.plan.Channels, c)
}

// mustMatch reports a pattern that covers no agent, nor one that may come.
func (m *maker) mustMatch(at, pattern string) {
	m.matching(pattern, func(message, hint string) { m.problemAt(at, message, hint) })
}

// matching reports such a pattern to whoever knows where it stands.
func (m *maker) matching(pattern string, wrong func(message, hint string)) {
	if m.partial || len(Members([]string{pattern}, m.ids)) > 0 {
		return
	}
	for _, it := range m.items {
		if it.later() && meets(pattern, it.id) {
			return
		}
	}
	wrong(fmt.Sprintf("no agent matches %q", pattern), "the agents are "+m.some())
}

// some names a few of the entries, for a hint.
func (m *maker) some() string {
	const most = 8
	var names []string
	for i, it := range m.items {
		if i == most {
			names = append(names, "…")
			break
		}
		names = append(names, it.entry.ID)
	}
	return strings.Join(names, ", ")
}

// checkPatterns looks at what collect and expect are about.
func (m *maker) checkPatterns() {
	for i, c := range m.s.Collect {
		if c.Agent != "" {
			m.mustMatch(fmt.Sprintf("collect[%d].agent", i), c.Agent)
			c.Every = or(c.Every, 1)
		}
		m.plan.Collect = append(m.plan.Collect, c)
	}
	m.plan.Expect = m.s.Expect
	for i, e := range m.s.Expect {
		at := fmt.Sprintf("expect[%d]", i)
		if e.Score != nil && e.Score.Agent != "" {
			m.mustMatch(at+".score.agent", e.Score.Agent)
		}
		if e.Outcome != nil && e.Outcome.Agent != "" {
			m.mustMatch(at+".outcome.agent", e.Outcome.Agent)
		}
	}
}
