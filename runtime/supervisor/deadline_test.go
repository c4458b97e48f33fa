package supervisor

import (
	"context"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/workspace"
)

// TestDeadlineOfTheFleet asks with deadlines that nobody can keep, of a fleet
// that gives all the time that is needed; and the other way round.
func TestDeadlineOfTheFleet(t *testing.T) {
	for _, c := range []struct {
		fleet, told time.Duration
		how         string
		want        agent.Failure
		text        string
	}{
		{time.Hour, time.Nanosecond, "count", "", `{"n":1}`},
		{time.Millisecond, time.Hour, "silent", agent.Deadline, "no answer within 1ms"},
	} {
		s := &stage{t: t, Fleet: New(Options{Run: "r1", Dir: workspace.Run{Dir: t.TempDir()}, Walls: &workspace.Walls{}, Deadline: c.fleet})}
		t.Cleanup(func() { s.Stop("the test is over") })
		if err := s.Start(context.Background(), []Spec{spec("a", c.how)}); err != nil {
			t.Fatal(err)
		}
		want(t, s.ask(0, c.told, "a"), "a", c.want, c.text)
	}
}
