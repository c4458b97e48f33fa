package supervisor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// turnSpec is a process that is driven as a tool that answers once.
func turnSpec(id, how string, look func() (bool, error), args ...string) Spec {
	s := toolSpec(id, how, look, args...)
	s.Kind.Tool.PerTurn = true
	s.Ephemeral, s.Parks = true, true
	return s
}

// kinds are the facts about a process that were told so far, in short.
func (s *stage) kinds() string {
	var kinds []string
	for _, f := range s.Facts() {
		kinds = append(kinds, f.Kind)
	}
	return strings.Join(kinds, " ")
}

// Each turn has a process, and an answer is given once that is gone: what is asked
// at once then is for another.
func TestProcessForEachTurn(t *testing.T) {
	s := open(t, turnSpec("a", "count", nil))
	for tick := range 3 {
		for attempt := range 2 {
			o := observe("a", tick, 0)
			o.Attempt = attempt + 1
			s.Ask([]*agent.Observe{&o})
			want(t, map[string]agent.Answer{"a": s.await(1)[0]}, "a", "", `{"n":1}`)
		}
		if err := s.Capture(t.Context(), tick); err != nil {
			t.Error(err)
		}
		if got := s.kinds(); strings.Count(got, "started") != 2 || strings.Contains(got, "crashed") {
			t.Errorf("tick %d: %s", tick, got)
		}
		s.Committed(tick)
	}
}

// What a turn's process has started is gone when its answer is there: its files are
// those of the turn then.
func TestTurnLeavesNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	s := open(t, turnSpec("a", "daemon", nil, file))
	want(t, s.ask(0, 0, "a"), "a", "", `{"n":1}`)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("%d is there: %v", pid, err)
	}
}

// One that stays when all is said is ended.
func TestProcessStaysAfterItsTurn(t *testing.T) {
	s := open(t, turnSpec("a", "lingers", func() (bool, error) { return true, nil }))
	s.recording = 20 * time.Millisecond
	for tick := range 2 {
		want(t, s.ask(tick, 0, "a"), "a", "", `{"n":1}`)
		if got := s.kinds(); strings.Contains(got, "crashed") {
			t.Errorf("tick %d: %s", tick, got)
		}
		s.Committed(tick)
	}
}

// What one has said that is killed before its session has it does not count; and
// what is not in the session of one that ended by itself does, with a fact.
func TestUnrecordedTurn(t *testing.T) {
	var s *stage
	var died atomic.Bool
	sp := turnSpec("a", "lingers", func() (bool, error) { return died.Swap(true), os.ErrNotExist })
	s = open(t, sp)
	s.recording = 20 * time.Millisecond
	want(t, s.ask(0, 0, "a"), "a", "", `{"n":1}`)
	if n := len(s.crashes()); n != 1 {
		t.Errorf("%d crashes, want 1", n)
	}

	s = open(t, turnSpec("b", "count", func() (bool, error) { return false, os.ErrNotExist }))
	want(t, s.ask(0, 0, "b"), "b", "", `{"n":1}`)
	if got := s.kinds(); !strings.Contains(got, "unrecorded") || strings.Contains(got, "crashed") {
		t.Error(got)
	}
}

// One that has ended by itself is waited for as long at any time, however often its
// session had no answer of it: ended early, it would seem to have crashed.
func TestNeverRecordedTurns(t *testing.T) {
	s := open(t, turnSpec("a", "count", func() (bool, error) { return false, nil }))
	for tick := range 3 {
		want(t, s.ask(tick, 0, "a"), "a", "", `{"n":1}`)
		var told []string
		for _, f := range s.Facts() {
			if f.Kind == "unrecorded" {
				told = append(told, f.Detail)
			}
		}
		if len(told) != 1 || !strings.Contains(told[0], "was not in its own session when it had ended") {
			t.Errorf("tick %d: told %q", tick, told)
		}
		s.Committed(tick)
	}
	if n := s.byAgent["a"].driver.(*resident).unkept; n > 0 {
		t.Errorf("patience was lost on %d of its answers", n)
	}
}

// A process that is killed in its turn has it again.
func TestKilledInItsTurn(t *testing.T) {
	file := fmt.Sprintf("%s/died", t.TempDir())
	s := open(t, turnSpec("a", "crash", nil, "a", "1", file))
	want(t, s.ask(0, 0, "a"), "a", "", `{"n":1}`)
	s.Facts()
	s.Committed(0)
	want(t, s.ask(1, 0, "a"), "a", "", `{"n":1}`)
	if n := len(s.crashes()); n != 1 {
		t.Errorf("%d crashes, want 1", n)
	}
}

// A model that has no room is asked again by another process, which is not there
// before.
func TestWaitsWithoutProcess(t *testing.T) {
	s := turnSpec("a", "count", nil)
	s.WaitForModel = true
	var asked atomic.Int32
	s.Kind.Dialect = func(*agent.Brief) agent.Dialect {
		return crowded{kind("stdio").Dialect(nil), &asked}
	}
	st := open(t, s)
	o := observe("a", 0, 0)
	st.Ask([]*agent.Observe{&o})
	want(t, map[string]agent.Answer{"a": st.await(1)[0]}, "a", "", `{"n":1}`)
	if got := st.kinds(); !strings.HasPrefix(got, "started waiting parked started") {
		t.Error(got)
	}
}

// A crowded dialect takes the first answer for one of a model without room.
type crowded struct {
	agent.Dialect
	asked *atomic.Int32
}

func (c crowded) Decode(line []byte) (agent.Line, error) {
	l, err := c.Dialect.Decode(line)
	if l.Type == agent.TypeAct && c.asked.Add(1) == 1 {
		return agent.Line{Type: agent.TypeFailed, Agent: l.Act.Agent, Tick: l.Act.Tick, Failure: agent.RateLimited}, err
	}
	return l, err
}
