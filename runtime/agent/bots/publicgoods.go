package bots

import (
	"errors"
	"math"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// A purse is what a player of the world public-goods goes by.
type purse struct {
	Players   int `json:"players"`
	Endowment int `json:"endowment"`
	Last      *struct {
		Contribution int `json:"contribution"`
		Pot          int `json:"pot"`
	} `json:"last"` // null in the first round
}

type contribution struct {
	Contribution int `json:"contribution"`
}

func altruist(p *purse) int { return p.Endowment }
func freeRider(*purse) int  { return 0 }

// conditionalCooperator gives all in the first round, and from then on what
// the others gave on average in the round before, rounded (Fischbacher, Gächter
// and Fehr, Are people conditionally cooperative?, Economics Letters 71, 2001).
func conditionalCooperator(p *purse) int {
	if p.Last == nil || p.Players < 2 {
		return p.Endowment
	}
	mean := float64(p.Last.Pot-p.Last.Contribution) / float64(p.Players-1)
	return min(max(int(math.Round(mean)), 0), p.Endowment) // somebody may have left
}

// gives makes players who give by what they observe alone.
func gives(decide func(p *purse) int) maker {
	play := agent.PlayerFunc(func(o agent.Observation) agent.Reply {
		var p purse
		if err := o.Unmarshal(&p); err != nil {
			return o.Fail(err)
		}
		if p.Endowment < 1 {
			return o.Fail(errors.New("cannot give: the observation has no endowment"))
		}
		return o.Act(contribution{decide(&p)})
	})
	return func(agent.Start) (agent.Player, error) { return play, nil }
}
