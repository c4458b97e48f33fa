package plan

import (
	"fmt"
	"slices"

	"github.com/troupe-dev/troupe/scenarios"
)

// Messages say whom the agents of an entry may write to, but for their channels.
type Messages struct {
	To []string `json:"to"` // patterns of ids
}

// May says whether they may write to an agent. Nil lets them write to all.
func (m *Messages) May(to string) bool {
	if m == nil {
		return true
	}
	return slices.ContainsFunc(m.To, func(pattern string) bool { return scenarios.Match(pattern, to) })
}

// MayWrite says whether an agent may write to another, but for its channels.
func (p *Plan) MayWrite(from, to string) bool {
	entry, known := p.EntryOf(from)
	return known && p.Entries[entry].Messages.May(to)
}

// messages are those of a variant; nil where the scenario says nothing of them.
func (m *maker) messages(v *variant) *Messages {
	if v.entry.Messages == nil || v.entry.Messages.To == nil {
		return nil
	}
	to := v.entry.Messages.To
	for i, pattern := range to {
		m.matching(pattern, func(message, hint string) { v.problem(fmt.Sprintf(".messages.to[%d]", i), message, hint) })
	}
	return &Messages{To: to}
}
