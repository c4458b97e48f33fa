package world

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// dying serves a world and dies on reading its nth line, before answering.
func dying(kind string, n int) program { return dyingOf(serving(kind), n) }

// dyingOf is a program that dies so.
func dyingOf(whole program, n int) program {
	return func(ctx context.Context, in io.Reader, out, stderr io.Writer) error {
		passR, passW := io.Pipe()
		served := make(chan error, 1)
		go func() { served <- whole(ctx, passR, out, stderr) }()
		lines := bufio.NewReader(in)
		var err error
		for i := 1; ; i++ {
			var text []byte
			if text, err = lines.ReadBytes('\n'); err != nil {
				break
			}
			if i == n {
				err = errors.New("out of luck")
				break
			}
			if _, err = passW.Write(text); err != nil {
				break
			}
		}
		_ = passW.Close()
		serr := <-served
		if errors.Is(err, io.EOF) {
			return serr
		}
		return err
	}
}

// remembering is a world whose outcomes go on record.
type remembering struct {
	World
	past *memory
}

func (r *remembering) Step(ctx context.Context, tick int, actions []Action) (Stepped, error) {
	stepped, err := r.World.Step(ctx, tick, actions)
	if err == nil {
		r.past.add(actions)
	}
	return stepped, err
}

func TestProcessIsRestoredAfterACrash(t *testing.T) {
	for _, kind := range Kinds() {
		e := kinds[kind].example
		want := play(t, mustNew(t, kind, e.config), e, legal(e))
		// Line 1 is init; each process lives through a few more ticks than the
		// last: it is sent all of them again.
		for _, lives := range [][]int{{1}, {2}, {3}, {2, 3, 4}, {1, 2, 4}} {
			var programs []program
			for _, n := range lives {
				programs = append(programs, dying(kind, n))
			}
			programs = append(programs, serving(kind))
			var past memory
			restarts := 0
			w := newProcess(t, Program{
				Start: starter(programs...), History: past.history,
				Restarted: func(int, string) { restarts++ },
			})
			got := play(t, &remembering{w, &past}, e, legal(e))
			checkSame(t, fmt.Sprintf("%s with crashes at lines %v", kind, lives), got, want)
			if wanted := min(len(lives), len(want)); restarts != wanted {
				t.Errorf("%s with crashes at lines %v: %d restarts, want %d", kind, lives, restarts, wanted)
			}
		}
	}
}

func TestProcessThatCrashesTwiceInATick(t *testing.T) {
	past := memory{}
	w, _, err := startAB(t, Program{
		Start: starter(script(readyAB, `{"type":"stepped"}`, "exit"), script(readyAB, `{"type":"stepped"}`, "exit")), History: past.history,
	})
	if err != nil {
		t.Fatal(err)
	}
	mustStep(t, w, 0, actionsAB...)
	past.add(actionsAB)
	_, err = w.Step(t.Context(), 1, actionsAB)
	wantError(t, err, "cannot step the world at tick 1", "failed twice in this tick", "ended: exit status 1", "it said last:\n", "a bug in the world")
}

func TestProcessThatCrashesTwiceAtItsStart(t *testing.T) {
	_, _, err := startAB(t, Program{Start: starter(script("exit"), script("exit"))})
	wantError(t, err, "cannot start the world: its process failed twice; the second time it ended: exit status 1", "a bug in the world")
}

func TestProcessMayCrashOnceInEachTick(t *testing.T) {
	const stepped = `{"type":"stepped"}`
	past := memory{}
	w, _, err := startAB(t, Program{
		Start:   starter(script(readyAB, "exit"), script(readyAB, stepped, "exit"), script(readyAB, stepped, stepped, stepped)),
		History: past.history,
	})
	if err != nil {
		t.Fatal(err)
	}
	for tick := range 3 {
		mustStep(t, w, tick, actionsAB...)
		past.add(actionsAB)
	}
}

func TestProcessThatCannotBeRestored(t *testing.T) {
	const stepped = `{"type":"stepped"}`
	whole := memory{actionsAB}
	shift := func(_ context.Context, _ int, yield func(int, []Action) error) error { return yield(1, actionsAB) }
	for _, test := range []struct {
		second  program
		history History
		want    string
	}{
		{script(readyAB, stepped), nil, "there is no record to restore another from"},
		{script(readyAB, stepped), new(memory).history, "the record ends before tick 0 where 1 is wanted"},
		{script(readyAB, stepped), shift, "the record gives tick 1 where 0 of 1 is wanted"},
		{script(readyAB, `{"type":"refused","tick":0,"refused":{"a":"no"}}`), whole.history, "the world refuses at tick 0 what it took before: it is not deterministic"},
		{script(readyAB, `{"type":"stepped","tick":9}`), whole.history, "stepped.tick is 9 where 0 is wanted"},
		{script(`{"type":"ready","snapshot":0}`), whole.history, "ready.snapshot is 0"},
	} {
		w, _, err := startAB(t, Program{Start: starter(script(readyAB, stepped, "exit"), test.second), History: test.history})
		if err != nil {
			t.Fatal(err)
		}
		mustStep(t, w, 0, actionsAB...)
		_, err = w.Step(t.Context(), 1, actionsAB)
		wantError(t, err, "cannot step the world at tick 1", test.want)
	}
}

