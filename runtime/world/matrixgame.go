package world

import (
	"context"
	"slices"
	"strconv"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// MatrixGameConfig is the config of the world matrix-game: a symmetric game of
// two players, repeated for a match of many turns, in a round robin without
// self-play. The matches of a round are played side by side, a turn a tick; an
// agent is in one match at a time. With an odd number of players each has a
// bye in one round: no observation, no action. The world is done after the
// last match.
//
// An agent observes
//
//	{"match":0,"turn":1,"turns":200,"opponent":"bob","last":{"you":"C","opponent":"D"},"score":{"you":0,"opponent":5}}
//
// where match is the number of the round and turn that of the match's turn,
// both from 0; last is null at turn 0; score is of this match. It answers
// {"move":"C"}. An agent that fails forfeits the turn: both get nothing for
// it, and its move is shown as null. One that ended forfeits all its turns.
//
// Scores are totals over all matches. Columns: for each move, named like it,
// how many played it in the tick.
type MatrixGameConfig struct {
	// Moves are the names of the moves, 2 to 64: [C, D].
	Moves []string `json:"moves" required:"true"`
	// Payoffs say what a pair of moves pays the one who made the first of
	// them: {CC: 3, CD: 0, DC: 5, DD: 1}. Every pair is there.
	Payoffs Payoffs `json:"payoffs" required:"true"`
	// Turns are played in each match; 200 if not given.
	Turns int `json:"turns"`
	// Groups each play a round robin of their own, all side by side: a name,
	// and the patterns of the ids of those in it. Every agent is in exactly
	// one. Without groups all play all.
	Groups map[string][]string `json:"groups"`
	// Noop is the move that the policy noop makes; none if not given.
	Noop string `json:"noop"`
}

const maxTurns = 1e6

var matrixGameKind = kind{
	open: openMatrixGame,
	example: example{
		config:  `{"moves":["D","C"],"payoffs":{"CC":3,"CD":0,"DC":5,"DD":1},"turns":3,"noop":"C","groups":{"a":["a-*"],"b":["b-*"]}}`,
		agents:  []string{"a-1", "a-10", "a-2", "a-3", "a-4", "b-1", "b-2"},
		actions: []string{`{"move":"C"}`, `{"move":"D"}`, `{"move":"D","why":"to win"}`},
		garbage: []string{`null`, `7`, `"C"`, `["C"]`, `{}`, `{"move":null}`, `{"move":"c"}`, `{"Move":"C"}`, `{"move":["C"]}`},
	},
}

type matrixGame struct {
	conf  MatrixGameConfig
	stage stage
	noop  []byte

	*roster
	players []player // like the roster
	groups  []robin
	ticks   int // of the whole game
	next    int
}

// A player is one agent's standing.
type player struct {
	opponent int   // in the match under way; -1 for none
	last     int   // its move of the last tick; -1 for none
	match    []int // pairs of moves played in this match, by mine*moves+theirs
	all      []int // the same over all matches
	told     bool  // its score was named once
	score    float64
}

func openMatrixGame(config []byte) (World, error) {
	g := &matrixGame{conf: MatrixGameConfig{Turns: 200}}
	errs, err := decodeConfig(config, &g.conf)
	if err != nil {
		return nil, err
	}
	g.stage = newStage(g.conf.Moves, g.conf.Payoffs, &errs)
	if g.conf.Turns < 1 || g.conf.Turns > maxTurns {
		errs.add("turns", "%d is not between 1 and %d", g.conf.Turns, int(maxTurns))
	}
	for _, name := range sortedKeys(g.conf.Groups) {
		if len(g.conf.Groups[name]) == 0 {
			errs.add("groups."+name, "an empty list; patterns of agent ids are wanted")
		}
	}
	if g.conf.Noop != "" {
		move, ok := g.stage.index(g.conf.Noop)
		if !ok {
			errs.add("noop", "%q is none of the moves", g.conf.Noop)
		} else if len(errs) == 0 {
			g.noop = g.stage.action(move)
		}
	}
	return g, errs.err()
}

// Noop is the configured action that does nothing, nil for none.
func (g *matrixGame) Noop() []byte { return g.noop }

// Turns are those of an agent's matches with all others of its group.
func (g *matrixGame) Turns(agent string) int {
	who, ok := g.index[agent]
	for i := range g.groups {
		if ok && slices.Contains(g.groups[i].seats, who) {
			return g.groups[i].others() * g.conf.Turns
		}
	}
	return 0
}

func (g *matrixGame) Start(_ context.Context, init Init) (Ready, error) {
	var err error
	if g.roster, err = newRoster(init.Agents); err != nil {
		return Ready{}, err
	}
	if g.groups, err = groupUp(g.conf.Groups, g.ids); err != nil {
		return Ready{}, err
	}
	pairs := len(g.stage.pays)
	g.players = make([]player, len(g.ids))
	counts := make([]int, 2*pairs*len(g.ids))
	for i := range g.players {
		g.players[i].match, counts = counts[:pairs:pairs], counts[pairs:]
		g.players[i].all, counts = counts[:pairs:pairs], counts[pairs:]
	}
	for i := range g.groups {
		g.ticks = max(g.ticks, g.groups[i].rounds()*g.conf.Turns)
	}
	for i := range g.players {
		g.players[i].last = -1
	}
	if len(init.State) > 0 {
		if err := g.restore(init); err != nil {
			return Ready{}, err
		}
	}
	g.pair()
	return Ready{Observations: g.observe(), ActionSchemas: g.stage.schema(), Noop: g.noop}, nil
}

func (g *matrixGame) Step(_ context.Context, tick int, actions []Action) (Stepped, error) {
	if err := inOrder(tick, g.next); err != nil {
		return Stepped{}, err
	}
	moves := make([]int, len(g.players))
	for i := range moves {
		moves[i] = -1
	}
	err := g.take(actions, func(who int, action []byte) (why string) {
		moves[who], why = g.stage.read(action)
		return why
	})
	if err != nil {
		return Stepped{}, err
	}
	counts := make([]int, len(g.stage.moves))
	for i := range g.players {
		g.play(i, moves, counts)
	}
	stepped := Stepped{Scores: g.scores(), Columns: g.stage.columns(counts)}
	g.next++
	if g.next == g.ticks {
		stepped.Done = true
		return stepped, nil
	}
	if g.next%g.conf.Turns == 0 {
		for i := range g.players {
			g.players[i].last = -1
			clear(g.players[i].match)
		}
		g.pair()
	}
	stepped.Observations = g.observe()
	return stepped, nil
}

// play books one turn of one player.
func (g *matrixGame) play(i int, moves, counts []int) {
	p := &g.players[i]
	p.last = moves[i]
	if p.last >= 0 {
		counts[p.last]++
	}
	if p.opponent < 0 || p.last < 0 || moves[p.opponent] < 0 {
		return
	}
	pair := p.last*len(g.stage.moves) + moves[p.opponent]
	p.match[pair]++
	p.all[pair]++
}

// scores names the totals that changed.
func (g *matrixGame) scores() []Score {
	var scores []Score
	for i := range g.players {
		p := &g.players[i]
		total := g.stage.total(p.all)
		if p.told && total == p.score {
			continue
		}
		p.told, p.score = true, total
		scores = append(scores, Score{Agent: g.ids[i], Value: appendNumber(nil, total)})
	}
	return scores
}

// pair says who meets whom in the round of the next tick; nobody does once the
// game is over.
func (g *matrixGame) pair() {
	for i := range g.players {
		g.players[i].opponent = -1
	}
	round := g.next / g.conf.Turns
	for i := range g.groups {
		g.groups[i].pairs(round, func(a, b int) {
			g.players[a].opponent, g.players[b].opponent = b, a
		})
	}
}

// observe tells each player that is in a match and has not ended where it
// stands. All observations lie in one piece of memory.
func (g *matrixGame) observe() []Observation {
	const typical = 160
	buf := make([]byte, 0, typical*len(g.players))
	observations := make([]Observation, 0, len(g.players))
	match, turn := g.next/g.conf.Turns, g.next%g.conf.Turns
	for i := range g.players {
		p := &g.players[i]
		g.asked[i] = p.opponent >= 0 && !g.gone[i]
		if !g.asked[i] {
			continue
		}
		from := len(buf)
		buf = g.appendObservation(buf, p, match, turn)
		observations = append(observations, Observation{Agent: g.ids[i], JSON: buf[from:len(buf):len(buf)]})
	}
	return observations
}

func (g *matrixGame) appendObservation(b []byte, p *player, match, turn int) []byte {
	opponent := &g.players[p.opponent]
	b = append(b, `{"match":`...)
	b = strconv.AppendInt(b, int64(match), 10)
	b = append(b, `,"turn":`...)
	b = strconv.AppendInt(b, int64(turn), 10)
	b = append(b, `,"turns":`...)
	b = strconv.AppendInt(b, int64(g.conf.Turns), 10)
	b = append(b, `,"opponent":`...)
	b = agent.AppendString(b, g.ids[p.opponent])
	b = append(b, `,"last":`...)
	if turn == 0 {
		b = append(b, `null`...)
	} else {
		b = append(b, `{"you":`...)
		b = g.appendMove(b, p.last)
		b = append(b, `,"opponent":`...)
		b = g.appendMove(b, opponent.last)
		b = append(b, '}')
	}
	b = append(b, `,"score":{"you":`...)
	b = appendNumber(b, g.stage.total(p.match))
	b = append(b, `,"opponent":`...)
	b = appendNumber(b, g.stage.total(opponent.match))
	return append(b, `}}`...)
}

func (g *matrixGame) appendMove(b []byte, move int) []byte {
	if move < 0 {
		return append(b, `null`...)
	}
	return append(b, g.stage.quoted[move]...)
}
