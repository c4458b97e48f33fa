package world

import (
	"context"
	"fmt"
	"slices"
	"strconv"
)

// A gridGame is the grid in play. Cells are numbered y*width+x; agents of the
// roster, which is ordered by id as bytes, have numbers of their own.
type gridGame struct {
	conf   GridGameConfig
	stage  stage
	counts []counted

	*roster
	cellOf     []int   // roster's number → cell
	cells      []uint8 // the move of each
	neighbours [][]int32
	payoff     []float64 // of each cell in the present generation
	totals     []float64 // by cell, with scores
	typical    int       // bytes of the last tick's observations
	next       int
}

// A counted is a column: how many make a move.
type counted struct {
	column string
	move   int
}

func (g *gridGame) Start(_ context.Context, init Init) (Ready, error) {
	if len(init.Agents) != len(g.cells) {
		return Ready{}, fmt.Errorf("cannot start the grid: %d agents where %d × %d = %d are wanted, one a cell",
			len(init.Agents), g.conf.Width, g.conf.Height, len(g.cells))
	}
	var err error
	if g.roster, err = newRoster(init.Agents); err != nil {
		return Ready{}, err
	}
	g.seat()
	g.meet()
	g.payoff = make([]float64, len(g.cells))
	g.totals = make([]float64, len(g.cells))
	g.typical = 128 * len(g.cells)
	if len(init.State) > 0 {
		if err := g.restore(init); err != nil {
			return Ready{}, err
		}
	}
	g.play()
	return Ready{Observations: g.observe(), ActionSchemas: g.stage.schema()}, nil
}

// seat gives each agent its cell.
func (g *gridGame) seat() {
	order := upTo(len(g.ids))
	slices.SortFunc(order, func(a, b int) int { return Natural(g.ids[a], g.ids[b]) })
	g.cellOf = make([]int, len(order))
	for cell, who := range order {
		g.cellOf[who] = cell
	}
}

// meet lists each cell's neighbours, row by row.
func (g *gridGame) meet() {
	offsets, off := neighbourhoods[g.conf.Neighbourhood], boundaries[g.conf.Boundary]
	g.neighbours = make([][]int32, len(g.cells))
	all := make([]int32, 0, len(g.cells)*len(offsets))
	for cell := range g.cells {
		from := len(all)
		for _, o := range offsets {
			x, inX := off(cell%g.conf.Width+o.dx, g.conf.Width)
			y, inY := off(cell/g.conf.Width+o.dy, g.conf.Height)
			if inX && inY {
				all = append(all, int32(y*g.conf.Width+x))
			}
		}
		g.neighbours[cell] = all[from:len(all):len(all)]
	}
}

func (g *gridGame) Step(_ context.Context, tick int, actions []Action) (Stepped, error) {
	if err := inOrder(tick, g.next); err != nil {
		return Stepped{}, err
	}
	next := slices.Clone(g.cells)
	err := g.take(actions, func(who int, action []byte) string {
		move, why := g.stage.read(action)
		next[g.cellOf[who]] = uint8(move)
		return why
	})
	if err != nil {
		return Stepped{}, err
	}
	stepped := Stepped{Columns: g.columns(), Scores: g.score()}
	g.cells = next
	g.next++
	g.play()
	stepped.Observations = g.observe()
	return stepped, nil
}

// play works out what each cell gets in the present generation. Opponents are
// counted by move first, so that cells with the same opponents get the same
// number to the bit, in whatever order they stand.
func (g *gridGame) play() {
	moves := len(g.stage.moves)
	var count [maxMoves]int
	for cell, mine := range g.cells {
		clear(count[:moves])
		for _, n := range g.neighbours[cell] {
			count[g.cells[n]]++
		}
		if g.conf.Self {
			count[mine]++
		}
		sum := 0.0
		for theirs, pay := range g.stage.pays[int(mine)*moves : (int(mine)+1)*moves] {
			sum += float64(count[theirs]) * pay
		}
		g.payoff[cell] = sum
	}
}

// columns counts the generation that was observed.
func (g *gridGame) columns() []Column {
	var count [maxMoves]int
	for _, move := range g.cells {
		count[move]++
	}
	columns := make([]Column, len(g.counts))
	for i, c := range g.counts {
		columns[i] = Column{Name: c.column, Value: strconv.AppendInt(nil, int64(count[c.move]), 10)}
	}
	return columns
}

// score adds up the generation that was observed.
func (g *gridGame) score() []Score {
	if !g.conf.Scores {
		return nil
	}
	scores := make([]Score, 0, len(g.ids))
	for who, id := range g.ids {
		cell := g.cellOf[who]
		if g.payoff[cell] == 0 && g.next > 0 {
			continue
		}
		g.totals[cell] += g.payoff[cell]
		scores = append(scores, Score{Agent: id, Value: appendNumber(nil, g.totals[cell])})
	}
	return scores
}

// observe tells each cell that has not ended its neighbourhood. A payoff's
// text is made once and copied from then on; all observations lie in one piece
// of memory.
func (g *gridGame) observe() []Observation {
	texts := make([]byte, 0, 8*len(g.cells))
	text := make([][]byte, len(g.cells))
	for cell, payoff := range g.payoff {
		from := len(texts)
		texts = appendNumber(texts, payoff)
		text[cell] = texts[from:len(texts):len(texts)]
	}
	buf := make([]byte, 0, g.typical+g.typical/16)
	observations := make([]Observation, 0, len(g.ids))
	for who, id := range g.ids {
		g.asked[who] = !g.gone[who]
		if g.gone[who] {
			continue
		}
		from := len(buf)
		buf = g.appendObservation(buf, g.cellOf[who], text)
		observations = append(observations, Observation{Agent: id, JSON: buf[from:len(buf):len(buf)]})
	}
	g.typical = len(buf)
	return observations
}

func (g *gridGame) appendObservation(b []byte, cell int, payoffs [][]byte) []byte {
	b = append(b, `{"move":`...)
	b = append(b, g.stage.quoted[g.cells[cell]]...)
	b = append(b, `,"payoff":`...)
	b = append(b, payoffs[cell]...)
	b = append(b, `,"neighbours":{"moves":[`...)
	for i, n := range g.neighbours[cell] {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, g.stage.quoted[g.cells[n]]...)
	}
	b = append(b, `],"payoffs":[`...)
	for i, n := range g.neighbours[cell] {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, payoffs[n]...)
	}
	return append(b, `]}}`...)
}
