package world

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// maxConformanceTicks ends worlds that have no end of their own.
const maxConformanceTicks = 40

// TestConformance holds every world of the table against what World promises.
func TestConformance(t *testing.T) {
	for _, name := range Kinds() {
		k := kinds[name]
		t.Run(name, func(t *testing.T) {
			t.Run("same as a process", func(t *testing.T) { conformAsProcess(t, name, k.example) })
			t.Run("deterministic", func(t *testing.T) { conformDeterministic(t, name, k.example) })
			t.Run("garbage", func(t *testing.T) { conformGarbage(t, name, k.example) })
			t.Run("failures", func(t *testing.T) { conformFailures(t, name, k.example) })
			t.Run("turns", func(t *testing.T) { conformTurns(t, name, k.example) })
			t.Run("ready", func(t *testing.T) { conformReady(t, name, k.example) })
			t.Run("state", func(t *testing.T) { conformState(t, name, k.example) })
			t.Run("bad state", func(t *testing.T) { conformBadState(t, name, k.example) })
		})
	}
}

// A choice gives the action of an asked agent.
type choice func(tick, n int, id string) Action

func legal(e example) choice {
	return func(tick, n int, id string) Action { return act(id, e.actions[(tick*3+n)%len(e.actions)]) }
}

// play runs a world to its end and gives all it said as text, one line a tick.
// It checks what holds for any world.
func play(t *testing.T, w World, e example, choose choice) []string {
	t.Helper()
	ready, err := w.Start(t.Context(), Init{
		Run: "r", Seed: 42, Config: []byte(e.config), Agents: agentsOf(e.agents...),
	})
	if err != nil {
		t.Fatal(err)
	}
	living := make(map[string]bool)
	for _, id := range e.agents {
		living[id] = true
	}
	said := []string{string(appendReady(nil, ready, false))}
	observations := ready.Observations
	for tick := range maxConformanceTicks {
		checkLiving(t, tick, observations, living)
		var actions []Action
		for n, o := range observations {
			actions = append(actions, choose(tick, n, o.Agent))
		}
		stepped, err := w.Step(t.Context(), tick, actions)
		if err != nil {
			t.Fatalf("tick %d: %v", tick, err)
		}
		checkStepped(t, tick, stepped, living)
		said = append(said, string(appendStepped(nil, stepped)))
		if stepped.Done {
			return said
		}
		observations = stepped.Observations
	}
	return said
}

func checkLiving(t *testing.T, tick int, observations []Observation, living map[string]bool) {
	t.Helper()
	for i, o := range observations {
		if !living[o.Agent] {
			t.Errorf("tick %d: an observation for %s, which does not live", tick, o.Agent)
		}
		if i > 0 && observations[i-1].Agent >= o.Agent {
			t.Errorf("tick %d: observations of %s and %s are out of order", tick, observations[i-1].Agent, o.Agent)
		}
		checkCompact(t, tick, o.JSON)
	}
}

// checkStepped looks at one tick's answer and enters who comes and goes.
func checkStepped(t *testing.T, tick int, s Stepped, living map[string]bool) {
	t.Helper()
	for i, score := range s.Scores {
		if !living[score.Agent] {
			t.Errorf("tick %d: a score of %s, which does not live", tick, score.Agent)
		}
		if i > 0 && s.Scores[i-1].Agent >= score.Agent {
			t.Errorf("tick %d: scores are out of order", tick)
		}
		var number json.Number
		if err := json.Unmarshal(score.Value, &number); err != nil {
			t.Errorf("tick %d: the score %s is no number", tick, score.Value)
		}
	}
	if !slices.IsSortedFunc(s.Columns, func(a, b Column) int { return strings.Compare(a.Name, b.Name) }) {
		t.Errorf("tick %d: columns %v are out of order", tick, s.Columns)
	}
	for _, column := range s.Columns {
		checkCompact(t, tick, column.Value)
	}
	for _, event := range s.Events {
		checkCompact(t, tick, event)
	}
	for _, id := range s.Remove {
		delete(living, id)
	}
	for _, a := range s.Add {
		living[a.ID] = true
		checkCompact(t, tick, a.Config)
	}
}

func checkCompact(t *testing.T, tick int, text []byte) {
	t.Helper()
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil || !bytes.Equal(compact.Bytes(), text) {
		t.Errorf("tick %d: %s is not compact JSON (%v)", tick, text, err)
	}
}

func checkSame(t *testing.T, what string, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d lines where %d are wanted", what, len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("%s differs:\n%s\nwant:\n%s", what, got[i], want[i])
		}
	}
}

func conformAsProcess(t *testing.T, kind string, e example) {
	want := play(t, mustNew(t, kind, e.config), e, legal(e))
	w := newProcess(t, Program{Start: starter(serving(kind))})
	checkSame(t, "the world as a process", play(t, w, e, legal(e)), want)
}

