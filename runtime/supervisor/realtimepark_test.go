package supervisor

import (
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// TestRealtimeParksAfterEachTurn has another's turn on record while an agent that
// is one process a turn is still asked: it is parked after its own all the same.
func TestRealtimeParksAfterEachTurn(t *testing.T) {
	slow := spec("a", "late", "300")
	slow.Parks, slow.Ephemeral = true, true
	s := openAs(t, true, slow, spec("z", "well"))
	a, z := observe("a", 0, 0), observe("z", 0, 0)
	s.Ask([]*agent.Observe{&a, &z})
	for n := 0; n < 2; {
		for _, answer := range s.gathered(func() {}, 1) {
			s.commit(n, answer)
			n++
		}
	}
	s.rests("a")
}
