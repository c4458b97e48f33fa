package world

import (
	"context"
)

// A matrixState is a matrix-game between two ticks.
type matrixState struct {
	Tick    int                    `json:"tick"` // the next one
	Gone    []string               `json:"gone,omitempty"`
	Players map[string]playerState `json:"players"`
}

type playerState struct {
	Last  int   `json:"last"`            // its move by number; -1 for none
	Match []int `json:"match,omitempty"` // pairs of moves and how often each was played: number, times, number, times, …
	All   []int `json:"all,omitempty"`
}

// Snapshot is Snapshotter's.
func (g *matrixGame) Snapshot(context.Context) ([]byte, error) {
	state := matrixState{Tick: g.next, Gone: g.departed(), Players: make(map[string]playerState, len(g.players))}
	for i := range g.players {
		p := &g.players[i]
		state.Players[g.ids[i]] = playerState{Last: p.last, Match: tally(p.match), All: tally(p.all)}
	}
	return writeState(state)
}

// restore brings a game that is set up to where a state says it was.
func (g *matrixGame) restore(init Init) error {
	var state matrixState
	if err := readState(init, &state); err != nil {
		return err
	}
	if err := sameTick(init, state.Tick); err != nil {
		return err
	}
	if state.Tick > g.ticks {
		return badState("it is of tick %d of a game of %d", state.Tick, g.ticks)
	}
	if len(state.Players) != len(g.players) {
		return badState("it has %d players where %d play", len(state.Players), len(g.players))
	}
	if err := g.depart(state.Gone); err != nil {
		return err
	}
	for i := range g.players {
		p := &g.players[i]
		was, ok := state.Players[g.ids[i]]
		if !ok {
			return badState("it lacks player %s", g.ids[i])
		}
		if was.Last < -1 || was.Last >= len(g.stage.moves) || !untally(p.match, was.Match) || !untally(p.all, was.All) {
			return badState("what it says of player %s is none of a game of %d moves", g.ids[i], len(g.stage.moves))
		}
		p.last = was.Last
		if p.told = state.Tick > 0; p.told {
			p.score = g.stage.total(p.all)
		}
	}
	g.next = state.Tick
	return nil
}

// tally lists which counts are not 0, and what they are.
func tally(counts []int) []int {
	var list []int
	for i, n := range counts {
		if n != 0 {
			list = append(list, i, n)
		}
	}
	return list
}

// untally fills in what tally listed, and says whether it could be.
func untally(counts, list []int) bool {
	for ; len(list) > 1; list = list[2:] {
		if list[0] < 0 || list[0] >= len(counts) || list[1] < 0 {
			return false
		}
		counts[list[0]] = list[1]
	}
	return len(list) == 0
}
