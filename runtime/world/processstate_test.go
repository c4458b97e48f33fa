package world

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// A process that is started from a state and crashes is started from that
// state again, or from a newer one, and told what came since.
func TestProcessFromAStateIsRestoredAfterACrash(t *testing.T) {
	for _, kind := range Kinds() {
		e := kinds[kind].example
		s := tell(t, newProcess(t, Program{Start: starter(serving(kind))}), kind, e, 3)
		for tick := range len(s.states) {
			for _, lives := range [][]int{{1}, {2}, {3}, {1, 2, 4}} { // resume asks for the state at once: line 2
				var programs []program
				for _, n := range lives {
					programs = append(programs, dying(kind, n))
				}
				past := memory(s.actions[:tick])
				w := newProcess(t, Program{
					Start:   starter(append(programs, serving(kind))...),
					History: past.history,
				})
				s.resume(t, &keeping{process: w, past: &past}, tick)
			}
		}
	}
}

// keeping is a process whose outcomes go on record.
type keeping struct {
	*process
	past *memory
}

func (k *keeping) Step(ctx context.Context, tick int, actions []Action) (Stepped, error) {
	stepped, err := k.process.Step(ctx, tick, actions)
	if err == nil {
		k.past.add(actions)
	}
	return stepped, err
}

func TestProcessBeginsWithItsNewestState(t *testing.T) {
	var asked []int
	w := newProcess(t, Program{
		Start: starter(dyingCounter(5), dyingCounter(3), counting),
		History: func(_ context.Context, from int, yield func(int, []Action) error) error {
			asked = append(asked, from)
			return yield(from, nil)
		},
	})
	mustStart(t, w, "a")
	mustStep(t, w, 0, act("a", `1`))
	mustStep(t, w, 1, act("a", `1`))
	if _, err := w.Snapshot(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustStep(t, w, 2, act("a", `1`)) // it dies on hearing of it, and is at tick 2 again at once
	mustStep(t, w, 3, act("a", `1`)) // and again, and is stepped through tick 2
	if got := fmt.Sprint(asked); got != "[2]" {
		t.Errorf("the record was read from %s, want [2]", got)
	}
}

func dyingCounter(n int) program { return dyingOf(counting, n) }

// A process's state has who came and went: what the next one says of them is
// held against that.
func TestProcessStateKnowsTheAgents(t *testing.T) {
	const (
		ready   = `{"type":"ready","observations":{"a":1,"b":2},"snapshot":true}`
		stepped = `{"type":"stepped","observations":{"a":1,"c":3},"add":[{"id":"c"},{"id":"d"}],"remove":["d2"]}`
		state   = `{"type":"state","state":{"x": "<>"}}`
	)
	w := newProcess(t, Program{Start: starter(script(ready, strings.Replace(stepped, `"d2"`, ``, 1), `{"type":"stepped","remove":["c","b"]}`, state))})
	mustStart(t, w, "a", "b", "e")
	mustStep(t, w, 0, act("a", `1`), act("b", `1`), fail("e", "done"))
	mustStep(t, w, 1, act("a", `1`), act("c", `1`))
	text, err := w.Snapshot(t.Context())
	const want = `{"added":["c","d"],"left":["e"],"removed":["b","c"],"state":{"x":"<>"}}`
	if err != nil || string(text) != want {
		t.Fatalf("got %s, %v, want %s", text, err, want)
	}
	for _, test := range []struct{ ready, want string }{
		{`{"type":"ready","observations":{"a":1,"d":2,"e":7},"snapshot":true}`, ""}, // e may not be understood to have left
		{`{"type":"ready","observations":{"b":1}}`, `"b"] is for an agent that was removed`},
		{`{"type":"ready","observations":{"c":1}}`, `"c"] is for an agent that was removed`},
		{`{"type":"ready","observations":{"f":1}}`, `"f"] is for an agent that is not there`},
	} {
		later := newProcess(t, Program{Start: starter(script(test.ready, `{"type":"stepped","add":[{"id":"c"}]}`, state))})
		got, err := later.Start(t.Context(), Init{Agents: agentsOf("a", "b", "e"), State: text, Tick: 2})
		if test.want != "" {
			wantError(t, err, "cannot start the world: ready.observations[", test.want)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		checkObservations(t, got.Observations, "a", "1", "d", "2")
		if again, err := later.Snapshot(t.Context()); err == nil {
			t.Errorf("got the state %s of a stepped line", again)
		}
	}
}

func TestProcessRefusesStates(t *testing.T) {
	for _, test := range []struct{ state, want string }{
		{`{}`, "it lacks what the world's process told"},
		{`7`, "cannot unmarshal number"},
		{`{"n":2}`, `unknown field "n"`},
		{`{"added":["a"],"state":1}`, `agent "a" is added, and was there`},
		{`{"left":["x"],"state":1}`, `agent "x" went, and was not there`},
		{`{"left":["a"],"removed":["a"],"state":1}`, `agent "a" went, and was not there`},
	} {
		w := newProcess(t, Program{Start: starter(script(`{"type":"ready"}`))})
		_, err := w.Start(t.Context(), Init{Agents: agentsOf("a"), State: []byte(test.state), Tick: 1})
		wantError(t, err, "cannot start the world from a state: ", test.want)
	}
	cs := &children{kind: "population"}
	w := newProcess(t, Program{Start: cs.start})
	e := kinds["population"].example
	_, err := w.Start(t.Context(), Init{Config: []byte(e.config), Agents: agentsOf(e.agents...), State: []byte(`{"state":{"tick":4}}`), Tick: 5})
	wantError(t, err, "cannot start the world: its process failed twice", "cannot start the world from a state: it is of tick 4, and tick 5 is to be played")
}
