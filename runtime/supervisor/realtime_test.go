package supervisor

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// turn has one agent take a turn on some mail, and puts that on record unless
// it is to wait.
func (s *stage) turn(n int, id string, recorded bool, mail ...agent.Message) agent.Answer {
	s.t.Helper()
	o := observe(id, n, 0)
	o.Messages = mail
	a := s.gathered(func() { s.Ask([]*agent.Observe{&o}) }, 1)[id]
	if recorded {
		s.commit(n, a)
	}
	return a
}

// commit puts an answer on record.
func (s *stage) commit(n int, a agent.Answer) {
	s.t.Helper()
	if err := s.CaptureOf(s.t.Context(), n, a.Agent); err != nil {
		s.t.Fatal(err)
	}
	s.Facts()
	s.told = append(s.told, told{observe(a.Agent, a.Tick, 0), a.Act})
	s.Committed(n)
}

// gathered is so many answers to what is asked, however often it is woken.
func (s *stage) gathered(ask func(), n int) map[string]agent.Answer {
	s.t.Helper()
	ask()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	got := map[string]agent.Answer{}
	for len(got) < n {
		if ctx.Err() != nil {
			s.t.Fatalf("no answer; got %v", got)
		}
		for _, a := range s.Await(ctx) {
			got[a.Agent] = a
		}
	}
	return got
}

// TestRealtimeMarks tells again, marked, what a process died of.
func TestRealtimeMarks(t *testing.T) {
	for _, how := range []string{"stdio", "exec"} {
		p := spec("a", "crash", "a", "0", filepath.Join(t.TempDir(), "died"))
		p.Kind = kind(how)
		s := openAs(t, true, p)
		mail := []agent.Message{{From: "x", Body: []byte(`1`)}, {From: "y", Body: []byte(`2`)}}
		if a := s.turn(0, "a", true, mail...); a.Marked != 2 || a.Failure != "" {
			t.Errorf("%s: %d messages are marked, failure %q: %s", how, a.Marked, a.Failure, a.Detail)
		}
		if mail[0].Redelivered {
			t.Errorf("%s: what was asked has changed", how)
		}
		if a := s.turn(1, "a", true, mail...); a.Marked != 0 {
			t.Errorf("%s: in a later turn %d messages are marked", how, a.Marked)
		}
	}
}

// TestRealtimeAnswersWaitForTheirRecord: while x's answer is not on record yet,
// others' are, and its process dies; it is told its past once.
func TestRealtimeAnswersWaitForTheirRecord(t *testing.T) {
	for name, before := range map[string]bool{"committed before": true, "committed after": false} {
		t.Run(name, func(t *testing.T) {
			s := openAs(t, true, spec("x y", "crash", "y", "1", filepath.Join(t.TempDir(), "died")), spec("z", "well"))
			x := s.turn(0, "x", false)
			s.turn(0, "z", true)
			if before {
				s.commit(1, x)
			}
			y := s.turn(1, "y", false)
			if !before {
				s.commit(2, x)
			}
			s.commit(3, y)
			for _, id := range []string{"x", "y"} {
				want(t, map[string]agent.Answer{id: s.turn(4, id, true)}, id, "", `{"n":2}`)
			}
		})
	}
}

// TestRealtimeAsksOneByOne asks agents of one process faster than they are
// taken to it.
func TestRealtimeAsksOneByOne(t *testing.T) {
	s := openAs(t, true, spec("v w x y z", "well"))
	for n := range 20 {
		got := s.gathered(func() {
			for _, id := range []string{"v", "w", "x", "y", "z"} {
				o := observe(id, n, 0)
				s.Ask([]*agent.Observe{&o})
			}
		}, 5)
		for _, id := range []string{"v", "w", "x", "y", "z"} {
			if a := got[id]; a.Tick != n || a.Failure != "" {
				t.Fatalf("turn %d of %s: %+v", n, id, a)
			}
			s.commit(5*n, got[id])
		}
	}
}

// TestOwes says who still owes an answer, and wakes who awaits answers when
// that changes.
func TestOwes(t *testing.T) {
	s := openAs(t, true, spec("a", "late", "300"))
	o := observe("a", 0, 20*time.Millisecond)
	if a := s.gathered(func() { s.Ask([]*agent.Observe{&o}) }, 1)["a"]; a.Failure != agent.Deadline {
		t.Fatalf("the answer is %+v", a)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for s.Owes("a") && ctx.Err() == nil {
		if list := s.Await(ctx); len(list) > 0 {
			t.Errorf("answers %v", list)
		}
	}
	if ctx.Err() != nil {
		t.Error("it owes for ever")
	}
	late := false
	for _, f := range s.Facts() {
		late = late || f.Kind == "late" && f.Tick == 0
	}
	if !late {
		t.Error("nothing says that it was late")
	}
}

func TestWake(t *testing.T) {
	s := open(t, spec("a", "well"))
	woken := make(chan struct{})
	go func() { s.Wake(); close(woken) }()
	if list := s.Await(t.Context()); len(list) > 0 {
		t.Errorf("answers %v", list)
	}
	<-woken
	s.Wake()
	s.Await(t.Context())
	want(t, s.tick(0, 0, "a"), "a", "", `{"n":1}`)
}
