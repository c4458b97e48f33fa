package bots

import (
	"encoding/json"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// A relay passes on what it hears: to where a message says, being an object
// with to or channel and a body, else to those in its config. Its action is how
// many messages it has heard in all, and how many of them a process of it may
// have heard before.
type relay struct {
	To      []string `json:"to"`
	Channel string   `json:"channel"`

	memory relayMemory
}

// relayMemory is what a relay's state is, and its action.
type relayMemory struct {
	Again int `json:"again"`
	Heard int `json:"heard"`
}

// An errand is a message that says where it is to go.
type errand struct {
	To      string          `json:"to"`
	Channel string          `json:"channel"`
	Body    json.RawMessage `json:"body"`
}

func newRelay(s agent.Start) (agent.Player, error) {
	r := &relay{}
	err := s.Unmarshal(r)
	if err == nil {
		err = s.Restore(&r.memory)
	}
	return r, err
}

// Snapshot is agent.Keeper's.
func (r *relay) Snapshot() (any, error) { return r.memory, nil }

func (r *relay) Play(o agent.Observation) agent.Reply {
	for i := range o.Messages {
		r.memory.Heard++
		if o.Messages[i].Redelivered {
			r.memory.Again++
		}
	}
	reply := o.Act(r.memory)
	for _, m := range o.Messages {
		var e errand
		switch errandly := json.Unmarshal(m.Body, &e) == nil && len(e.Body) > 0; {
		case errandly && e.To != "":
			reply = reply.Send(e.To, e.Body)
		case errandly && e.Channel != "":
			reply = reply.Say(e.Channel, e.Body)
		default:
			for _, to := range r.To {
				reply = reply.Send(to, json.RawMessage(m.Body))
			}
			if r.Channel != "" {
				reply = reply.Say(r.Channel, json.RawMessage(m.Body))
			}
		}
	}
	return reply
}
