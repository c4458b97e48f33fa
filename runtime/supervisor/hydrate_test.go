package supervisor

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// Where it counts that a past is answered otherwise, it is the agent's failure
// who does so, whether it is asked already or later, and until its process is
// another.
func TestFaithful(t *testing.T) {
	dir := t.TempDir()
	sp := spec("a b c", "crash", "a", "2", filepath.Join(dir, "mark"))
	sp.Faithful = true
	s := open(t, sp)
	for n := range 2 {
		s.tick(n, 0, "a b c")
	}
	for i := range s.told { // the record of a and c is not what they will say
		if act := &s.told[i].act; act.Agent != "b" {
			act.Action = []byte(`{"n":9}`)
		}
	}
	got := s.ask(2, 0, "a b")
	const text = `told tick 0 again, it answered otherwise: at byte 5: recorded …9} done false, now …1} done false`
	want(t, got, "a", agent.Differs, text)
	want(t, got, "b", "", `{"n":3}`)
	if a := got["a"]; !a.Timed || !a.Unsent {
		t.Errorf("a: %+v", a)
	}
	facts := 0
	for _, f := range s.Facts() {
		if f.Kind == "differs" {
			facts++
		}
	}
	if facts != 4 {
		t.Errorf("%d facts tell of differences, want 4", facts)
	}
	s.Committed(2)
	s.told = append(s.told, told{observe("b", 2, 0), got["b"].Act})
	got = s.tick(3, 0, "b c")
	want(t, got, "b", "", `{"n":4}`)
	want(t, got, "c", agent.Differs, text)
}

// As a rule the record stands and the agent goes on.
func TestDifferenceIsToldAlone(t *testing.T) {
	s := open(t, spec("a", "crash", "a", "1", filepath.Join(t.TempDir(), "mark")))
	s.tick(0, 0, "a")
	s.told[0].act.Action = []byte(`{"n":9}`)
	want(t, s.ask(1, 0, "a"), "a", "", `{"n":2}`)
}

// TestThePastCannotBeRead has a log that cannot be read: the process cannot be
// brought back, and its agents did not crash.
func TestThePastCannotBeRead(t *testing.T) {
	s := open(t, spec("a", "plain"))
	s.tick(0, 0, "a")
	s.opts.Replay = func(context.Context, []string, int, func(*agent.Observe, *agent.Act) error) error {
		return errors.New("entry 7 is lost")
	}
	s.killOne(0)
	want(t, s.tick(1, 0, "a"), "a", agent.Spawn, "entry 7 is lost")
}
