package engine

import "github.com/troupe-dev/troupe/runtime/plan"

// later is an entry of which the world may add agents.
func later(id string, most int) plan.Entry {
	return plan.Entry{ID: id, Item: 1, Kind: "stdio", Max: most, Config: []byte(`{}`)}
}
