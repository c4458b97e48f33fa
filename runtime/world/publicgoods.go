package world

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// PublicGoodsConfig is the config of the world public-goods: a linear public
// goods game, repeated with the same players. In each round everybody has an
// endowment e and contributes c of it to a pot that all of them share: it is
// multiplied by m and divided among the n who play, so that a round pays
// e − c + (m/n)Σc. A round is a tick.
//
// An agent observes
//
//	{"round":2,"rounds":20,"players":10,"endowment":20,"multiplier":1.6,"last":{"contribution":5,"pot":80,"payoff":27.8},"score":47.8}
//
// where round counts from 1; last is of the round before, null in the first;
// pot is what all contributed to it; score is the agent's total. It answers
// {"contribution":5}, a whole number from 0 to its endowment. One that fails
// contributes nothing, and has its share like all. One that ended plays no
// more: the rounds after that are of those who are left.
//
// Scores are totals over all rounds. The column contributed is what all gave in
// the tick.
type PublicGoodsConfig struct {
	// Rounds is how many there are.
	Rounds int `json:"rounds" required:"true"`
	// Endowment is what each player has in a round; 20 if not given.
	Endowment int `json:"endowment"`
	// Multiplier is what the pot is multiplied by; 1.6 if not given. Between 1
	// and the number of players all do best if all give, and each if it does not.
	Multiplier float64 `json:"multiplier"`
}

// The bounds keep totals to what a float64 counts exactly, but for fractions.
const (
	maxEndowment  = 1e6
	maxMultiplier = 1e3
)

var publicGoodsKind = kind{
	open: openPublicGoods,
	example: example{
		config:  `{"rounds":4,"endowment":10,"multiplier":1.5}`,
		agents:  []string{"ann", "bob", "cleo", "dan"},
		actions: []string{`{"contribution":10}`, `{"contribution":0}`, `{"contribution":7,"why":"to win"}`, `{"contribution":3.0}`},
		garbage: []string{
			`null`, `7`, `"7"`, `[7]`, `{}`, `{"contribution":null}`, `{"contribution":"7"}`, `{"contribution":-1}`,
			`{"contribution":11}`, `{"contribution":0.5}`, `{"Contribution":7}`, `{"contribution":1e300}`,
		},
	},
}

type publicGoods struct {
	conf PublicGoodsConfig

	*roster
	givers []giver // like the roster
	pot    int     // of the last round, as are those who played it
	played int
	pots   []int // what was given in all rounds, by how many played
	next   int
}

// A giver is one agent's standing.
type giver struct {
	Gave int `json:"gave"` // in the last round
	Kept int `json:"kept"` // in all rounds
}

func openPublicGoods(config []byte) (World, error) {
	g := &publicGoods{conf: PublicGoodsConfig{Endowment: 20, Multiplier: 1.6}}
	errs, err := decodeConfig(config, &g.conf)
	if err != nil {
		return nil, err
	}
	if g.conf.Rounds < 1 || g.conf.Rounds > maxRounds {
		errs.add("rounds", "%d is not between 1 and %d", g.conf.Rounds, int(maxRounds))
	}
	if g.conf.Endowment < 1 || g.conf.Endowment > maxEndowment {
		errs.add("endowment", "%d is not between 1 and %d", g.conf.Endowment, int(maxEndowment))
	}
	if g.conf.Multiplier < 0 || g.conf.Multiplier > maxMultiplier {
		errs.add("multiplier", "%v is not between 0 and %v", g.conf.Multiplier, maxMultiplier)
	}
	return g, errs.err()
}

// Turns are the rounds.
func (g *publicGoods) Turns(string) int { return g.conf.Rounds }

// Noop is to contribute nothing.
func (g *publicGoods) Noop() []byte { return []byte(`{"contribution":0}`) }

func (g *publicGoods) Start(_ context.Context, init Init) (Ready, error) {
	var err error
	if g.roster, err = newRoster(init.Agents); err != nil {
		return Ready{}, err
	}
	g.givers, g.pots = make([]giver, len(g.ids)), make([]int, len(g.ids)+1)
	if len(init.State) > 0 {
		if err := g.restore(init); err != nil {
			return Ready{}, err
		}
	}
	schema := fmt.Appendf(nil, `{"type":"object","required":["contribution"],"properties":{"contribution":{"type":"integer","minimum":0,"maximum":%d}}}`, g.conf.Endowment)
	return Ready{Observations: g.observe(), ActionSchemas: map[string][]byte{"*": schema}, Noop: g.Noop()}, nil
}

