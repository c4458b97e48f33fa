package plan

import (
	"fmt"
	"slices"

	"github.com/troupe-dev/troupe/runtime/world"
	"github.com/troupe-dev/troupe/scenarios"
)

// A View is what whoever looks at a run is shown of its world. It is no part of
// what the hash chain begins with.
type View struct {
	Grid    *Grid    `json:"grid,omitempty"`
	Race    bool     `json:"race"`    // scores over time
	Threads bool     `json:"threads"` // messages, by channel and pair
	Charts  []string `json:"charts"`  // patterns of names of columns
}

// A Grid shows agents as cells.
type Grid struct {
	Agents  string `json:"agents"` // pattern of ids
	Columns int    `json:"columns"`
	Value   string `json:"value"` // what a cell shows: a dotted path below action or observation
}

// Cells are the agents that the view's grid shows, row by row from the top left:
// those of the start, in the natural order of their ids. None without a grid.
func (p *Plan) Cells() []string {
	if p.View.Grid == nil {
		return nil
	}
	ids := make([]string, len(p.Agents))
	for i := range p.Agents {
		ids[i] = p.Agents[i].ID
	}
	cells := slices.Clone(Members([]string{p.View.Grid.Agents}, ids))
	slices.SortFunc(cells, world.Natural)
	return cells
}

// makeView resolves the view: w is the world where it is a built-in one.
func (m *maker) makeView(w world.World) {
	v := &m.plan.View
	*v = View{Race: true, Threads: true, Charts: []string{"*"}}
	if viewer, ok := w.(world.Viewer); ok {
		said := viewer.View()
		v.Race, v.Threads = said.Race, said.Threads
		if g := said.Grid; g != nil {
			v.Grid = &Grid{Agents: "*", Columns: g.Columns, Value: g.Value}
		}
	}
	s := m.s.View
	if s == nil {
		return
	}
	if s.Race != nil {
		v.Race = *s.Race
	}
	if s.Threads != nil {
		v.Threads = *s.Threads
	}
	if s.Charts != nil {
		v.Charts = s.Charts
	}
	if s.Grid != nil && !m.blamed("view") {
		m.viewGrid(s.Grid)
	}
}

func (m *maker) viewGrid(g *scenarios.ViewGrid) {
	m.plan.View.Grid = &Grid{Agents: g.Agents, Columns: g.Columns, Value: g.Value}
	m.mustMatch("view.grid.agents", g.Agents)
	if cells := len(Members([]string{g.Agents}, m.ids)); cells > 0 && g.Columns > cells {
		m.problemAt("view.grid.columns", fmt.Sprintf("a row of %d cells, and %q matches %d", g.Columns, g.Agents, cells), "")
	}
}

// Charted says whether a column is drawn.
func (v *View) Charted(column string) bool {
	return slices.ContainsFunc(v.Charts, func(pattern string) bool { return scenarios.Match(pattern, column) })
}
