package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/scenarios"
)

// A Network is what processes may connect to, where walls keep them from the rest:
// any TCP port, or those listed and, through the outbound proxy, hosts.
type Network struct {
	Any   bool
	Ports []int    // sorted
	Hosts []string // HOST:PORT, as proxy.ParseRule reads it; sorted
}

// The words for a network that is no list.
const (
	anyPort = `"any"`
	noPort  = `"none"`
)

// MarshalJSON writes it as a scenario has it: any, none, or a list of ports and
// hosts.
func (n Network) MarshalJSON() ([]byte, error) {
	switch {
	case n.Any:
		return []byte(anyPort), nil
	case len(n.Ports)+len(n.Hosts) == 0:
		return []byte(noPort), nil
	}
	items := make([]any, 0, len(n.Ports)+len(n.Hosts))
	for _, port := range n.Ports {
		items = append(items, port)
	}
	for _, host := range n.Hosts {
		items = append(items, host)
	}
	return json.Marshal(items)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (n *Network) UnmarshalJSON(data []byte) error {
	*n = Network{}
	switch string(bytes.TrimSpace(data)) {
	case anyPort:
		n.Any = true
	case noPort:
	default:
		var items []json.RawMessage
		if err := json.Unmarshal(data, &items); err != nil {
			return fmt.Errorf("cannot read what may be connected to: %w", err)
		}
		for _, item := range items {
			if err := n.add(item); err != nil {
				return fmt.Errorf("cannot read what may be connected to: %w", err)
			}
		}
	}
	return nil
}

// add takes in an item of a list.
func (n *Network) add(item json.RawMessage) error {
	if bytes.HasPrefix(item, []byte{'"'}) {
		var host string
		err := json.Unmarshal(item, &host)
		n.Hosts = append(n.Hosts, host)
		return err
	}
	var port int
	err := json.Unmarshal(item, &port)
	n.Ports = append(n.Ports, port)
	return err
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
	ports, hosts := slices.Sorted(slices.Values(n.Ports)), slices.Sorted(slices.Values(n.Hosts))
	return &Network{Any: n.Any, Ports: slices.Compact(ports), Hosts: slices.Compact(hosts)}
}
