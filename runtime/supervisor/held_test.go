package supervisor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// toolSpec is a process that is driven as a tool, with look for what looks into
// its session.
func toolSpec(id, how string, look func() (bool, error), args ...string) Spec {
	s := spec(id, how, args...)
	s.Reobserve, s.Session = false, true
	s.Kind.Tool = &agent.Tool{
		Recorded: func(func(string) string, *agent.Line) func() (bool, error) { return look },
		Resume:   func(string) []string { return nil },
	}
	return s
}

// await takes answers until there are n.
func (s *stage) await(n int) (list []agent.Answer) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for len(list) < n {
		got := s.Await(ctx)
		if len(got) == 0 {
			s.t.Fatalf("no answer; got %v", list)
		}
		list = append(list, got...)
	}
	return list
}

// An answer is given once its session has it, and holds nobody else up.
func TestAnswerIsHeldUntilItIsRecorded(t *testing.T) {
	looks := make(chan bool)
	s := open(t, toolSpec("a", "count", func() (bool, error) { return <-looks, nil }), spec("b", "count"))
	for n := range 2 {
		o, other := observe("a", n, 0), observe("b", n, 0)
		s.Ask([]*agent.Observe{&o, &other})
		if got := s.await(1); got[0].Agent != "b" || len(got) > 1 {
			t.Fatalf("not only b: %v", got)
		}
		looks <- false
		looks <- false
		looks <- true
		want(t, map[string]agent.Answer{"a": s.await(1)[0]}, "a", "", fmt.Sprintf(`{"n":%d}`, n+1))
		s.Facts()
		s.Committed(n)
	}
}

// One that dies before it has recorded its answer is asked again.
func TestUnrecordedAnswerOfTheDead(t *testing.T) {
	var s *stage
	var died atomic.Bool
	sp := toolSpec("a", "count", func() (bool, error) {
		if died.Swap(true) { // the last look of its life comes before it counts as dead
			return len(s.crashes()) > 0, nil
		}
		return false, syscall.Kill(s.Statuses()[0].PID, syscall.SIGKILL)
	})
	s = open(t, sp)
	got := s.ask(0, 0, "a")
	want(t, got, "a", "", `{"n":1}`)
	if n := len(s.crashes()); n != 1 {
		t.Errorf("%d crashes, want 1", n)
	}
	text, err := os.ReadFile(s.opts.Dir.AgentLog("a"))
	if err != nil || !strings.Contains(string(text), "troupe: it died before its answer was in its own session") {
		t.Errorf("%v: the log is %s", err, text)
	}
}

// crashes are the facts so far of that kind; they stay.
func (s *stage) crashes() (list []Fact) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.facts {
		if f.Kind == "crashed" {
			list = append(list, f)
		}
	}
	return list
}

// What a process recorded before it died stands.
func TestRecordedAnswerOfTheDead(t *testing.T) {
	var s *stage
	var looked atomic.Bool
	file := filepath.Join(t.TempDir(), "answers")
	s = open(t, toolSpec("a", "count", func() (bool, error) {
		if looked.Swap(true) {
			_, err := os.Stat(file)
			return err == nil, nil
		}
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			return false, err
		}
		return false, syscall.Kill(s.Statuses()[0].PID, syscall.SIGKILL)
	}))
	want(t, s.ask(0, 0, "a"), "a", "", `{"n":1}`)
	want(t, s.ask(1, 0, "a"), "a", "", `{"n":1}`) // a new process, asked once
}

// What is never recorded counts all the same, in time that grows shorter.
func TestNeverRecorded(t *testing.T) {
	s := open(t, toolSpec("a", "count", func() (bool, error) { return false, os.ErrNotExist }))
	s.recording = 40 * time.Millisecond
	for n, patience := range []string{"40ms", "20ms", "10ms"} {
		want(t, s.ask(n, 0, "a"), "a", "", fmt.Sprintf(`{"n":%d}`, n+1))
		var told []string
		for _, f := range s.Facts() {
			if f.Kind == "unrecorded" {
				told = append(told, f.Detail)
			}
		}
		if len(told) != 1 || !strings.Contains(told[0], "within "+patience) || !strings.Contains(told[0], "not exist") {
			t.Errorf("tick %d: told %q", n, told)
		}
		s.Committed(n)
	}
}
