package world

import (
	"fmt"
	"slices"
	"strings"
)

// GridGameConfig is the config of the world grid-game: cells on a grid, each
// of them an agent, play a symmetric game of two players with each of their
// neighbours (Nowak and May, Nature 359:826, 1992). The world keeps the grid
// and tells each cell its neighbourhood; what a cell does next is the cell's
// own affair. There is no last generation: the clock's ticks end the run.
//
// The agents fill the grid row by row, from the top left, in the natural order
// of their ids: cell-2 before cell-10. There must be width × height of them.
//
// In tick t a cell observes generation t:
//
//	{"move":"C","payoff":9,"neighbours":{"moves":["C","D"],"payoffs":[9,14.8]}}
//
// payoff is what the cell got in that generation, and neighbours are listed
// row by row from the top left. It answers {"move":"C"}, its move in the next
// generation. A cell that fails or ended keeps its move. Equal payoffs are
// equal to the bit, so that a tie is seen as one.
//
// Columns of tick t are counts in generation t.
type GridGameConfig struct {
	// Width and Height of the grid, in cells.
	Width  int `json:"width" required:"true"`
	Height int `json:"height" required:"true"`
	// Neighbourhood is moore (the eight cells around; the default) or
	// von-neumann (the four beside).
	Neighbourhood string `json:"neighbourhood"`
	// Self has each cell play with itself too.
	Self bool `json:"self"`
	// Boundary is fixed (a cell at the edge has fewer neighbours; the default)
	// or torus (opposite edges touch; at least 3 × 3 cells).
	Boundary string `json:"boundary"`
	// Moves are the names of the moves, 2 to 64: [C, D].
	Moves []string `json:"moves" required:"true"`
	// Payoffs say what a pair of moves pays the one who made the first of
	// them: {CC: 1, CD: 0, DC: 1.85, DD: 0}. Every pair is there.
	Payoffs Payoffs `json:"payoffs" required:"true"`
	// Initial is generation 0.
	Initial GridInitial `json:"initial" required:"true"`
	// Count names the columns: how many cells make which move. Without it
	// there is one column a move, named like it.
	Count map[string]string `json:"count"`
	// Scores asks for each cell's total payoff as its score. Off by default:
	// thousands of changed totals a tick fill the record.
	Scores bool `json:"scores"`
}

// A GridInitial is generation 0 of a grid-game.
type GridInitial struct {
	// All is the move of every cell not listed.
	All string `json:"all" required:"true"`
	// Cells are the others.
	Cells []GridCell `json:"cells"`
}

// A GridCell is one cell's move in generation 0: x counts the columns from the
// left, y the rows from the top, both from 0.
type GridCell struct {
	X    int    `json:"x" required:"true"`
	Y    int    `json:"y" required:"true"`
	Move string `json:"move" required:"true"`
}

const maxSide = 4096

var gridGameKind = kind{
	open: openGridGame,
	example: example{
		config: `{"width":3,"height":4,"self":true,"boundary":"torus","moves":["C","D"],"payoffs":{"CC":1,"CD":0,"DC":1.85,"DD":0},` +
			`"initial":{"all":"C","cells":[{"x":1,"y":2,"move":"D"}]},"count":{"cooperators":"C"},"scores":true}`,
		agents:  []string{"c-1", "c-2", "c-3", "c-4", "c-5", "c-6", "c-7", "c-8", "c-9", "c-10", "c-11", "c-12"},
		actions: []string{`{"move":"C"}`, `{"move":"D"}`, `{"move":"C","mood":"fine"}`},
		garbage: []string{`null`, `false`, `"C"`, `[]`, `{}`, `{"move":1}`, `{"move":""}`, `{"move":"E"}`},
	},
}

// An offset is a neighbour's place beside a cell.
type offset struct{ dx, dy int }

var neighbourhoods = map[string][]offset{
	"moore":       {{-1, -1}, {0, -1}, {1, -1}, {-1, 0}, {1, 0}, {-1, 1}, {0, 1}, {1, 1}},
	"von-neumann": {{0, -1}, {-1, 0}, {1, 0}, {0, 1}},
}

