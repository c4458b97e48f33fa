package bench

import "context"

// limits are those that an agent can be at, and what brings it there.
var limits = map[string]struct {
	yaml     map[string]any
	flood    string
	messages int    // 0 for as many as the others
	fair     string // what it does instead where it is at no limit
}{
	"cpu":      {map[string]any{"cpu": "50ms"}, floodBusy, 0, quiet},
	"memory":   {map[string]any{"memory": "64MiB"}, floodMemory, 0, quiet},
	"log":      {map[string]any{"log": "64KiB"}, floodLog, 0, floodBusy},
	"messages": {map[string]any{"messages": 1}, quiet, 2, quiet},
}

// limited is a size of agents that send a message a tick, of whom the first is at
// a limit.
func limited(agents, ticks int, limit string) size {
	return size{agents: agents, ticks: ticks, messages: 1, limit: limit}
}

// floorLimits plays the same with all agents alike and none at a limit; where the first keeps a
// processor busy, it does so too.
func floorLimits(ctx context.Context, l *lab, s size) ([]float64, error) {
	g := l.of(s)
	g.flood = limits[s.limit].fair
	return l.rate(ctx, g, 1)
}

func troupeLimits(ctx context.Context, l *lab, s size) ([]float64, error) {
	g := l.of(s)
	g.limit, g.flood = s.limit, limits[s.limit].flood
	return l.rate(ctx, g, 1)
}