func conformDeterministic(t *testing.T, kind string, e example) {
	want := play(t, mustNew(t, kind, e.config), e, legal(e))
	checkSame(t, "a second game", play(t, mustNew(t, kind, e.config), e, legal(e)), want)
	if len(want) < 3 {
		t.Errorf("the example is over after %d ticks; the suite wants two at least", len(want)-1)
	}
}

// conformGarbage has every piece of garbage refused in every tick, of the
// agent that sent it alone, and without a trace in the game.
func conformGarbage(t *testing.T, kind string, e example) {
	want := play(t, mustNew(t, kind, e.config), e, legal(e))
	w := mustNew(t, kind, e.config)
	got := play(t, &refusing{World: w, t: t, garbage: e.garbage}, e, legal(e))
	checkSame(t, "a game with garbage", got, want)
}

// refusing is a world that tries garbage before each step.
type refusing struct {
	World
	t       *testing.T
	garbage []string
}

func (r *refusing) Step(ctx context.Context, tick int, actions []Action) (Stepped, error) {
	for i, garbage := range r.garbage {
		if len(actions) == 0 {
			break
		}
		tried := slices.Clone(actions)
		who := &tried[i%len(tried)]
		who.JSON = []byte(garbage)
		_, err := r.World.Step(ctx, tick, tried)
		refusal := wantRefusal(r.t, err)
		if len(refusal.Why) != 1 || refusal.Why[who.Agent] == "" {
			r.t.Errorf("tick %d: refused %v, want %s alone, with a reason", tick, refusal.Why, who.Agent)
		}
	}
	return r.World.Step(ctx, tick, actions)
}

// conformFailures lets everybody fail in every way, and then end themselves.
func conformFailures(t *testing.T, kind string, e example) {
	failures := []agent.Failure{agent.Deadline, agent.Crash, agent.Refused, agent.InvalidAction}
	play(t, mustNew(t, kind, e.config), e, func(tick, n int, id string) Action {
		return fail(id, failures[(tick+n)%len(failures)])
	})
	w := mustNew(t, kind, e.config)
	ready := mustStart(t, w, e.agents...)
	var actions []Action
	for _, id := range slices.Sorted(slices.Values(e.agents)) {
		actions = append(actions, fail(id, agent.Done))
	}
	if stepped := mustStep(t, w, 0, actions...); len(stepped.Observations) != 0 {
		t.Errorf("observations %v for agents that ended", stepped.Observations)
	}
	if len(ready.Observations) == 0 {
		t.Error("nobody is asked in tick 0")
	}
}

// conformTurns holds what a world says of its length against a game.
func conformTurns(t *testing.T, kind string, e example) {
	w, ok := mustNew(t, kind, e.config).(Lasting)
	if !ok {
		return
	}
	mustStart(t, w.(World), e.agents...)
	asked := map[string]int{}
	play(t, mustNew(t, kind, e.config), e, func(tick, n int, id string) Action {
		asked[id]++
		return legal(e)(tick, n, id)
	})
	exact := 0
	for _, id := range e.agents {
		turns := w.Turns(id)
		if asked[id] > turns {
			t.Errorf("%s is asked %d times, not %d", id, asked[id], turns)
		}
		if asked[id] == turns {
			exact++
		}
	}
	if exact == 0 {
		t.Errorf("nobody is asked as often as it says, but %v", asked)
	}
	if turns := w.Turns("nobody"); turns < 0 {
		t.Errorf("an agent that is not there has %d turns", turns)
	}
}

// conformReady holds what a world says before the game against its example.
func conformReady(t *testing.T, kind string, e example) {
	w := mustNew(t, kind, e.config)
	ready := mustStart(t, w, e.agents...)
	var noop []byte
	if n, ok := w.(Nooper); ok {
		noop = n.Noop()
	}
	if !bytes.Equal(noop, ready.Noop) {
		t.Errorf("noop is %s once constructed and %s once started", noop, ready.Noop)
	}
	all, err := compileSchemas(ready.ActionSchemas)
	if err != nil {
		t.Fatal(err)
	}
	legal := slices.Clone(e.actions)
	if noop != nil {
		legal = append(legal, string(noop))
	}
	for _, action := range legal {
		if refusal := all.refuse([]Action{act(e.agents[0], action)}); refusal != nil {
			t.Errorf("the schema refuses the legal %s: %v", action, refusal)
		}
	}
	for _, action := range e.garbage {
		if refusal := all.refuse([]Action{act(e.agents[0], action)}); refusal == nil {
			t.Errorf("the schema lets %s through", action)
		}
	}
	if len(e.actions) == 0 {
		t.Error("the example has no legal action")
	}
}
