package bots

import (
	"slices"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// A herald tells a channel and some peers, turn by turn, how many turns it has
// had, and counts what becomes of what others tell it: how much it has heard,
// how much of that for the second time, and how much later than what came
// behind it. It works in any world.
type herald struct {
	Channel string   `json:"channel"` // none if empty
	Peers   []string `json:"peers"`   // each is told by itself

	memory heraldMemory
}

// heraldMemory is what a herald's state is.
type heraldMemory struct {
	Turns int         `json:"turns"`
	Tally heraldTally `json:"tally"`
	Ways  []*way      `json:"ways"` // in the order in which they were first heard of
}

type heraldTally struct {
	Heard int `json:"heard"` // repetitions included
	Twice int `json:"twice"`
	Late  int `json:"late"`
}

// A way is one by which numbers come: from whom, and over which channel.
type way struct {
	From    string `json:"from"`
	Channel string `json:"channel,omitempty"`
	Last    int    `json:"last"`              // the highest number
	Missing []int  `json:"missing,omitempty"` // below it, and not heard yet
}

// mostTurns is more than a herald ever has.
const mostTurns = 1 << 20

type heraldry struct {
	Turn int `json:"turn"`
}

func newHerald(s agent.Start) (agent.Player, error) {
	h := &herald{}
	err := s.Unmarshal(h)
	if err == nil {
		err = s.Restore(&h.memory)
	}
	return h, err
}

// Snapshot is agent.Keeper's.
func (h *herald) Snapshot() (any, error) { return h.memory, nil }

func (h *herald) Play(o agent.Observation) agent.Reply {
	if o.Attempt == 1 { // else it has had all this before
		h.memory.Turns++
		for _, m := range o.Messages {
			var said heraldry
			if m.Unmarshal(&said) == nil && said.Turn > 0 && said.Turn < mostTurns { // else it is no herald's
				h.hear(m.From, m.Channel, said.Turn)
			}
		}
	}
	reply := o.Act(h.memory.Tally)
	if h.Channel != "" {
		reply = reply.Say(h.Channel, heraldry{h.memory.Turns})
	}
	for _, peer := range h.Peers {
		reply = reply.Send(peer, heraldry{h.memory.Turns})
	}
	return reply
}

func (h *herald) hear(from, channel string, turn int) {
	w := h.way(from, channel)
	tally := &h.memory.Tally
	tally.Heard++
	at, missing := slices.BinarySearch(w.Missing, turn)
	switch {
	case turn > w.Last:
		for n := w.Last + 1; n < turn; n++ {
			w.Missing = append(w.Missing, n)
		}
		w.Last = turn
	case missing:
		tally.Late++
		w.Missing = slices.Delete(w.Missing, at, at+1)
	default:
		tally.Twice++
	}
}

func (h *herald) way(from, channel string) *way {
	for _, w := range h.memory.Ways {
		if w.From == from && w.Channel == channel {
			return w
		}
	}
	w := &way{From: from, Channel: channel}
	h.memory.Ways = append(h.memory.Ways, w)
	return w
}
