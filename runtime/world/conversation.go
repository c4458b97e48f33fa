package world

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// ConversationConfig is the config of the world conversation: agents talk
// freely for a number of rounds. What they say goes into messages, which are
// delivered with the recipient's next observation; the world itself only says
// whose turn it is. An agent observes
//
//	{"round":1,"rounds":3,"topic":"the harvest"}
//
// with rounds counted from 1. Any action will do, null included, and has no
// effect. There are no scores and no columns. The world is done after the last
// round.
type ConversationConfig struct {
	// Rounds is how many there are.
	Rounds int `json:"rounds" required:"true"`
	// Topic is told to everyone; may be empty.
	Topic string `json:"topic"`
	// Order is together (a round is one tick in which all are asked; the
	// default) or in-turn (a round is one tick for each agent, by id as bytes,
	// so that everyone hears the ones before).
	Order string `json:"order"`
}

const maxRounds = 1e6

// orders says for each order whether agents speak one at a time.
var orders = map[string]bool{"together": false, "in-turn": true}

var conversationKind = kind{
	open: openConversation,
	example: example{
		config:  `{"rounds":2,"topic":"<bread> & \"butter\"","order":"in-turn"}`,
		agents:  []string{"ann", "bob", "cleo"},
		actions: []string{`null`, `{}`, `{"said":"hello"}`, `"whatever"`},
	},
}

type conversation struct {
	conf   ConversationConfig
	inTurn bool

	*roster
	round int // from 1
	seat  int // whose turn it is, in-turn
	next  int
}

func openConversation(config []byte) (World, error) {
	w := &conversation{conf: ConversationConfig{Order: "together"}, round: 1}
	errs, err := decodeConfig(config, &w.conf)
	if err != nil {
		return nil, err
	}
	if w.conf.Rounds < 1 || w.conf.Rounds > maxRounds {
		errs.add("rounds", "%d is not between 1 and %d", w.conf.Rounds, int(maxRounds))
	}
	inTurn, ok := orders[w.conf.Order]
	if !ok {
		errs.add("order", "%q is none of %s", w.conf.Order, strings.Join(sortedKeys(orders), ", "))
	}
	w.inTurn = inTurn
	return w, errs.err()
}

// InTurn says whether one agent speaks at a time.
func (w *conversation) InTurn() bool { return w.inTurn }

// Turns are the rounds: in either order an agent speaks once in each.
func (w *conversation) Turns(string) int { return w.conf.Rounds }

// Noop is the empty action: anything does nothing here.
func (w *conversation) Noop() []byte { return []byte(`{}`) }

// View has no scores: there are none.
func (w *conversation) View() View { return View{Threads: true} }

func (w *conversation) Start(_ context.Context, init Init) (Ready, error) {
	var err error
	if w.roster, err = newRoster(init.Agents); err != nil {
		return Ready{}, err
	}
	if len(init.State) > 0 {
		if err := w.restore(init); err != nil {
			return Ready{}, err
		}
	}
	return Ready{Observations: w.observe(), Noop: w.Noop()}, nil
}

// A conversationState is a conversation between two ticks.
type conversationState struct {
	Tick  int      `json:"tick"` // the next one
	Round int      `json:"round"`
	Seat  int      `json:"seat"`
	Gone  []string `json:"gone,omitempty"`
}

// Snapshot is Snapshotter's.
func (w *conversation) Snapshot(context.Context) ([]byte, error) {
	return writeState(conversationState{Tick: w.next, Round: w.round, Seat: w.seat, Gone: w.departed()})
}

func (w *conversation) restore(init Init) error {
	var state conversationState
	if err := readState(init, &state); err != nil {
		return err
	}
	if err := sameTick(init, state.Tick); err != nil {
		return err
	}
	if state.Round < 1 || state.Round > w.conf.Rounds+1 || state.Seat < 0 || state.Seat > 0 && state.Seat >= len(w.ids) {
		return badState("round %d, seat %d are none of %d rounds of %d agents", state.Round, state.Seat, w.conf.Rounds, len(w.ids))
	}
	w.next, w.round, w.seat = state.Tick, state.Round, state.Seat
	return w.depart(state.Gone)
}

func (w *conversation) Step(_ context.Context, tick int, actions []Action) (Stepped, error) {
	if err := inOrder(tick, w.next); err != nil {
		return Stepped{}, err
	}
	if err := w.take(actions, func(int, []byte) string { return "" }); err != nil {
		return Stepped{}, err
	}
	w.next++
	w.pass()
	if w.round > w.conf.Rounds {
		return Stepped{Done: true}, nil
	}
	return Stepped{Observations: w.observe()}, nil
}

// pass hands the word on: to the next agent that is still there, or to all.
func (w *conversation) pass() {
	if !w.inTurn {
		w.round++
		return
	}
	for w.round <= w.conf.Rounds {
		w.seat++
		if w.seat >= len(w.ids) {
			w.seat = 0
			w.round++
		}
		if w.seat < len(w.ids) && !w.gone[w.seat] {
			return
		}
	}
}

func (w *conversation) observe() []Observation {
	var text []byte
	text = append(text, `{"round":`...)
	text = strconv.AppendInt(text, int64(w.round), 10)
	text = append(text, `,"rounds":`...)
	text = strconv.AppendInt(text, int64(w.conf.Rounds), 10)
	text = append(text, `,"topic":`...)
	text = agent.AppendString(text, w.conf.Topic)
	text = slices.Clip(append(text, '}')) // one for all: nobody writes to it
	observations := make([]Observation, 0, len(w.ids))
	for who, id := range w.ids {
		w.asked[who] = !w.gone[who] && w.round <= w.conf.Rounds && (!w.inTurn || who == w.seat)
		if w.asked[who] {
			observations = append(observations, Observation{Agent: id, JSON: text})
		}
	}
	return observations
}
