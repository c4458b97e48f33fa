//go:build e2e

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent/modeltest"
)

// oneOfMany says a number of its own, and at last the first thing that it finds to
// have said itself.
func oneOfMany(r *modeltest.Request) modeltest.Reply {
	say := playerOf(r)
	if strings.Contains(r.LastUser(), "once more") {
		say = "nothing"
		for _, m := range r.Messages {
			for _, b := range m.Blocks {
				if m.Role == "assistant" && b.Type == "text" && say == "nothing" {
					say = b.Text
				}
			}
		}
	}
	return modeltest.Reply{Text: fmt.Sprintf(`{"action": {"say": %q}}`, say)}
}

// A crowd of which few are in memory at a time: none is lost, and each remembers.
// TROUPE_CROWD is how many there are, 12 if it is not set: a hundred take minutes.
func TestE2EClaudeCrowd(t *testing.T) {
	t.Parallel()
	n, err := strconv.Atoi(os.Getenv("TROUPE_CROWD"))
	resident := 10
	if err != nil {
		n, resident = 12, 3
	}
	c := newShippedRun(t, oneOfMany)
	text, err := os.ReadFile(shippedPath(t, "crowd.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	c.write(t, "scenario.yaml", strings.Replace(string(text), "replicas: 100\n", fmt.Sprintf("replicas: %d\n", n), 1))
	got := c.play(t, "--set", fmt.Sprintf("limits.resident=%d", resident), "--set", "gateway.anthropic.url="+c.model.URL)
	if got.PeakMemory == 0 || got.PeakMemory > 4<<30 {
		t.Errorf("it took %d MiB", got.PeakMemory>>20)
	}
	if got.Outcomes["action"] != 3*n || string(got.Columns["answered"]) != strconv.Itoa(3*n) || got.Timed != 0 {
		t.Errorf("of 3 × %d answers: %+v", n, got)
	}
	for _, e := range c.events(t) {
		if e.Type == "outcome" && e.Tick == 2 && !strings.Contains(string(e.Action), `\"`+e.Agent+`\"`) {
			t.Errorf("%s says %s at last", e.Agent, e.Action)
		}
	}
}
