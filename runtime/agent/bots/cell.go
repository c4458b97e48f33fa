package bots

import (
	"bytes"
	"encoding/json"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// A cell of the world grid-game imitates the best: it takes over the move of
// whoever did best in its neighbourhood, itself included. A tie with one that
// makes its own move lets it keep that.
type cell struct {
	seen neighbourhood // used again for each observation

	// Most of a grid stands still most of the time: the last observation and
	// the answer to it save reading the same one again.
	last   []byte
	answer json.RawMessage
}

type neighbourhood struct {
	Move       json.RawMessage `json:"move"`
	Payoff     float64         `json:"payoff"`
	Neighbours struct {
		Moves   []json.RawMessage `json:"moves"`
		Payoffs []float64         `json:"payoffs"`
	} `json:"neighbours"`
}

// newCell makes a cell. Its answers depend on nothing but what it is shown.
func newCell(agent.Start) (agent.Player, error) { return &cell{}, nil }

// Snapshot is agent.Keeper's: what it remembers only saves time.
func (c *cell) Snapshot() (any, error) { return nil, nil }

func (c *cell) Play(o agent.Observation) agent.Reply {
	if len(c.last) > 0 && bytes.Equal(o.Observation, c.last) {
		return o.Act(c.answer)
	}
	if err := o.Unmarshal(&c.seen); err != nil {
		return o.Fail(err)
	}
	c.last = append(c.last[:0], o.Observation...)
	c.answer = append(append(append(c.answer[:0], `{"move":`...), c.seen.best()...), '}')
	return o.Act(c.answer)
}

// best is the move that did best, as it stands in the observation.
func (n *neighbourhood) best() []byte {
	own := string(n.Move)
	move, most := n.Move, n.Payoff
	for i, payoff := range n.Neighbours.Payoffs[:min(len(n.Neighbours.Payoffs), len(n.Neighbours.Moves))] {
		other := n.Neighbours.Moves[i]
		if payoff > most || payoff == most && string(other) == own {
			move, most = other, payoff
		}
	}
	return move
}