// A boundary finds the place along one axis that is off it, if there is one.
var boundaries = map[string]func(at, size int) (int, bool){
	"fixed": func(at, size int) (int, bool) { return at, at >= 0 && at < size },
	"torus": func(at, size int) (int, bool) { return (at + size) % size, true },
}

func openGridGame(config []byte) (World, error) {
	g := &gridGame{conf: GridGameConfig{Neighbourhood: "moore", Boundary: "fixed"}}
	c := &g.conf
	errs, err := decodeConfig(config, c)
	if err != nil {
		return nil, err
	}
	g.stage = newStage(c.Moves, c.Payoffs, &errs)
	checkSide("width", c.Width, &errs)
	checkSide("height", c.Height, &errs)
	if _, ok := neighbourhoods[c.Neighbourhood]; !ok {
		errs.add("neighbourhood", "%q is none of %s", c.Neighbourhood, strings.Join(sortedKeys(neighbourhoods), ", "))
	}
	if _, ok := boundaries[c.Boundary]; !ok {
		errs.add("boundary", "%q is none of %s", c.Boundary, strings.Join(sortedKeys(boundaries), ", "))
	}
	if c.Boundary == "torus" && (c.Width < 3 || c.Height < 3) {
		errs.add("boundary", "a torus has at least 3 × 3 cells, else a cell is its own neighbour")
	}
	if len(errs) > 0 {
		return nil, errs
	}
	g.generation(&errs)
	g.count(&errs)
	return g, errs.err()
}

func checkSide(key string, side int, errs *ConfigErrors) {
	if side < 1 || side > maxSide {
		errs.add(key, "%d is not between 1 and %d", side, maxSide)
	}
}

// generation lays out generation 0.
func (g *gridGame) generation(errs *ConfigErrors) {
	initial := g.conf.Initial
	all, ok := g.stage.index(initial.All)
	if !ok {
		errs.add("initial.all", "%q is none of the moves", initial.All)
	}
	g.cells = slices.Repeat([]uint8{uint8(all)}, g.conf.Width*g.conf.Height)
	taken := make(map[GridCell]bool)
	for i, cell := range initial.Cells {
		key := fmt.Sprintf("initial.cells[%d]", i)
		move, ok := g.stage.index(cell.Move)
		if !ok {
			errs.add(key+".move", "%q is none of the moves", cell.Move)
			continue
		}
		if cell.X < 0 || cell.X >= g.conf.Width || cell.Y < 0 || cell.Y >= g.conf.Height {
			errs.add(key, "x %d, y %d is outside the grid of %d × %d", cell.X, cell.Y, g.conf.Width, g.conf.Height)
			continue
		}
		place := GridCell{X: cell.X, Y: cell.Y}
		if taken[place] {
			errs.add(key, "x %d, y %d is listed twice", cell.X, cell.Y)
		}
		taken[place] = true
		g.cells[cell.Y*g.conf.Width+cell.X] = uint8(move)
	}
}

// count resolves the columns.
func (g *gridGame) count(errs *ConfigErrors) {
	if len(g.conf.Count) == 0 {
		for move, name := range g.stage.moves {
			g.counts = append(g.counts, counted{name, move})
		}
		slices.SortFunc(g.counts, func(a, b counted) int { return strings.Compare(a.column, b.column) })
		return
	}
	for _, name := range sortedKeys(g.conf.Count) {
		move, ok := g.stage.index(g.conf.Count[name])
		if !ok {
			errs.add(join("count", name), "%q is none of the moves", g.conf.Count[name])
		}
		g.counts = append(g.counts, counted{name, move})
	}
}

// View shows each cell's move in the generation that the columns of the tick count.
func (g *gridGame) View() View {
	return View{Grid: &ViewGrid{Columns: g.conf.Width, Value: "observation.move"}, Race: g.conf.Scores, Threads: true}
}
