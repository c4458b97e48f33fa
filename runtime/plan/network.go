package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/scenarios"
)

// A Network is which TCP ports processes may connect to, where walls keep them
// from others: any, or those listed.
type Network struct {
	Any   bool
	Ports []int // sorted
}

// The words for a network that is no list.
const (
	anyPort = `"any"`
	noPort  = `"none"`
)

// MarshalJSON writes it as a scenario has it: any, none, or a list of ports.
func (n Network) MarshalJSON() ([]byte, error) {
	switch {
	case n.Any:
		return []byte(anyPort), nil
	case len(n.Ports) == 0:
		return []byte(noPort), nil
	}
	return json.Marshal(n.Ports)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (n *Network) UnmarshalJSON(data []byte) error {
	*n = Network{}
	switch string(bytes.TrimSpace(data)) {
	case anyPort:
		n.Any = true
	case noPort:
	default:
		if err := json.Unmarshal(data, &n.Ports); err != nil {
			return fmt.Errorf("cannot read which ports are allowed: %w", err)
		}
	}
	return nil
}

// network is what processes of a kind may connect to that stand for a variant's
// agents, beside the gateway's: what its entry says, else all for a tool that
// reaches its model by itself, and nothing for others. It is nil where nothing is
// started.
func (m *maker) network(v *variant, kind agent.Kind, command []string) *Network {
	if len(command) == 0 || !kind.Reads("network") {
		return nil
	}
	return networkOf(v.entry.Network, kind.Tool != nil && v.entry.Gateway == "bypass")
}

// networkOf is what a scenario says of a network; where it says nothing, any
// port or none.
func networkOf(n *scenarios.Network, otherwise bool) *Network {
	if n == nil {
		return &Network{Any: otherwise}
	}
	ports := slices.Sorted(slices.Values(n.Ports))
	return &Network{Any: n.Any, Ports: slices.Compact(ports)}
}
