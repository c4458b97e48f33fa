package supervisor

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// fromRecord is an agent that answers from a record of three ticks.
func fromRecord(id string) Spec {
	s := Spec{ID: id, Kind: kind("recorded"), Agents: []agent.Init{{Agent: id}}, Ephemeral: true}
	s.Recorded = func(id string, tick int) (agent.Answer, bool, error) {
		switch tick {
		case 0:
			return agent.Answer{Act: agent.Act{Action: fmt.Appendf(nil, "%q", id), Done: true}}, true, nil
		case 1:
			return agent.Answer{Failure: agent.Deadline, Unsent: true, Detail: "as on record"}, true, nil
		case 2:
			return agent.Answer{}, false, errors.New("the disk is broken")
		}
		return agent.Answer{}, false, nil
	}
	return s
}

func TestRecorded(t *testing.T) {
	s := open(t, fromRecord("a"), fromRecord("b"), spec("c", "count"))
	got := s.tick(0, time.Minute, "a b c")
	want(t, got, "a", "", `"a"`)
	want(t, got, "b", "", `"b"`)
	want(t, got, "c", "", `{"n":1}`)
	if a := got["a"]; !a.Act.Done || a.Act.Agent != "a" || a.Act.Tick != 0 {
		t.Errorf("got %+v", a)
	}
	o := observe("a", 0, 0)
	o.Attempt = 2
	want(t, s.put([]*agent.Observe{&o}), "a", agent.Refused, "no other answer")
	got = s.tick(1, time.Minute, "a")
	if want(t, got, "a", agent.Deadline, "as on record"); !got["a"].Unsent || got["a"].Timed {
		t.Errorf("got %+v", got["a"])
	}
	got = s.tick(2, time.Minute, "a")
	if want(t, got, "a", agent.Spawn, "the disk is broken"); !got["a"].Timed {
		t.Errorf("got %+v", got["a"])
	}
	want(t, s.tick(3, time.Minute, "a"), "a", agent.Refused, "no answer for tick 3")
	s.Strike("a", agent.Strike{Kill: true})
	s.Retire([]string{"b"}, "done")
	s.Kill()
	if list := s.Statuses(); list[0].State != Ready || list[1].State != Stopped || len(list[1].Agents) != 0 {
		t.Errorf("%+v", list)
	}
}
