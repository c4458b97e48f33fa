package runtime

import (
	"runtime/debug"
	"testing"
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
		release := new(thrift).hold(c.agents)
		if got := percent(); got != c.want {
			t.Errorf("with %d agents and GOGC=%q it is %d, not %d", c.agents, c.gogc, got, c.want)
		}
		release()
		if got := percent(); got != usual {
			t.Errorf("with %d agents it is %d after the run, not %d", c.agents, got, usual)
		}
	}
}

// Runs that are played side by side share it.
func TestThriftOfSeveral(t *testing.T) {
	t.Setenv("GOGC", "")
	usual, all := percent(), new(thrift)
	first, second := all.hold(manyAgents), all.hold(manyAgents)
	first()
	if got := percent(); got != thriftyPercent {
		t.Errorf("while one of two lasts it is %d", got)
	}
	second()
	if got := percent(); got != usual {
		t.Errorf("after both it is %d, not %d", got, usual)
	}
}