// A counter is a world with a state: the ticks it has seen.
type counter struct{ n int }

func (c *counter) Start(_ context.Context, init Init) (Ready, error) {
	c.n = init.Tick
	if len(init.State) > 0 && string(init.State) != fmt.Sprintf(`{"n":%d}`, c.n) {
		return Ready{}, fmt.Errorf("state %s at tick %d", init.State, init.Tick)
	}
	return Ready{Observations: c.observe()}, nil
}

func (c *counter) Step(_ context.Context, tick int, _ []Action) (Stepped, error) {
	if tick != c.n {
		return Stepped{}, fmt.Errorf("tick %d after %d", tick, c.n)
	}
	c.n++
	return Stepped{Observations: c.observe()}, nil
}

func (c *counter) observe() []Observation {
	return []Observation{{Agent: "a", JSON: fmt.Appendf(nil, "%d", c.n)}}
}

func (c *counter) Snapshot(context.Context) ([]byte, error) {
	return fmt.Appendf(nil, `{"n":%d}`, c.n), nil
}

func counting(ctx context.Context, in io.Reader, out, _ io.Writer) error {
	err := Serve(ctx, in, out, func([]byte) (World, error) { return new(counter), nil })
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func TestProcessGivesAndTakesItsState(t *testing.T) {
	w := newProcess(t, Program{Start: starter(counting)})
	mustStart(t, w, "a")
	mustStep(t, w, 0, act("a", `1`))
	mustStep(t, w, 1, act("a", `1`))
	state, err := w.Snapshot(t.Context())
	if err != nil || string(state) != `{"state":{"n":2}}` {
		t.Fatalf("state %s, error %v", state, err)
	}
	later := newProcess(t, Program{Start: starter(counting)})
	ready, err := later.Start(t.Context(), Init{Agents: agentsOf("a"), State: state, Tick: 2})
	if err != nil {
		t.Fatal(err)
	}
	checkObservations(t, ready.Observations, "a", "2")
	checkObservations(t, mustStep(t, later, 2, act("a", `1`)).Observations, "a", "3")
}

func TestProcessWithoutStateHasNone(t *testing.T) {
	w, _, err := startAB(t, Program{Start: starter(script(readyAB))})
	if err != nil {
		t.Fatal(err)
	}
	if state, err := w.Snapshot(t.Context()); state != nil || err != nil {
		t.Errorf("state %s, error %v, want neither", state, err)
	}
	w, _, err = startAB(t, Program{Start: starter(script(`{"type":"ready","snapshot":true}`, `{"type":"state"}`))})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Snapshot(t.Context())
	wantError(t, err, "cannot take a snapshot of the world before tick 0: state.state is missing")
}

func TestServeSaysWhatItCannotRead(t *testing.T) {
	const init = `{"type":"init","protocol":1,"run":"r","seed":1,"config":{"rounds":2},"agents":[{"id":"a"}]}` + "\n"
	for _, test := range []struct{ in, want string }{
		{`{"type":"step","tick":0}`, "step comes out of order"},
		{init + init, "init comes out of order"},
		{strings.Replace(init, `l":1`, `l":2`, 1), "init.protocol is 2; this world speaks 1"},
		{strings.Replace(init, `d":1`, `d":-1`, 1), "init.seed is no whole number from 0 on"},
		{strings.Replace(init, `"rounds":2`, `"rounds":0`, 1), "config.rounds: 0 is not between 1"},
		{strings.Replace(init, `[{"id":"a"}]`, `{}`, 1), "init.agents is {} where an array is wanted"},
		{init + `{"type":"step"}`, "step.tick is missing"},
		{init + `{"type":"step","tick":0,"actions":[1]}`, "step.actions has an item 1 where an object is wanted"},
		{init + `{"type":"step","tick":3}`, "tick 3 where 0 is next"},
		{strings.Replace(init, `}]}`, `}],"state":{"tick":1},"tick":2}`, 1), "cannot start the world from a state: it is of tick 1, and tick 2 is to be played"},
		{strings.Replace(init, `}]}`, `}],"state":[]}`, 1), "cannot start the world from a state: it is none of this kind of world: json: cannot unmarshal array"},
		{init + `{"type":"step",`, "a line is no message"},
	} {
		var out bytes.Buffer
		err := Serve(t.Context(), strings.NewReader(test.in), &out, func(config []byte) (World, error) { return New("conversation", config) })
		wantError(t, err, "cannot serve the world: ", test.want)
	}
	var out bytes.Buffer
	ignored := "\nhello\n{\"type\":\"later\"}\n"
	if err := Serve(t.Context(), strings.NewReader(ignored+init), &out, func(config []byte) (World, error) { return New("conversation", config) }); err != nil {
		t.Error(err)
	}
	if want := `{"type":"ready","observations":{"a":{"round":1,"rounds":2,"topic":""}},"snapshot":true,"noop":{}}` + "\n"; out.String() != want {
		t.Errorf("answered %s, want %s", out.String(), want)
	}
}
