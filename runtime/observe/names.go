package observe

import "github.com/troupe-dev/troupe/runtime/plan"

// mostNamed is how many agents, processes and entries of a run are told apart by
// their own names in metrics. The entries beyond are otherEntry together.
const (
	mostNamed  = 200
	otherEntry = "other"
)

// names gives the values of the labels entry, agent and process. Their number
// is bounded by the scenario, whatever the world adds and however long a run
// is: agents go by their ids in a plan of at most mostNamed agents, processes
// in one of at most mostNamed processes, else by their entry's; those of an
// entry with max, which may come and go without end, always do. It may be used
// concurrently.
type names struct {
	plan    *plan.Plan
	entries map[string]int    // by agent
	hosts   map[string]string // the label of a process, by its id and by its agents'
	all     []string          // labels of processes, each once
}

func newNames(p *plan.Plan) *names {
	n := &names{plan: p, entries: make(map[string]int, len(p.Agents)), hosts: make(map[string]string, len(p.Agents))}
	for _, a := range p.Agents {
		n.entries[a.ID] = a.Entry
	}
	seen := map[string]bool{}
	add := func(label string) {
		if !seen[label] {
			seen[label] = true
			n.all = append(n.all, label)
		}
	}
	for _, x := range p.Processes {
		label := x.ID
		if p.Entries[x.Entry].Max > 0 || len(p.Processes) > mostNamed {
			label = n.label(x.Entry)
		}
		add(label)
		n.hosts[x.ID] = label
		for _, id := range x.Agents {
			n.hosts[id] = label
		}
	}
	for i := range p.Entries {
		if p.Entries[i].Max > 0 {
			add(n.label(i))
		}
	}
	return n
}

// forget leaves the labels of processes alone, which are few.
func (n *names) forget() { n.plan, n.entries, n.hosts = nil, nil, nil }

// label is an entry's label.
func (n *names) label(entry int) string {
	if entry >= mostNamed {
		return otherEntry
	}
	return n.plan.Entries[entry].ID
}

// entry is the index of an agent's entry.
func (n *names) entry(agent string) (index int, ok bool) {
	if i, ok := n.entries[agent]; ok {
		return i, true
	}
	return n.plan.Host(agent)
}

// agent is an agent's label; empty for one that no entry has.
func (n *names) agent(id string) string {
	i, ok := n.entry(id)
	if !ok {
		return ""
	}
	if n.plan.Entries[i].Max > 0 || len(n.plan.Agents) > mostNamed {
		return n.label(i)
	}
	return id
}

// process is a process's label, by its own name or that of an agent in it;
// empty for one that no entry has. A substitute's is that of the process in
// whose place it answers.
func (n *names) process(id string) string {
	if label, ok := n.hosts[id]; ok {
		return label
	}
	if i, ok := n.plan.Host(id); ok {
		return n.label(i)
	}
	return ""
}
