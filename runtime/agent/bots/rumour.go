package bots

import (
	"fmt"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// A talker of the world conversation passes a rumour on from the round on in
// which it heard it: to one of its peers, picked by its seed, and to a
// channel.
type talker struct {
	Peers   []string `json:"peers"`
	Channel string   `json:"channel"`
	// Knows says that it knows the rumour from the start.
	Knows bool `json:"knows"`
	// Chance is how likely it talks in a round, from 0 to 1; 1 if not given.
	Chance float64 `json:"chance"`
}

type rumour struct {
	Rumour bool `json:"rumour"`
}

// heard is what it answers, and all that it remembers.
type heard struct {
	Heard bool `json:"heard"`
}

func newRumour(s agent.Start) (agent.Player, error) {
	t := &talker{Chance: 1}
	if err := s.Unmarshal(t); err != nil {
		return nil, err
	}
	if t.Chance < 0 || t.Chance > 1 {
		return nil, fmt.Errorf("cannot use the config of %s: chance is %v and not between 0 and 1", s.Agent, t.Chance)
	}
	var was heard
	err := s.Restore(&was)
	t.Knows = t.Knows || was.Heard
	return t, err
}

// Snapshot is agent.Keeper's.
func (t *talker) Snapshot() (any, error) { return heard{t.Knows}, nil }

func (t *talker) Play(o agent.Observation) agent.Reply {
	for _, m := range o.Messages {
		var said rumour
		if m.Unmarshal(&said) == nil && said.Rumour { // whatever else people say is no rumour
			t.Knows = true
		}
	}
	reply := o.Act(heard{t.Knows})
	if !t.Knows || o.Rand.Float64() >= t.Chance {
		return reply
	}
	if len(t.Peers) > 0 {
		reply = reply.Send(t.Peers[o.Rand.IntN(len(t.Peers))], rumour{true})
	}
	if t.Channel != "" {
		reply = reply.Say(t.Channel, rumour{true})
	}
	return reply
}
