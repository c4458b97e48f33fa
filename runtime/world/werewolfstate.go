package world

import (
	"context"
	"slices"
)

// A werewolfState is the world between two ticks. Names are drawn by the seed,
// and drawn again.
type werewolfState struct {
	Tick      int            `json:"tick"` // the next one
	Gone      []string       `json:"gone,omitempty"`
	Ended     int            `json:"ended"`
	WolvesWon int            `json:"wolves_won"`
	Wins      []int          `json:"wins"` // by agent's id
	Villages  []villageState `json:"villages"`
}

// A villageState is a village, by name. Players are numbered by their names.
type villageState struct {
	Closed   bool         `json:"closed,omitempty"`
	Game     int          `json:"game"`
	Day      int          `json:"day"`
	Night    bool         `json:"night,omitempty"`
	Step     int          `json:"step"`
	Dead     []deathState `json:"dead,omitempty"`
	Said     []string     `json:"said"`
	Votes    []int        `json:"votes,omitempty"`
	Previous string       `json:"previous,omitempty"`
}

type deathState struct {
	Player int    `json:"player"`
	Day    int    `json:"day"`
	How    string `json:"how"`
}

// Snapshot is Snapshotter's.
func (w *werewolf) Snapshot(context.Context) ([]byte, error) {
	state := werewolfState{Tick: w.next, Gone: w.departed(), Ended: w.ended, WolvesWon: w.wolvesWon, Wins: w.wins}
	for _, v := range w.villages {
		s := villageState{
			Closed: v.closed, Game: v.number, Day: v.day, Night: v.night, Step: v.step,
			Said: v.said, Votes: v.votes, Previous: v.previous,
		}
		for _, d := range v.dead {
			s.Dead = append(s.Dead, deathState{d.place, d.day, d.how})
		}
		state.Villages = append(state.Villages, s)
	}
	return writeState(state)
}

// restore brings a world that is set up to where a state says it was.
func (w *werewolf) restore(init Init) error {
	var state werewolfState
	if err := readState(init, &state); err != nil {
		return err
	}
	if err := sameTick(init, state.Tick); err != nil {
		return err
	}
	if len(state.Wins) != len(w.ids) || len(state.Villages) != len(w.villages) {
		return badState("it has %d players in %d villages where %d play in %d", len(state.Wins), len(state.Villages), len(w.ids), len(w.villages))
	}
	if err := w.depart(state.Gone); err != nil {
		return err
	}
	w.next, w.ended, w.wolvesWon, w.wins = state.Tick, state.Ended, state.WolvesWon, state.Wins
	w.told = state.Tick > 0
	for i, v := range w.villages {
		if err := w.restoreVillage(v, &state.Villages[i]); err != nil {
			return err
		}
	}
	return nil
}

func (w *werewolf) restoreVillage(v *village, s *villageState) error {
	n := len(v.homes)
	outside := func(place int) bool { return place < 0 || place >= n }
	bad := s.Game < 1 || s.Game > w.conf.Games || s.Day < 1 || s.Day > n || s.Step < 0 || s.Step > w.conf.Talk ||
		len(s.Said) != n || s.Votes != nil && len(s.Votes) != n ||
		s.Previous != "" && !slices.Contains(sideNames[:], s.Previous) ||
		slices.ContainsFunc(s.Votes, func(place int) bool { return place != -1 && outside(place) }) ||
		slices.ContainsFunc(s.Dead, func(d deathState) bool { return outside(d.Player) })
	if bad {
		return badState("what it says of village %s is none of a game of %d players", v.name, n)
	}
	w.begin(v, s.Game)
	v.closed, v.day, v.night, v.step = s.Closed, s.Day, s.Night, s.Step
	v.said, v.votes, v.previous = s.Said, s.Votes, s.Previous
	for _, d := range s.Dead {
		v.dead = append(v.dead, death{d.Player, d.Day, d.How})
		v.living[d.Player] = false
	}
	if _, over := v.winner(); over != v.closed {
		return badState("what it says of village %s is no game that goes on", v.name)
	}
	return nil
}
