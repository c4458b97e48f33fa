package runtime

import (
	"runtime/debug"
	"testing"

	"github.com/troupe-dev/troupe/runtime/plan"
)

// percent is how soon garbage is collected now.
func percent() int {
	p := debug.SetGCPercent(100)
	debug.SetGCPercent(p)
	return p
}

func TestThrift(t *testing.T) {
	usual := percent()
	for _, c := range []struct {
		agents int
		gogc   string
		want   int
	}{
		{manyAgents - 1, "", usual},
		{manyAgents, "", thriftyPercent},
		{manyAgents, "80", usual},
	} {
		t.Setenv("GOGC", c.gogc)
		r := &run{plan: &plan.Plan{Agents: make([]plan.Agent, c.agents)}}
		r.thrift()
		if got := percent(); got != c.want {
			t.Errorf("with %d agents and GOGC=%q it is %d, not %d", c.agents, c.gogc, got, c.want)
		}
		r.stop()
		if got := percent(); got != usual {
			t.Errorf("with %d agents it is %d after the run, not %d", c.agents, got, usual)
		}
	}
}
