package plan

import "github.com/troupe-dev/troupe/runtime/agent"

// People are the agents of the start that people play.
func (p *Plan) People() (ids []string) {
	human := make([]bool, len(p.Entries))
	for i := range p.Entries {
		k, err := agent.Lookup(p.Entries[i].Kind)
		human[i] = err == nil && k.Human
	}
	for i := range p.Agents {
		if human[p.Agents[i].Entry] {
			ids = append(ids, p.Agents[i].ID)
		}
	}
	return ids
}
