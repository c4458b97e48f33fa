package bots

import (
	"encoding/json"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// newEcho makes an agent whose action is what it observed.
func newEcho(agent.Start) (agent.Player, error) {
	return agent.PlayerFunc(func(o agent.Observation) agent.Reply {
		return o.Act(json.RawMessage(o.Observation))
	}), nil
}
