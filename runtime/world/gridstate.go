package world

import (
	"context"
	"strings"
)

// A gridState is a grid-game between two ticks.
type gridState struct {
	Tick  int      `json:"tick"` // the next one
	Gone  []string `json:"gone,omitempty"`
	Cells string   `json:"cells"` // a letter a cell, row by row: that of its move's number
	// Totals are the scores, row by row, where scores are kept.
	Totals []float64 `json:"totals,omitempty"`
}

// moveLetters are the letters of moves, by number.
const moveLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// Snapshot is Snapshotter's.
func (g *gridGame) Snapshot(context.Context) ([]byte, error) {
	state := gridState{Tick: g.next, Gone: g.departed()}
	cells := make([]byte, len(g.cells))
	for i, move := range g.cells {
		cells[i] = moveLetters[move]
	}
	state.Cells = string(cells)
	if g.conf.Scores {
		state.Totals = g.totals
	}
	return writeState(state)
}

// restore brings a grid that is set up to where a state says it was.
func (g *gridGame) restore(init Init) error {
	var state gridState
	if err := readState(init, &state); err != nil {
		return err
	}
	if err := sameTick(init, state.Tick); err != nil {
		return err
	}
	if len(state.Cells) != len(g.cells) {
		return badState("it has %d cells where the grid has %d", len(state.Cells), len(g.cells))
	}
	for i := range g.cells {
		move := strings.IndexByte(moveLetters, state.Cells[i])
		if move < 0 || move >= len(g.stage.moves) {
			return badState("cell %d makes move %q of a game of %d moves", i, state.Cells[i:i+1], len(g.stage.moves))
		}
		g.cells[i] = uint8(move)
	}
	if g.conf.Scores {
		if len(state.Totals) != len(g.totals) {
			return badState("it has %d scores where the grid has %d cells", len(state.Totals), len(g.totals))
		}
		copy(g.totals, state.Totals)
	}
	g.next = state.Tick
	return g.depart(state.Gone)
}
