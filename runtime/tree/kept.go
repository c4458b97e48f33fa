package tree

import (
	"maps"
	"slices"
)

// A Kept is a tree as a checkpoint has it.
type Kept struct {
	Version int     `json:"version"`
	Files   []File  `json:"files,omitempty"`
	Held    []Lease `json:"held,omitempty"`
	Waiting []Lease `json:"waiting,omitempty"`
	Tickets int     `json:"tickets,omitempty"`
	Tokens  int     `json:"tokens,omitempty"`
}

// Keep is what Restore makes the same tree of.
func (t *Tree) Keep() *Kept {
	k := &Kept{Version: t.version, Held: t.Leases(""), Waiting: t.Waiting(""), Tickets: t.leases.tickets, Tokens: t.leases.tokens}
	for _, path := range slices.Sorted(maps.Keys(t.files)) {
		k.Files = append(k.Files, *t.files[path])
	}
	return k
}

// Restore makes a tree of what Keep gave.
func Restore(rules Rules, k *Kept) *Tree {
	t := New(rules, k.Files)
	t.version = k.Version
	t.leases = leases{held: pointers(k.Held), waiting: pointers(k.Waiting), tickets: k.Tickets, tokens: k.Tokens}
	return t
}

func pointers(list []Lease) []*Lease {
	var out []*Lease
	for i := range list {
		l := list[i]
		out = append(out, &l)
	}
	return out
}
