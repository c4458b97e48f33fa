package plan

import (
	"maps"
	"reflect"
	"slices"
)

// A Fork is where a run began that took over the ticks of another: those up to
// Tick were played by another plan, and are on record in this run too.
type Fork struct {
	Run  string `json:"run"`
	Tick int    `json:"tick"` // the first of this plan's own
	Hash string `json:"hash"` // of the tick before it, hex; H(0) where there is none
	Plan *Plan  `json:"plan"` // that played it; a fork may be one of a fork

	// Starts are the agents that are not where they were at Tick: those that come
	// back by files or a session, which are kept at some ticks alone, with the tick
	// that they go back to; -1 for one that begins anew. Sessions are those that
	// their tools go on with; empty for a new one.
	Starts   map[string]int    `json:"starts,omitempty"`
	Sessions map[string]string `json:"sessions,omitempty"`
	// Files are the agents that took files over.
	Files []string `json:"files,omitempty"`
}

// At is the plan that a tick is played by: this one, or one that it goes back to.
func (p *Plan) At(tick int) *Plan {
	for p.Fork != nil && tick < p.Fork.Tick {
		p = p.Fork.Plan
	}
	return p
}

// Changed are those of ids that at p's fork something else began to answer for:
// another kind or program, with other files, variables or texts, or a process
// with other agents in it.
func (p *Plan) Changed(ids []string) map[string]bool {
	if p.Fork == nil {
		return nil
	}
	before, now := p.Fork.Plan.hosts(), p.hosts()
	changed := map[string]bool{}
	for _, id := range ids {
		if !sameDriver(p.Fork.Plan, before.of(p.Fork.Plan, id), p, now.of(p, id)) {
			changed[id] = true
		}
	}
	return changed
}

// Since are the ticks since which the same answers for each of ids, where that
// is not the run's start.
func (p *Plan) Since(ids []string) map[string]int {
	since := map[string]int{}
	for q := p; q.Fork != nil; q = q.Fork.Plan {
		for id := range q.Changed(ids) {
			since[id] = max(since[id], q.Fork.Tick)
		}
	}
	return since
}

// hosts are the processes of agents of the start.
type hosts map[string]*Process

func (p *Plan) hosts() hosts {
	h := make(hosts, len(p.Agents))
	for i := range p.Processes {
		for _, id := range p.Processes[i].Agents {
			h[id] = &p.Processes[i]
		}
	}
	return h
}

// of is an agent's process, also of one that came later; nil for none.
func (h hosts) of(p *Plan, id string) *Process {
	if process := h[id]; process != nil {
		return process
	}
	_, process, err := p.Admit(id, nil, func(int) int { return 0 })
	if err != nil {
		return nil
	}
	return &process
}

// sameDriver says whether an agent's process is driven alike by two plans.
func sameDriver(p *Plan, a *Process, q *Plan, b *Process) bool {
	if a == nil || b == nil {
		return a == b
	}
	e, f := &p.Entries[a.Entry], &q.Entries[b.Entry]
	return e.Kind == f.Kind && e.State == f.State && e.Run == f.Run &&
		a.ID == b.ID && slices.Equal(a.Agents, b.Agents) &&
		sameCommand(e, a, b) && maps.Equal(a.Env, b.Env) &&
		slices.EqualFunc(e.Program.Files, f.Program.Files, sameFile) && sameModel(e, f) && sameWorkspace(e.Workspace, f.Workspace)
}

// sameCommand compares what is started. That of a model is made of its options,
// its bound among them, which sameModel compares.
func sameCommand(e *Entry, a, b *Process) bool {
	if e.Model != nil {
		return slices.Equal(a.Command[:1], b.Command[:1])
	}
	return slices.Equal(a.Command, b.Command)
}

// sameFile says whether two files are copied alike, wherever they come from.
func sameFile(a, b File) bool {
	return a.Path == b.Path && a.SHA256 == b.SHA256 && a.Exec == b.Exec && a.Dir == b.Dir && a.Link == b.Link
}

func sameModel(a, b *Entry) bool {
	if a.Model == nil || b.Model == nil {
		return a.Model == b.Model
	}
	x, y := *a.Model, *b.Model
	if !slices.Equal(x.AllowedTools, y.AllowedTools) || !slices.Equal(x.Flags, y.Flags) {
		return false
	}
	x.AllowedTools, x.Flags = y.AllowedTools, y.Flags // none and an empty list are the same
	x.USD = y.USD                                     // a bound is not what it is told
	return reflect.DeepEqual(x, y)
}
