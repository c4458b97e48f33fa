package plan

import (
	"fmt"
	"slices"
)

// A namer names shared processes so that no name is an agent's, now or later.
type namer struct {
	m       *maker
	taken   map[string]bool
	counted map[*item]int
}

func newNamer(m *maker) *namer {
	return &namer{m: m, taken: map[string]bool{}, counted: map[*item]int{}}
}

func (n *namer) next(it *item) string {
	n.counted[it]++
	for infix := "p"; ; infix += "p" {
		tail := fmt.Sprintf("-%s%d", infix, n.counted[it])
		base := stem(it.id, fmt.Sprintf("entry-%d", it.index+1))
		const longest = 64 // of an id
		id := base[:min(len(base), longest-len(tail))] + tail
		if !n.taken[id] && !n.isAgent(id) {
			n.taken[id] = true
			return id
		}
	}
}

func (n *namer) isAgent(id string) bool {
	if _, found := slices.BinarySearch(n.m.ids, id); found {
		return true
	}
	for _, it := range n.m.items {
		if !it.later() {
			continue
		}
		if _, ok := it.id.number(id); ok {
			return true
		}
	}
	return false
}
