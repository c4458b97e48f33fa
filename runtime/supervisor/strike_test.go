package supervisor

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// struck asks agents of whom the first is hit by a fault.
func (s *stage) struck(n int, deadline time.Duration, strike agent.Strike, ids ...string) map[string]agent.Answer {
	s.t.Helper()
	var batch []*agent.Observe
	for i, id := range ids {
		o := observe(id, n, deadline)
		if i == 0 {
			o.Strike = &strike
		}
		batch = append(batch, &o)
	}
	return s.put(batch)
}

// perTurn is an agent that has a process a turn.
func perTurn(id string) Spec {
	s := spec(id, "count")
	s.Kind = kind("exec")
	return s
}

// kinds counts facts.
func kinds(facts []Fact) map[string]int {
	n := map[string]int{}
	for _, f := range facts {
		n[f.Kind]++
	}
	return n
}

// A killed process is started again, told its past and asked again within the
// tick, alone or with others in it; once.
func TestKilledByAFault(t *testing.T) {
	s := open(t, spec("a", "count"), spec("b c", "count"))
	s.tick(0, time.Minute, "a b c")
	for n := 1; n < 3; n++ {
		s.Facts()
		got := s.struck(n, time.Minute, agent.Strike{Kill: true}, "a")
		want(t, got, "a", "", fmt.Sprintf(`{"n":%d}`, n+1))
		more := s.struck(n, time.Minute, agent.Strike{Kill: true}, "b", "c")
		want(t, more, "b", "", fmt.Sprintf(`{"n":%d}`, n+1))
		want(t, more, "c", "", fmt.Sprintf(`{"n":%d}`, n+1))
		if k := kinds(s.Facts()); k["crashed"] != 2 || k["started"] != 2 || k["differs"] != 0 {
			t.Errorf("tick %d: facts %v", n, k)
		}
		for _, list := range []map[string]agent.Answer{got, more} {
			for _, a := range list {
				s.told = append(s.told, told{observe(a.Agent, n, time.Minute), a.Act})
			}
		}
		s.Committed(n)
	}
}

// Where crashes are not made good, a fault decides the outcome, and not how
// quick the agent was.
func TestKilledByAFaultForGood(t *testing.T) {
	resident := spec("a", "count")
	resident.Restarts = 0
	once := perTurn("b")
	once.Restarts = 0
	s := open(t, resident, once)
	for n := range 8 {
		for _, id := range []string{"a", "b"} {
			got := s.struck(n, time.Minute, agent.Strike{Kill: true}, id)
			want(t, got, id, agent.Crash, "")
			if got[id].Timed {
				t.Error("a clock decided")
			}
		}
	}
}

func TestAFaultHitsATurnOnce(t *testing.T) {
	once := perTurn("b")
	s := open(t, once)
	want(t, s.struck(0, time.Minute, agent.Strike{Kill: true}, "b"), "b", "", `{"n":1}`)
	want(t, s.struck(0, time.Minute, agent.Strike{Pause: 50 * time.Millisecond}, "b"), "b", "", `{"n":1}`)
}

// Its deadline waits for a paused process.
func TestPausedByAFault(t *testing.T) {
	const deadline = 30 * time.Second
	s := open(t, spec("a", "late", "300"))
	o := observe("a", 0, deadline)
	o.Strike = &agent.Strike{Pause: time.Hour}
	s.Ask([]*agent.Observe{&o})
	p := s.byAgent["a"].driver.(*resident)
	for frozen := false; !frozen; {
		p.mu.Lock()
		frozen = p.frozen()
		p.mu.Unlock()
	}
	p.mu.Lock()
	p.order[0].since = p.order[0].since.Add(-time.Hour) // its deadline would be over
	c := p.child
	p.mu.Unlock()
	p.expire()
	p.mu.Lock()
	if !p.order[0].open || p.order[0].left < deadline/2 {
		t.Errorf("paused, its time runs: %+v", p.order[0])
	}
	p.freeze(c, time.Minute) // longer than an hour it is not
	p.thawAt = time.Now()
	p.mu.Unlock()
	p.thaw(c)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	list := s.Await(ctx)
	if len(list) != 1 {
		t.Fatalf("answers: %+v", list)
	}
	want(t, map[string]agent.Answer{"a": list[0]}, "a", "", `{"n":1}`)
}

// One that is not asked is hit too, which is no crash of its next turn; where
// nothing runs, nothing happens.
func TestHitBetweenTurns(t *testing.T) {
	fragile := spec("a", "count")
	fragile.Restarts = 0
	s := open(t, fragile, perTurn("b"))
	s.tick(0, time.Minute, "a")
	s.Strike("a", agent.Strike{Kill: true})
	s.Strike("b", agent.Strike{Kill: true})
	s.Strike("nobody", agent.Strike{Kill: true})
	want(t, s.ask(1, time.Minute, "a"), "a", "", `{"n":2}`)
	want(t, s.struck(1, time.Minute, agent.Strike{Kill: true}, "a"), "a", agent.Crash, "")
	s.Strike("a", agent.Strike{Pause: 50 * time.Millisecond})
	s.tick(2, time.Minute, "a")
}

// A paused process that is to stop goes on, to stop by itself.
func TestPausedAndStopped(t *testing.T) {
	s := open(t, spec("a", "count"))
	s.tick(0, time.Minute, "a")
	p := s.byAgent["a"].driver.(*resident)
	s.Strike("a", agent.Strike{Pause: time.Hour})
	p.mu.Lock()
	c := p.child
	if !p.frozen() {
		t.Error("it is not paused")
	}
	p.mu.Unlock()
	s.Stop("enough")
	if !c.status.Exited() {
		t.Errorf("it was %s", exitText(c.status))
	}
}

// TestStruckAndComingBack has faults hit agents that come and go in every way.
func TestStruckAndComingBack(t *testing.T) {
	for _, state := range []string{"reobserve", "snapshot", "none"} {
		for _, lifecycle := range []string{"long-running", "hybrid", "wanted", "ephemeral"} {
			c := comeback{state: state, lifecycle: lifecycle}
			if lifecycle == "wanted" {
				c.residents = 1
			}
			t.Run(state+" "+lifecycle, func(t *testing.T) { c.struck(t) })
		}
	}
}

func (c comeback) struck(t *testing.T) {
	s := keptStage(t, t.TempDir(), c, -1, nil, c.spec("a"), c.spec("b"))
	strikes := []agent.Strike{{Kill: true}, {Pause: 5 * time.Millisecond}, {}, {Kill: true, Pause: time.Hour}}
	for n := range 8 {
		if n%3 > 0 {
			s.Strike("b", strikes[(n+1)%len(strikes)])
		}
		a, b := observe("a", n, 0), observe("b", n, 0)
		a.Strike = &strikes[n%len(strikes)]
		got := s.put([]*agent.Observe{&a, &b})
		if err := s.Capture(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		s.Facts()
		for id, x := range got {
			text := fmt.Sprintf(`{"n":%d,"file":%d}`, n+1, n+1)
			if c.state == "none" {
				text = fmt.Sprintf(`"file":%d}`, n+1)
			}
			if x.Failure != "" || !strings.HasSuffix(string(x.Act.Action), text) {
				t.Fatalf("tick %d, %s: %s%s %s, want %s", n, id, x.Act.Action, x.Failure, x.Detail, text)
			}
			s.told = append(s.told, told{observe(id, n, 0), x.Act})
		}
		s.Committed(n)
		if n%3 == 2 {
			if err := s.Snapshot(t.Context(), n); err != nil {
				t.Fatal(err)
			}
		}
	}
}
