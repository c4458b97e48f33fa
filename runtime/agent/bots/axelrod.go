package bots

import (
	"encoding/json"
	"math/rand/v2"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// A strategy decides whether to cooperate in a turn of the world matrix-game,
// by what happened in the match so far.
type strategy func(m *match) bool

// A match is what a player remembers of the match that it is in. A move that
// an opponent forfeited is neither a defection nor a cooperation.
type match struct {
	turn int
	rand *rand.Rand
	tally
}

// A tally is what has to be remembered of a match from turn to turn.
type tally struct {
	Mine         string `json:"mine,omitempty"` // of the last turn: C, D or none
	Theirs       string `json:"theirs,omitempty"`
	Before       string `json:"before,omitempty"`       // theirs in the turn before that
	Cooperations int    `json:"cooperations,omitempty"` // of the opponent
	Defections   int    `json:"defections,omitempty"`
}

func alternator(m *match) bool          { return m.turn%2 == 0 }
func cooperator(*match) bool            { return true }
func defector(*match) bool              { return false }
func goByMajority(m *match) bool        { return m.Cooperations >= m.Defections }
func grudger(m *match) bool             { return m.Defections == 0 }
func random(m *match) bool              { return m.rand.IntN(2) == 0 }
func suspiciousTitForTat(m *match) bool { return m.turn > 0 && m.Theirs != "D" }
func titForTat(m *match) bool           { return m.Theirs != "D" }
func titForTwoTats(m *match) bool       { return m.Theirs != "D" || m.Before != "D" }

// winStayLoseShift repeats its move where the opponent cooperated, and changes
// it where it did not.
func winStayLoseShift(m *match) bool { return (m.Mine != "D") == (m.Theirs != "D") }

// The two answers, encoded once.
var (
	cooperate = json.RawMessage(`{"move":"C"}`)
	defect    = json.RawMessage(`{"move":"D"}`)
)

// plays makes players of a strategy.
func plays(decide strategy) maker {
	return func(s agent.Start) (agent.Player, error) {
		p := &player{decide: decide, match: match{rand: s.Rand}}
		return p, s.Restore(&p.match.tally)
	}
}

type player struct {
	decide strategy
	match  match
}

// Snapshot is agent.Keeper's.
func (p *player) Snapshot() (any, error) { return p.match.tally, nil }

func (p *player) Play(o agent.Observation) agent.Reply {
	var seen struct {
		Turn int
		Last *struct{ You, Opponent string } // null before the first turn, and what was forfeited in it too
	}
	if err := o.Unmarshal(&seen); err != nil {
		return o.Fail(err)
	}
	m := &p.match
	if seen.Turn == 0 {
		*m = match{rand: m.rand}
	}
	m.turn = seen.Turn
	if seen.Last != nil && o.Attempt == 1 { // asked again, it has counted this turn already
		m.Before, m.Mine, m.Theirs = m.Theirs, seen.Last.You, seen.Last.Opponent
		switch m.Theirs {
		case "C":
			m.Cooperations++
		case "D":
			m.Defections++
		}
	}
	if p.decide(m) {
		return o.Act(cooperate)
	}
	return o.Act(defect)
}