func (g *publicGoods) Step(_ context.Context, tick int, actions []Action) (Stepped, error) {
	if err := inOrder(tick, g.next); err != nil {
		return Stepped{}, err
	}
	gave := make([]int, len(g.givers))
	err := g.take(actions, func(who int, action []byte) (why string) {
		gave[who], why = g.read(action)
		return why
	})
	if err != nil {
		return Stepped{}, err
	}
	g.next++
	stepped := Stepped{Scores: g.pay(gave)}
	stepped.Columns = []Column{{Name: "contributed", Value: strconv.AppendInt(nil, int64(g.pot), 10)}}
	stepped.Observations = g.observe()
	stepped.Done = len(stepped.Observations) == 0
	return stepped, nil
}

// read takes the contribution out of an action. The text is empty, or says why
// the action is refused.
func (g *publicGoods) read(action []byte) (gave int, why string) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(action, &fields); err != nil || fields == nil {
		return 0, "the action is no object; " + g.legal()
	}
	raw, ok := fields["contribution"]
	if !ok {
		return 0, "the action has no contribution; " + g.legal()
	}
	var n *float64
	if err := json.Unmarshal(raw, &n); err != nil || n == nil || *n != math.Trunc(*n) || *n < 0 || *n > float64(g.conf.Endowment) {
		return 0, fmt.Sprintf("contribution is %s; %s", shorten(string(raw)), g.legal())
	}
	return int(*n), ""
}

func (g *publicGoods) legal() string {
	return fmt.Sprintf(`want {"contribution": C} with C a whole number from 0 to %d`, g.conf.Endowment)
}

// pay plays a round with those who are there, and names the totals that changed.
func (g *publicGoods) pay(gave []int) []Score {
	before := g.shares()
	g.pot, g.played = 0, g.players()
	for who := range g.givers {
		if !g.gone[who] {
			g.pot += gave[who]
		}
	}
	g.pots[g.played] += g.pot
	after := g.shares()
	scores := make([]Score, 0, g.played)
	for who := range g.givers {
		if g.gone[who] {
			continue
		}
		p := &g.givers[who]
		was := float64(p.Kept) + before
		p.Gave = gave[who]
		p.Kept += g.conf.Endowment - p.Gave
		if now := float64(p.Kept) + after; now != was || g.next == 1 {
			scores = append(scores, Score{Agent: g.ids[who], Value: appendNumber(nil, now)})
		}
	}
	return scores
}

// players counts those who are there.
func (g *publicGoods) players() int {
	n := 0
	for _, gone := range g.gone {
		if !gone {
			n++
		}
	}
	return n
}

// shares is what each of those who are there had from all pots. It is worked
// out from whole numbers, so that fractions do not add up to something else.
func (g *publicGoods) shares() float64 {
	sum := 0.0
	for players, pot := range g.pots {
		if pot > 0 {
			sum += g.share(pot, players)
		}
	}
	return sum
}

func (g *publicGoods) share(pot, players int) float64 {
	return g.conf.Multiplier * float64(pot) / float64(players)
}

// observe tells each player that has not ended where it stands.
func (g *publicGoods) observe() []Observation {
	players, shares := g.players(), g.shares()
	observations := make([]Observation, 0, players)
	for who, id := range g.ids {
		g.asked[who] = !g.gone[who] && g.next < g.conf.Rounds
		if g.asked[who] {
			observations = append(observations, Observation{Agent: id, JSON: g.observation(&g.givers[who], players, shares)})
		}
	}
	return observations
}

func (g *publicGoods) observation(p *giver, players int, shares float64) []byte {
	b := fmt.Appendf(nil, `{"round":%d,"rounds":%d,"players":%d,"endowment":%d,"multiplier":`, g.next+1, g.conf.Rounds, players, g.conf.Endowment)
	b = append(appendNumber(b, g.conf.Multiplier), `,"last":`...)
	if g.next == 0 {
		b = append(b, `null`...)
	} else {
		b = fmt.Appendf(b, `{"contribution":%d,"pot":%d,"payoff":`, p.Gave, g.pot)
		b = append(appendNumber(b, float64(g.conf.Endowment-p.Gave)+g.share(g.pot, g.played)), '}')
	}
	return append(appendNumber(append(b, `,"score":`...), float64(p.Kept)+shares), '}')
}
