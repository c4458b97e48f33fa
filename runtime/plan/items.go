package plan

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/troupe-dev/troupe/scenarios"
)

// An item is one item under agents:, with the agents that it stands for.
type item struct {
	index   int
	entry   *scenarios.Entry
	at      string // agents[2]
	id      template
	members []member
}

// A member is one agent of an item, before its config is filled.
type member struct {
	id   string
	vars vars
}

// later says whether the world may add agents of this item.
func (it *item) later() bool { return it.entry.Max > 0 }

// expandItems names every agent.
func (m *maker) expandItems() {
	first := map[string]string{} // the path of the id that an agent has its id from
	total := 0
	for i := range m.s.Agents {
		e := &m.s.Agents[i]
		it := &item{index: i, entry: e, at: fmt.Sprintf("agents[%d]", i), id: parseTemplate(e.ID)}
		m.items = append(m.items, it)
		rows, ok := m.rows(it)
		if total += len(rows); total > mostAgents {
			m.partial = true
			m.problemAt(it.at, fmt.Sprintf("the scenario has more than %d agents", mostAgents), "")
			return
		}
		if !ok || e.ID == "" || !m.checkItem(it, rows) {
			m.partial = true
			continue
		}
		m.nameMembers(it, rows, first)
	}
	m.ids = make([]string, 0, total)
	for _, it := range m.items {
		for _, member := range it.members {
			m.ids = append(m.ids, member.id)
		}
	}
	sort.Strings(m.ids)
}

// checkItem looks for what would be wrong with every agent of an item.
func (m *maker) checkItem(it *item, rows []vars) bool {
	e, names := it.entry, it.id.names()
	switch {
	case e.ForEach != nil && e.Max > 0:
		m.problemAt(it.at+".max", "an agent that the world adds has no row of for_each", "use replicas beside max")
	case e.Max > 0 && !oneOf(names, "n"):
		m.derived(it.at+".id", fmt.Sprintf("an entry with max needs {n} in its id, and %q has none", e.ID), "such as "+stem(it.id, "agent")+"-{n}")
	case e.Max > 0 && e.Max < e.Replicas:
		m.derived(it.at+".max", fmt.Sprintf("max %d is less than replicas %d", e.Max, e.Replicas), "max counts all agents of the entry that live at one time")
	case len(names) == 0 && len(rows) > 1:
		m.problemAt(it.at+".id", fmt.Sprintf("%d agents would have the id %q", len(rows), e.ID), "put a variable into it: "+rows[0].list())
	default:
		return true
	}
	return false
}

// nameMembers fills the ids and keeps the agents whose id is good.
func (m *maker) nameMembers(it *item, rows []vars, first map[string]string) {
	at := it.at + ".id"
	names := it.id.names()
	it.members = make([]member, 0, len(rows))
	for _, row := range rows {
		if name, ok := unknown(names, row); ok {
			m.partial = true
			m.derived(at, fmt.Sprintf("unknown variable {%s}%s", name, inRow(it, row)), row.list())
			continue
		}
		id := it.id.fill(row)
		if err := scenarios.ValidID(id); err != nil {
			m.partial = true
			m.invalidID(at, err, inRow(it, row))
			continue
		}
		if before, twice := first[id]; twice {
			where := fmt.Sprintf("the id on line %d already gives it", m.s.Source.At(before).Line)
			if before == at {
				where = "an earlier row of the same entry already gives it"
			}
			m.problemAt(at, fmt.Sprintf("duplicate id %q%s", id, inRow(it, row)), where)
			continue
		}
		first[id] = at
		it.members = append(it.members, member{id, row})
	}
	m.checkConfigNames(it)
}

// checkConfigNames finds variables that rows do not have: where there are
// rows, a name in braces is meant as one of their columns.
func (m *maker) checkConfigNames(it *item) {
	if it.entry.ForEach == nil {
		return
	}
	eachString(it.entry.Config, it.at+".config", func(path, s string) {
		var names []string
		for _, name := range parseTemplate(s).names() {
			if identifier.MatchString(name) {
				names = append(names, name)
			}
		}
		for _, member := range it.members {
			if name, ok := unknown(names, member.vars); ok {
				m.problemAt(path, fmt.Sprintf("unknown variable {%s}%s", name, inRow(it, member.vars)),
					member.vars.list()+"; {{"+name+"}} stands for the literal text")
			}
		}
	})
}

func unknown(names []string, v vars) (string, bool) {
	for _, name := range names {
		if _, ok := v.value(name); !ok {
			return name, true
		}
	}
	return "", false
}

// inRow says which row a message is about.
func inRow(it *item, v vars) string {
	if it.entry.ForEach == nil {
		return ""
	}
	return fmt.Sprintf(" in row %d of for_each", v.n)
}

func oneOf(list []string, s string) bool { return slices.Contains(list, s) }

// stem is what an id's template has beside its variables, for names made from
// it.
func stem(t template, otherwise string) string {
	var b strings.Builder
	for _, p := range t {
		if p.name == "" {
			b.WriteString(p.text)
		}
	}
	return or(strings.Trim(b.String(), "-_"), otherwise)
}

// invalidID tells an error of scenarios.ValidID, whose second half is a hint,
// unless decoding found the id wrong whatever its variables are.
func (m *maker) invalidID(at string, err error, where string) {
	for _, p := range m.given {
		if strings.HasPrefix(p.Message, at+": ") {
			return
		}
	}
	message, hint, _ := strings.Cut(err.Error(), ": ")
	m.problemAt(at, message+where, hint)
}
