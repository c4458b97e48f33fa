package supervisor

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// person is an agent that somebody plays.
func person(id string) Spec {
	return Spec{ID: id, Kind: kind("human"), Agents: []agent.Init{{Agent: id, Config: []byte(`{"trade":"smith"}`)}}, Ephemeral: true}
}

// play answers for a person, once something is asked, with the number of its attempt.
func (s *stage) play(id string) (q *Question, err error) {
	for {
		q, changed, err := s.Asked(id)
		if err != nil {
			return nil, err
		}
		if q != nil {
			return q, s.Reply(agent.Act{Agent: id, Tick: q.Tick, Action: fmt.Appendf(nil, "%d", q.Attempt)}, q.Attempt)
		}
		<-changed
	}
}

func TestPersonAnswers(t *testing.T) {
	s := open(t, person("a"), spec("b", "count"))
	if err := s.Reply(agent.Act{Agent: "a"}, 1); !errors.Is(err, ErrNotAsked) {
		t.Errorf("before anything is asked: %v", err)
	}
	for _, err := range []error{s.Reply(agent.Act{Agent: "b"}, 1), s.Reply(agent.Act{Agent: "nobody"}, 1)} {
		if !errors.Is(err, ErrNoPerson) {
			t.Errorf("of no person: %v", err)
		}
	}
	var q *Question
	var err error
	var wg sync.WaitGroup
	wg.Go(func() { q, err = s.play("a") })
	got := s.tick(0, time.Hour, "a b")
	wg.Wait()
	if want(t, got, "a", "", `1`); got["a"].Took <= 0 || err != nil {
		t.Errorf("got %+v, %v", got["a"], err)
	}
	want(t, got, "b", "", `{"n":1}`)
	if q.Left <= 0 || q.Left > time.Hour || string(q.Config) != `{"trade":"smith"}` || string(q.Observation) != `{}` {
		t.Errorf("asked %+v", q)
	}
	again := observe("a", 1, 0)
	again.Attempt, again.Error = 2, "no such move"
	wg.Go(func() { q, err = s.play("a") })
	want(t, s.put([]*agent.Observe{&again}), "a", "", `2`)
	wg.Wait()
	if q.Left != 0 || q.Error != "no such move" || err != nil {
		t.Errorf("asked again: %+v, %v", q, err)
	}
}

// Of many who answer at once one does, and the others are told.
func TestPersonAnswersOnce(t *testing.T) {
	s := open(t, person("a"))
	errs := make([]error, 8)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { _, errs[i] = s.play("a") })
	}
	want(t, s.tick(0, 0, "a"), "a", "", `1`)
	s.Stop("over")
	wg.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, ErrNotAsked) && !errors.Is(err, ErrStopped):
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d answers counted", won)
	}
}

// What is not answered in time is taken back: nothing is owed.
func TestPersonIsLate(t *testing.T) {
	s := open(t, person("a"))
	if got := s.tick(0, time.Millisecond, "a"); !got["a"].Timed {
		t.Errorf("got %+v", got["a"])
	} else {
		want(t, got, "a", agent.Deadline, "no answer within 1ms")
	}
	if err := s.Reply(agent.Act{Agent: "a"}, 1); !errors.Is(err, ErrNotAsked) || s.Owes("a") {
		t.Errorf("too late: %v", err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = s.play("a") })
	want(t, s.tick(1, time.Hour, "a"), "a", "", `1`)
	wg.Wait()
	for _, wrong := range []struct{ tick, attempt int }{{1, 1}, {2, 2}, {0, 1}} {
		if err := s.Reply(agent.Act{Agent: "a", Tick: wrong.tick}, wrong.attempt); !errors.Is(err, ErrNotAsked) {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
}

// The policy restart gives a person the same time once more.
func TestPersonIsGivenTime(t *testing.T) {
	p := person("a")
	p.DeadlineAsks = 3
	s := open(t, p)
	began := time.Now()
	want(t, s.tick(0, 20*time.Millisecond, "a"), "a", agent.Deadline, "no answer within 20ms")
	if took := time.Since(began); took < 60*time.Millisecond {
		t.Errorf("it was over after %s", took)
	}
}

// Who waits is told when there is nothing more to wait for.
func TestPersonEnds(t *testing.T) {
	s := open(t, person("a"), person("b"))
	var wg sync.WaitGroup
	ended := func(id string, want error) {
		wg.Go(func() {
			for {
				_, changed, err := s.Asked(id)
				if err != nil {
					if !errors.Is(err, want) {
						t.Errorf("%s: %v", id, err)
					}
					return
				}
				<-changed
			}
		})
	}
	ended("a", ErrRetired)
	ended("b", ErrStopped)
	s.Strike("a", agent.Strike{Kill: true})
	s.Retire([]string{"a"}, "done")
	o := observe("b", 0, time.Hour)
	s.Ask([]*agent.Observe{&o})
	s.Kill()
	if list := s.Statuses(); list[0].State != Stopped || len(list[0].Agents) != 0 || list[1].State != Ready || list[1].PID != 0 {
		t.Errorf("%+v", list)
	}
	s.Stop("over")
	wg.Wait()
	if err := s.Reply(agent.Act{Agent: "b"}, 1); !errors.Is(err, ErrStopped) {
		t.Errorf("after the end: %v", err)
	}
}
