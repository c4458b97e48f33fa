package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/troupe-dev/troupe/scenarios"
)

// An agentSet is one --set about agents: it acts once they are all named.
type agentSet struct {
	glob  string
	path  []string // below the entry
	value string   // YAML
	label string
	used  bool
}

// fixed are an entry's keys that say which agents there are.
var fixed = []string{"for_each", "id", "max", "replicas"}

// applySets changes the scenario by what is not about agents, in the order
// given, and hands back the rest.
func (m *maker) applySets(texts []string) []*agentSet {
	var sets []*agentSet
	for _, text := range texts {
		path, value, err := scenarios.ParseSet(text)
		if err != nil {
			m.problems.tell(scenarios.Problem{File: label(text), Message: err.Error()})
			continue
		}
		if path[0] != "agents" {
			if problems := scenarios.Merge(m.s, "", path, value); len(problems) > 0 {
				m.problems.tell(problems...)
			} else if m.s.Source != nil {
				m.s.Source.Override(strings.Join(path, "."), label(text))
			}
			continue
		}
		set := &agentSet{path: slices.Clip(path), value: value, label: label(text)}
		switch {
		case len(path) < 3:
			m.problems.tell(scenarios.Problem{File: set.label, Message: "this names no key of an agent", Hint: "such as agents.villager-*.kind=stdio"})
			continue
		case slices.Contains(fixed, path[2]):
			m.problems.tell(scenarios.Problem{
				File:    set.label,
				Message: path[2] + " cannot be set: it says which agents there are, and --set acts on those",
				Hint:    "change it in the scenario",
			})
			continue
		}
		set.glob, set.path = path[1], path[2:]
		sets = append(sets, set)
	}
	return sets
}

// label names a --set where a problem would name a file.
func label(text string) string {
	const most = 80
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return "--set " + text
}

// A variant is the agents of an item that the same --sets change: it becomes
// one entry of the plan.
type variant struct {
	item    *item
	entry   scenarios.Entry // with the --sets
	only    []string        // globs that cover all agents of the variant
	except  []string        // globs that cover none
	members []member
	index   int    // in the plan's entries
	dir     string // of its files
	problem report

	textsFailed bool // a template could not be filled, which was told
}

// mostVariants bounds what patterns of --set make of one item with max.
const mostVariants = 256

// makeVariants splits items whose agents are no longer alike.
func (m *maker) makeVariants(sets []*agentSet) {
	for _, it := range m.items {
		globs := it.globs(sets)
		byOnly := map[string]*variant{}
		add := func(only []string) *variant {
			key := strings.Join(only, "\x00")
			if byOnly[key] == nil {
				byOnly[key] = m.newVariant(it, globs, only, sets)
			}
			return byOnly[key]
		}
		if len(globs) == 0 {
			add(nil).members = it.members
			continue
		}
		for _, member := range it.members {
			v := add(covering(globs, member.id))
			v.members = append(v.members, member)
		}
		if it.later() {
			possible := it.possible(globs)
			if len(possible) > mostVariants {
				m.problemAt(it.at+".max", fmt.Sprintf("the patterns of --set tell too many kinds of later agents apart: %d", len(possible)), "use fewer patterns, or broader ones")
				continue
			}
			for _, only := range possible {
				add(only)
			}
		}
	}
	for _, set := range sets {
		if !set.used && !m.partial {
			m.problems.tell(scenarios.Problem{File: set.label, Message: fmt.Sprintf("no agent matches %q", set.glob)})
		}
	}
}

// globs lists those of the sets that cover an agent of the item, or one that
// may come later, each once and in their order.
func (it *item) globs(sets []*agentSet) []string {
	var globs []string
	for _, set := range sets {
		if slices.Contains(globs, set.glob) {
			set.used = true
			continue
		}
		covers := it.later() && meets(set.glob, it.id)
		for i := 0; i < len(it.members) && !covers; i++ {
			covers = scenarios.Match(set.glob, it.members[i].id)
		}
		if covers {
			set.used = true
			globs = append(globs, set.glob)
		}
	}
	return globs
}

func covering(globs []string, id string) []string {
	var only []string
	for _, g := range globs {
		if scenarios.Match(g, id) {
			only = append(only, g)
		}
	}
	return only
}

// possible lists the ways in which globs may cover agents of the item that
// the world adds. A few of them may never come up; none that may is missing.
func (it *item) possible(globs []string) [][]string {
	ways := [][]string{nil}
	var exact []string
	anyID := it.id.fill(vars{row: map[string]any{"n": "\x00"}})
	for _, g := range globs {
		var with [][]string
		for _, only := range ways {
			with = append(with, append(only[:len(only):len(only)], g))
		}
		switch {
		case !strings.Contains(g, "?") && scenarios.Match(g, anyID):
			ways = with // whatever the number is
		case strings.ContainsAny(g, "*?"):
			ways = append(ways, with...)
		default:
			exact = append(exact, g)
		}
	}
	for _, id := range exact {
		ways = append(ways, covering(globs, id))
	}
	return ways
}

// newVariant applies the sets whose globs are in only.
func (m *maker) newVariant(it *item, globs, only []string, sets []*agentSet) *variant {
	v := &variant{item: it, entry: *it.entry, only: only, index: len(m.variants)}
	v.dir = fmt.Sprintf("%d-%s", v.index+1, stem(it.id, "agents"))
	for _, g := range globs {
		if !slices.Contains(only, g) {
			v.except = append(v.except, g)
		}
	}
	source := m.s.Source
	if source != nil && len(only) > 0 {
		own := *source
		source = &own
	}
	for _, set := range sets {
		if !slices.Contains(only, set.glob) {
			continue
		}
		problems := scenarios.Merge(&v.entry, "agents."+set.glob, set.path, set.value)
		m.problems.tell(problems...)
		if len(problems) == 0 && source != nil {
			source.Override(it.at+"."+strings.Join(set.path, "."), set.label)
		}
	}
	v.problem = func(at, message, hint string) {
		m.problems.add(source, it.at+at, message, hint)
	}
	m.variants = append(m.variants, v)
	return v
}
