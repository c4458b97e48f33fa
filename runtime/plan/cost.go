package plan

import (
	"fmt"
	"strconv"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/price"
	"github.com/troupe-dev/troupe/runtime/world"
)

// Assumptions are what an estimate takes for granted, of every agent alike.
type Assumptions struct {
	Turns    int `json:"turns,omitempty"` // 0: as many as world, clock and limits allow
	Requests int `json:"requests"`        // of the model, a turn: a reply or a call of tools each
	Message  int `json:"message"`         // tokens that a request adds: what is observed, or what a tool said
	Answer   int `json:"answer"`          // tokens that the model says to a request
	Window   int `json:"window"`          // tokens of a prompt at which a tool begins its conversation anew
}

// Usual is what is assumed where nothing else is said: an action handed in by a tool
// call, and a word about it.
var Usual = Assumptions{Requests: 2, Message: 500, Answer: 300, Window: 160_000}

// An Estimate is what a plan's models may cost.
type Estimate struct {
	Assumed  Assumptions `json:"assumed"`
	Entries  []EntryCost `json:"entries"` // those that have models
	USD      Dollars     `json:"usd"`
	Uncached Dollars     `json:"usd_without_cache"`
	Limits   []LimitCost `json:"limits,omitempty"`
	Notes    []string    `json:"notes,omitempty"` // what was not known, and what is taken in its place
}

// An EntryCost is what all agents of an entry cost together.
type EntryCost struct {
	ID     string `json:"id"`
	Kind   string `json:"kind"`
	Model  string `json:"model,omitempty"` // empty for one that only a program knows
	Agents int    `json:"agents"`
	Turns  int    `json:"turns"` // of the agent that has the most
	Known  bool   `json:"turns_known"`
	// Input are the tokens that were not in the cache, those that are written to it
	// among them.
	Input    int64   `json:"input_tokens"`
	Cached   int64   `json:"cached_tokens"` // read from the cache
	Output   int64   `json:"output_tokens"`
	USD      Dollars `json:"usd"`
	Uncached Dollars `json:"usd_without_cache"` // the same if no token were read from the cache
}

// A LimitCost is a limit on money beside what it is to last for.
type LimitCost struct {
	Of     string  `json:"of"` // run, an entry's id (each of its agents), or budget and its name
	USD    Dollars `json:"usd"`
	Needed Dollars `json:"needed"`
	// Reached is the turn in which the limit is passed; 0 where it lasts.
	Reached int `json:"reached_in_turn,omitempty"`
	Turns   int `json:"turns"` // that Needed is for
}

// Dollars are an amount that JSON shows as a number of dollars.
type Dollars agent.USD

// MarshalJSON writes a number of dollars.
func (d Dollars) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, agent.USD(d).Dollars(), 'f', -1, 64), nil
}

// String is the amount in cents, or in hundredths of one where it is below a dollar.
func (d Dollars) String() string {
	digits := 2
	if d < Dollars(agent.Dollar) {
		digits = 4
	}
	return "$" + strconv.FormatFloat(agent.USD(d).Dollars(), 'f', digits, 64)
}

// Cost estimates what the plan's models cost before anything is spent.
func (p *Plan) Cost(a Assumptions) (*Estimate, error) {
	prices := price.List()
	if p.Gateway != nil {
		var err error
		if prices, err = p.Gateway.Table(); err != nil {
			return nil, err
		}
	}
	c := &costing{plan: p, prices: prices, out: &Estimate{Assumed: a, Entries: []EntryCost{}}}
	var err error
	if c.world, err = p.lasting(); err != nil {
		return nil, fmt.Errorf("cannot estimate how long the world lasts: %w", err)
	}
	for i := range p.Entries {
		if err := c.entry(i); err != nil {
			return nil, fmt.Errorf("cannot estimate what %s costs: %w", p.Entries[i].ID, err)
		}
	}
	c.limits()
	return c.out, nil
}

// lasting is the plan's world, where its config says how long the game is; nil where
// that is not known, or in realtime, where agents have turns beside it.
func (p *Plan) lasting() (world.Lasting, error) {
	if p.World.Kind == "" || p.Clock.Mode != Lockstep {
		return nil, nil
	}
	w, err := world.New(p.World.Kind, p.World.Config)
	if err != nil {
		return nil, err
	}
	if l, ok := w.(world.Lasting); ok {
		return l, p.begin(w, p.World.Config)
	}
	return nil, nil
}
