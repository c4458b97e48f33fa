package scenarios

import "fmt"

// A View is what whoever looks at a run is shown of its world. What it does not
// say is the world's to say.
type View struct {
	Grid    *ViewGrid `yaml:"grid"`
	Race    *bool     `yaml:"race"`    // scores over time
	Threads *bool     `yaml:"threads"` // messages, by channel and pair
	Charts  []string  `yaml:"charts"`  // patterns of names of columns; nil for all, empty for none
}

// A ViewGrid shows agents as cells, row by row from the top left, in the natural
// order of their ids: cell-2 before cell-10.
type ViewGrid struct {
	Agents  string `yaml:"agents" required:"true" nonempty:"true"` // pattern of ids
	Columns int    `yaml:"columns" required:"true" min:"1" max:"4096"`
	Value   string `yaml:"value" required:"true"` // what a cell shows: a dotted path, as in Collect
}

func (g *ViewGrid) check(d *decoder, p place, has func(string) bool) {
	if has("value") && g.Value != "" && !fieldShape.MatchString(g.Value) {
		d.reportValue(p.under("value"), fmt.Sprintf("want a path below action or observation, got %q", clip(g.Value)), "such as action.move")
	}
}
