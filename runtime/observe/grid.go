package observe

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// noValue is a cell of which nothing is known yet, or whose value is one too many.
const noValue = 255

// A grid is what each cell of a view shows. All but now, since and values is
// shared with its clones.
type grid struct {
	sorted []spot // by the agent's id as bytes, as turns are
	action bool   // whose field is shown, else the observation's
	path   []string

	now    []uint8  // by cell: an index into values
	since  []int32  // by cell: the tick of its newest change
	values []string // JSON, in the order in which they came up
}

// A spot is an agent's cell.
type spot struct {
	agent string
	cell  int
}

// newGrid is that of a plan; nil where its view has none.
func newGrid(p *plan.Plan) *grid {
	ids := p.Cells()
	if len(ids) == 0 {
		return nil
	}
	root, path, deeper := strings.Cut(p.View.Grid.Value, ".")
	g := &grid{
		action: root == "action", sorted: make([]spot, len(ids)),
		now: slices.Repeat([]uint8{noValue}, len(ids)), since: slices.Repeat([]int32{-1}, len(ids)),
	}
	if deeper {
		g.path = strings.Split(path, ".")
	}
	for cell, id := range ids {
		g.sorted[cell] = spot{id, cell}
	}
	slices.SortFunc(g.sorted, func(a, b spot) int { return strings.Compare(a.agent, b.agent) })
	return g
}

func (g *grid) clone() *grid {
	if g == nil {
		return nil
	}
	c := *g
	c.now, c.since, c.values = slices.Clone(g.now), slices.Clone(g.since), slices.Clip(g.values)
	return &c
}

// add takes a record's turns in. A cell that shows nothing new keeps its value.
func (g *grid) add(r *record.Record) {
	if g == nil {
		return
	}
	at := g.sorted
	for i := range r.Turns {
		t := &r.Turns[i]
		for len(at) > 0 && at[0].agent < t.Agent {
			at = at[1:]
		}
		if len(at) == 0 {
			return
		}
		if at[0].agent != t.Agent {
			continue
		}
		text := t.Observation
		if g.action {
			text = t.Action
		}
		value, ok := record.Lookup(text, g.path)
		if !ok || string(value) == "null" {
			continue
		}
		if v := g.index(value); v != g.now[at[0].cell] {
			g.now[at[0].cell], g.since[at[0].cell] = v, int32(r.Tick)
		}
	}
}

func (g *grid) index(value []byte) uint8 {
	for i, v := range g.values {
		if v == string(value) {
			return uint8(i)
		}
	}
	if len(g.values) == noValue || len(value) > mostText {
		return noValue
	}
	g.values = append(g.values, string(value))
	return uint8(len(g.values) - 1)
}

// appendAfter appends a member of the frame, what cells changed after a tick:
// {"values","changed"}, or {"values","all"} where that is shorter; nothing where
// none did.
func (g *grid) appendAfter(dst []byte, tick int) []byte {
	changed := 0
	for _, since := range g.since {
		if int(since) > tick {
			changed++
		}
	}
	if changed == 0 && tick >= 0 {
		return dst
	}
	dst = append(dst, `,"cells":{"values":[`...)
	for i, v := range g.values {
		dst = append(comma(dst, i), v...)
	}
	const digits = 5 // of a cell's number, and its comma
	if tick < 0 || changed*(digits+2)*3 > len(g.now)*4 {
		dst = append(dst, `],"all":"`...)
		dst = base64.StdEncoding.AppendEncode(dst, g.now)
		return append(dst, '"', '}')
	}
	dst = append(dst, `],"changed":[`...)
	n := 0
	for cell, since := range g.since {
		if int(since) > tick {
			dst = strconv.AppendInt(comma(dst, n), int64(cell), 10)
			dst = strconv.AppendInt(append(dst, ','), int64(g.now[cell]), 10)
			n++
		}
	}
	return append(dst, ']', '}')
}

// comma appends one unless it is before the first of a list.
func comma(dst []byte, i int) []byte {
	if i > 0 {
		return append(dst, ',')
	}
	return dst
}

// tooLong is what is shown of a value of so many bytes.
func tooLong(bytes int) []byte {
	b, _ := json.Marshal(map[string]int{"bytes": bytes}) // a map of numbers always can be
	return b
}
