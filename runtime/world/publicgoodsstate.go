package world

import "context"

// A publicGoodsState is a public-goods game between two ticks.
type publicGoodsState struct {
	Tick   int              `json:"tick"` // the next one
	Gone   []string         `json:"gone,omitempty"`
	Pot    int              `json:"pot"`
	Played int              `json:"played"`
	Pots   []int            `json:"pots,omitempty"` // players, sum of pots, players, …
	Givers map[string]giver `json:"givers"`
}

// Snapshot is Snapshotter's.
func (g *publicGoods) Snapshot(context.Context) ([]byte, error) {
	state := publicGoodsState{Tick: g.next, Gone: g.departed(), Pot: g.pot, Played: g.played, Pots: tally(g.pots), Givers: make(map[string]giver, len(g.ids))}
	for who, p := range g.givers {
		state.Givers[g.ids[who]] = p
	}
	return writeState(state)
}

// restore brings a game that is set up to where a state says it was.
func (g *publicGoods) restore(init Init) error {
	var state publicGoodsState
	if err := readState(init, &state); err != nil {
		return err
	}
	if err := sameTick(init, state.Tick); err != nil {
		return err
	}
	if state.Tick > g.conf.Rounds {
		return badState("it is of tick %d of a game of %d", state.Tick, g.conf.Rounds)
	}
	if len(state.Givers) != len(g.ids) {
		return badState("it has %d players where %d play", len(state.Givers), len(g.ids))
	}
	for who, id := range g.ids {
		was, ok := state.Givers[id]
		if !ok {
			return badState("it lacks player %s", id)
		}
		if was.Gave < 0 || was.Gave > g.conf.Endowment {
			return badState("player %s gave %d of %d", id, was.Gave, g.conf.Endowment)
		}
		g.givers[who] = was
	}
	if state.Played < 0 || state.Played > len(g.ids) || state.Pot < 0 || !untally(g.pots, state.Pots) || g.pots[0] != 0 {
		return badState("a pot of %d of %d players, after %v, is none of %d players", state.Pot, state.Played, state.Pots, len(g.ids))
	}
	g.next, g.pot, g.played = state.Tick, state.Pot, state.Played
	return g.depart(state.Gone)
}
