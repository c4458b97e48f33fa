package runtime

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/runtime/supervisor"
)

// A humans is the people who play agents of a run in the words of those who look at
// runs. They may come before there is a fleet.
type humans struct {
	there chan struct{} // closed once there is one
	fleet *supervisor.Fleet
}

func newHumans() *humans { return &humans{there: make(chan struct{})} }

// open lets people play, once the fleet knows its agents.
func (h *humans) open(f *supervisor.Fleet) {
	h.fleet = f
	close(h.there)
}

func (h *humans) fleetOf() *supervisor.Fleet {
	select {
	case <-h.there:
		return h.fleet
	default:
		return nil
	}
}

// Turn implements observe.Humans.
func (h *humans) Turn(id string) (*observe.HumanTurn, <-chan struct{}, error) {
	f := h.fleetOf()
	if f == nil {
		return nil, h.there, nil
	}
	q, changed, err := f.Asked(id)
	if err != nil {
		return nil, nil, ofPerson(id, err)
	}
	if q == nil {
		return nil, changed, nil
	}
	return turnOf(q), changed, nil
}

// Act implements observe.Humans.
func (h *humans) Act(a agent.Act, attempt int) error {
	f := h.fleetOf()
	if f == nil {
		return fmt.Errorf("%w: the run is starting", observe.ErrNotAsked)
	}
	return ofPerson(a.Agent, f.Reply(a, attempt))
}

// turnOf is what a person is asked, as it is told.
func turnOf(q *supervisor.Question) *observe.HumanTurn {
	t := &observe.HumanTurn{
		Agent: q.Agent, Tick: q.Tick, Attempt: q.Attempt, DeadlineMS: q.Left.Milliseconds(), Observation: q.Observation,
		Messages: make([]observe.HumanMessage, len(q.Messages)), Results: make([]json.RawMessage, len(q.Results)),
		Error: q.Error, Schema: q.Schema,
	}
	for i, m := range q.Messages {
		t.Messages[i] = observe.HumanMessage{From: m.From, Channel: m.Channel, Body: m.Body, Redelivered: m.Redelivered}
	}
	for i, r := range q.Results {
		t.Results[i] = r
	}
	if string(q.Config) != "{}" {
		t.Config = q.Config
	}
	return t
}

// ofPerson gives an error of the fleet its meaning for others.
func ofPerson(id string, err error) error {
	for _, is := range []struct {
		of, means error
		usual     string // what else is to be said, where the error does not
	}{
		{supervisor.ErrNoPerson, observe.ErrNotPlayed, id}, {supervisor.ErrNotAsked, observe.ErrNotAsked, id},
		{supervisor.ErrRetired, observe.ErrEnded, id}, {supervisor.ErrStopped, observe.ErrNotRunning, "it is over"},
	} {
		if errors.Is(err, is.of) {
			what := strings.TrimPrefix(strings.TrimPrefix(err.Error(), is.of.Error()), ": ")
			return fmt.Errorf("%w: %s", is.means, cmp.Or(what, is.usual))
		}
	}
	return err
}
