package plan

import (
	"fmt"
	"slices"
)

// InStead is what the name of a process that stands in for an agent has behind the
// agent's id; a number may follow.
const InStead = "-substitute"

// SubstituteID names the process that answers in an agent's stead, which no
// other process of the run has as its name, now or later. It has but one.
func (p *Plan) SubstituteID(id string) string {
	for n := 1; ; n++ {
		name := id + InStead
		if n > 1 {
			name = fmt.Sprintf("%s-%d", name, n)
		}
		if !p.names(name) {
			return name
		}
	}
}

// names says whether a process of the plan, or one of an agent that may come
// later, has that name.
func (p *Plan) names(name string) bool {
	if slices.ContainsFunc(p.Processes, func(x Process) bool { return x.ID == name }) {
		return true
	}
	_, _, err := p.Admit(name, nil, func(int) int { return 0 })
	return err == nil
}

// Hosts finds the process of an agent, nil for none. One that came later has a
// process of its own.
func (p *Plan) Hosts() func(id string) *Process {
	h := p.hosts()
	return func(id string) *Process { return h.of(p, id) }
}
