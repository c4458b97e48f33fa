package supervisor

import (
	"fmt"
	"strings"
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

// TestRealtimeStatesAreOfTheRecord has a process that is one for each turn answer
// for two agents, and the supervisor die before or after the turns are on record.
// The state that it comes back by holds those that are, and no other.
func TestRealtimeStatesAreOfTheRecord(t *testing.T) {
	for _, last := range []int{0, 1, 2} {
		t.Run(fmt.Sprintf("tick %d is the last", last), func(t *testing.T) {
			c := comeback{state: "snapshot", lifecycle: "ephemeral", realtime: true}
			sp, other := c.spec("a b"), spec("z", "well")
			dir := t.TempDir()
			s := keptStage(t, dir, c, -1, nil, sp, other)
			var batch []*agent.Observe
			for _, id := range []string{"a", "b", "z"} {
				o := observe(id, 0, 0)
				batch = append(batch, &o)
			}
			got := s.gathered(func() { s.Ask(batch) }, 3)
			for n, id := range []string{"z", "a", "b"} {
				s.commit(n, got[id])
			}
			s.rests("a")
			s.Stop("the supervisor dies")

			sp.Past, other.Past = true, true
			s = keptStage(t, dir, c, last, s.told[:last+1], sp, other)
			for n, id := range []string{"a", "b"} {
				had := 0
				if last > n {
					had = 1
				}
				a := s.turn(last+1+n, id, true)
				if text := fmt.Sprintf(`"n":%d,`, had+1); !strings.Contains(string(a.Act.Action), text) {
					t.Errorf("%s answers %s%s %s, and %d turns of it are on record", id, a.Act.Action, a.Failure, a.Detail, had)
				}
			}
		})
	}
}
