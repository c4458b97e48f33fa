package engine

import (
	"slices"
	"strings"

	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/world"
)

// A collection says which columns a record gets.
type collection struct {
	all    bool           // of the world's
	named  map[string]int // of the world's: every how many ticks
	fields []field
}

// A field is a place in what matching agents are told or answer.
type field struct {
	pattern string
	name    string   // as the scenario writes it
	root    string   // action or observation
	path    []string // below it
	every   int
}

func newCollection(p *plan.Plan) collection {
	c := collection{all: len(p.Collect) == 0, named: map[string]int{}}
	for i := range p.Collect {
		item := &p.Collect[i]
		every := max(item.Every, 1)
		if item.Column != "" {
			c.named[item.Column] = every
		}
		if item.Field != "" {
			root, rest, deeper := strings.Cut(item.Field, ".")
			f := field{pattern: item.Agent, name: item.Field, root: root, every: every}
			if deeper {
				f.path = strings.Split(rest, ".")
			}
			c.fields = append(c.fields, f)
		}
	}
	return c
}

// collect writes the columns of a tick, by name. Where two say the same name,
// the world's stands.
func (c *collection) collect(rec *record.Record, columns []world.Column) {
	for _, col := range columns {
		every, named := c.named[col.Name]
		if c.all || named && rec.Tick%every == 0 {
			rec.Columns = append(rec.Columns, record.Column{Name: col.Name, Value: col.Value})
		}
	}
	for i := range c.fields {
		if rec.Tick%c.fields[i].every == 0 {
			c.fields[i].collect(rec)
		}
	}
	slices.SortStableFunc(rec.Columns, func(a, b record.Column) int { return compare(a.Name, b.Name) })
	rec.Columns = slices.CompactFunc(rec.Columns, func(a, b record.Column) bool { return a.Name == b.Name })
}

// roots are what the first word of a field may be.
var roots = map[string]func(t *record.Turn) []byte{
	"action":      func(t *record.Turn) []byte { return t.Action },
	"observation": func(t *record.Turn) []byte { return t.Observation },
}

func (f *field) collect(rec *record.Record) {
	root := roots[f.root]
	if root == nil {
		return
	}
	ids := make([]string, len(rec.Turns))
	for i := range rec.Turns {
		ids[i] = rec.Turns[i].Agent
	}
	covered := plan.Members([]string{f.pattern}, ids)
	for i := range rec.Turns {
		t := &rec.Turns[i]
		if len(covered) == 0 || covered[0] != t.Agent {
			continue
		}
		covered = covered[1:]
		if value, ok := record.Lookup(root(t), f.path); ok {
			rec.Columns = append(rec.Columns, record.Column{Name: t.Agent + "." + f.name, Value: value})
		}
	}
}
