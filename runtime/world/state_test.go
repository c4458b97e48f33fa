package world

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// A story is a game as it was played, with its state before each tick.
type story struct {
	kind    string
	e       example
	states  [][]byte
	actions [][]Action
	said    []string // before the first tick, and in each
}

func (s *story) init() Init {
	return Init{Run: "r", Seed: 42, Config: []byte(s.e.config), Agents: agentsOf(s.e.agents...)}
}

// tell plays a random game: now and then somebody fails, leaves, or has left
// without being asked.
func tell(t *testing.T, w World, kind string, e example, seed uint64) *story {
	t.Helper()
	s := &story{kind: kind, e: e}
	rng := rand.New(rand.NewPCG(seed, 0))
	ready, err := w.Start(t.Context(), s.init())
	if err != nil {
		t.Fatal(err)
	}
	s.said = append(s.said, string(appendReady(nil, ready, true)))
	asked := ready.Observations
	for tick := range maxConformanceTicks {
		state, err := w.(Snapshotter).Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		checkCompact(t, tick, state)
		s.states = append(s.states, state)
		var actions []Action
		for _, o := range asked {
			actions = append(actions, anyAction(rng, o.Agent, e.actions))
		}
		stepped, err := w.Step(t.Context(), tick, actions)
		if err != nil {
			t.Fatalf("tick %d: %v", tick, err)
		}
		s.actions = append(s.actions, actions)
		s.said = append(s.said, string(appendStepped(nil, stepped)))
		if asked = stepped.Observations; stepped.Done {
			break
		}
	}
	return s
}

func anyAction(rng *rand.Rand, id string, legal []string) Action {
	switch n := rng.IntN(100); {
	case n < 80:
		return act(id, legal[rng.IntN(len(legal))])
	case n < 97:
		return fail(id, agent.Deadline)
	default:
		return fail(id, agent.Done)
	}
}

// resume starts a world before a tick of the story and has it told to its end.
func (s *story) resume(t *testing.T, w World, tick int) {
	t.Helper()
	what := fmt.Sprintf("%s from its state before tick %d", s.kind, tick)
	init := s.init()
	init.State, init.Tick = s.states[tick], tick
	ready, err := w.Start(t.Context(), init)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if state, err := w.(Snapshotter).Snapshot(t.Context()); err != nil || !bytes.Equal(state, s.states[tick]) {
		t.Errorf("%s: the state is then %s, %v; want %s", what, state, err, s.states[tick])
	}
	checkSame(t, what+": the observations", []string{observed(t, string(appendReady(nil, ready, true)))}, []string{observed(t, s.said[tick])})
	for ; tick < len(s.actions); tick++ {
		stepped, err := w.Step(t.Context(), tick, s.actions[tick])
		if err != nil {
			t.Fatalf("%s: tick %d: %v", what, tick, err)
		}
		checkSame(t, what, []string{string(appendStepped(nil, stepped))}, []string{s.said[tick+1]})
	}
}

// observed takes the observations out of a line.
func observed(t *testing.T, text string) string {
	t.Helper()
	l, err := readLine([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if observations := string(l.fields["observations"]); observations != "" {
		return observations
	}
	return `{}`
}

// conformState has random games go on from the state of every tick, in a new
// world and in a new process, as they went on then.
func conformState(t *testing.T, kind string, e example) {
	if _, ok := mustNew(t, kind, e.config).(Snapshotter); !ok {
		t.Fatal("it is no Snapshotter")
	}
	for seed := range uint64(20) {
		s := tell(t, mustNew(t, kind, e.config), kind, e, seed)
		for tick := range s.states {
			s.resume(t, mustNew(t, kind, e.config), tick)
		}
		if seed > 2 {
			continue
		}
		s = tell(t, newProcess(t, Program{Start: starter(serving(kind))}), kind, e, seed)
		for tick := range s.states {
			s.resume(t, newProcess(t, Program{Start: starter(serving(kind))}), tick)
		}
	}
}

// conformBadState has a world refuse states that are none of its own.
func conformBadState(t *testing.T, kind string, e example) {
	if _, ok := mustNew(t, kind, e.config).(Snapshotter); !ok {
		t.Skip("it is no Snapshotter")
	}
	s := tell(t, mustNew(t, kind, e.config), kind, e, 1)
	good := string(s.states[1])
	for _, bad := range []struct {
		state string
		tick  int
	}{
		{good, 0},
		{good + " {}", 1},
		{good[:len(good)-1], 1},
		{`{}`, 1},
		{`null`, 1},
		{`[]`, 1},
		{`"x"`, 1},
		{strings.Replace(good, `{`, `{"mood":1,`, 1), 1},
		{strings.Replace(good, `"tick":1`, `"tick":-1`, 1), -1},
	} {
		init := s.init()
		init.State, init.Tick = []byte(bad.state), bad.tick
		_, err := mustNew(t, kind, e.config).Start(t.Context(), init)
		if err == nil {
			t.Errorf("%s takes the state %s for tick %d", kind, bad.state, bad.tick)
			continue
		}
		wantError(t, err, "cannot start the world from a state: ")
	}
}

// What a state says that cannot be in this game.
func TestStatesOfOtherGames(t *testing.T) {
	for _, test := range []struct{ kind, old, new, want string }{
		{"conversation", `"round":1`, `"round":9`, "round 9, seat 1 are none of 2 rounds of 3 agents"},
		{"conversation", `"seat":1`, `"seat":3`, "round 1, seat 3 are none"},
		{"conversation", `"seat":1`, `"seat":1,"gone":["dora"]`, `agent "dora", which does not play`},
		{"grid-game", `"cells":"`, `"cells":"A`, "13 cells where the grid has 12"},
		{"grid-game", `"cells":"A`, `"cells":"C`, `cell 0 makes move "C" of a game of 2 moves`},
		{"grid-game", `"totals":[`, `"totals":[0,`, "13 scores where the grid has 12 cells"},
		{"matrix-game", `"a-1"`, `"a-9"`, "it lacks player a-1"},
		{"matrix-game", `"a-1":{`, `"a-9":{"last":0},"a-1":{`, "8 players where 7 play"},
		{"matrix-game", `"last":1`, `"last":7`, "is none of a game of 2 moves"},
		{"population", `"number":`, `"number":-`, "the last one born is number -"},
		{"public-goods", `"ann"`, `"zoe"`, "it lacks player ann"},
		{"public-goods", `"ann":{`, `"zoe":{"gave":0},"ann":{`, "5 players where 4 play"},
		{"public-goods", `"gave":`, `"gave":99`, "player ann gave 99"},
		{"public-goods", `"pots":[4,`, `"pots":[5,`, "is none of 4 players"},
		{"tasks", `"answered":3`, `"answered":-3`, "tick 1 with -3 answers"},
		{"werewolf", `"wins":[`, `"wins":[0,`, "10 players in 2 villages where 9 play in 2"},
		{"werewolf", `"game":1`, `"game":3`, "village a is none of a game of 6 players"},
		{"werewolf", `"step":1`, `"step":1,"dead":[{"player":6}]`, "village a is none of a game of 6 players"},
		{"werewolf", `"step":1`, `"step":1,"closed":true`, "village a is no game that goes on"},
		{"population", `"members":{`, `"members":{"rabbit-5":5,`, `member "rabbit-5" is born in tick 5, after tick 1`},
	} {
		e := kinds[test.kind].example
		w := mustNew(t, test.kind, e.config)
		mustStart(t, w, e.agents...)
		actions := []Action{act(e.agents[0], e.actions[0])}
		if test.kind != "conversation" { // where one is asked
			actions = nil
			for _, id := range slices.Sorted(slices.Values(e.agents)) {
				actions = append(actions, act(id, e.actions[0]))
			}
		}
		if test.kind == "matrix-game" { // where some have a bye
			actions = slices.DeleteFunc(actions, func(a Action) bool { return w.(*matrixGame).players[w.(*matrixGame).index[a.Agent]].opponent < 0 })
		}
		mustStep(t, w, 0, actions...)
		state, err := w.(Snapshotter).Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(string(state), test.old, test.new, 1)
		_, err = mustNew(t, test.kind, e.config).Start(t.Context(), Init{Agents: agentsOf(e.agents...), State: []byte(changed), Tick: 1})
		if err == nil {
			t.Errorf("%s takes %s", test.kind, changed)
			continue
		}
		wantError(t, err, "cannot start the world from a state: ", test.want)
	}
}

// A grid of the size that the paper has.
func TestStateOfALargeGridIsCompact(t *testing.T) {
	const config = `{"width":99,"height":99,"moves":["C","D"],"payoffs":{"CC":1,"CD":0,"DC":1.85,"DD":0},"initial":{"all":"C"}}`
	var ids []string
	for i := range 99 * 99 {
		ids = append(ids, fmt.Sprintf("cell-%d", i))
	}
	w := mustNew(t, "grid-game", config)
	mustStart(t, w, ids...)
	state, err := w.(Snapshotter).Snapshot(t.Context())
	if err != nil || len(state) > 10_000 {
		t.Errorf("the state of 9801 cells takes %d bytes, %v", len(state), err)
	}
}

// Whatever a state says, a world takes it or says what is wrong, and plays on.
func FuzzState(f *testing.F) {
	for n, kind := range Kinds() {
		w, err := New(kind, []byte(kinds[kind].example.config))
		if err != nil {
			f.Fatal(err)
		}
		if _, err := w.Start(f.Context(), Init{Agents: agentsOf(kinds[kind].example.agents...)}); err != nil {
			f.Fatal(err)
		}
		state, err := w.(Snapshotter).Snapshot(f.Context())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(n, 0, state)
		f.Add(n, 2, bytes.Replace(state, []byte(`"tick":0`), []byte(`"tick":2`), 1))
	}
	f.Fuzz(func(t *testing.T, n, tick int, state []byte) {
		kind := Kinds()[uint(n)%uint(len(Kinds()))]
		e := kinds[kind].example
		w := mustNew(t, kind, e.config)
		ready, err := w.Start(t.Context(), Init{Agents: agentsOf(e.agents...), State: state, Tick: tick})
		if err != nil || len(ready.Observations) == 0 || len(state) == 0 {
			return
		}
		var actions []Action
		for i, o := range ready.Observations {
			actions = append(actions, act(o.Agent, e.actions[i%len(e.actions)]))
		}
		if _, err := w.Step(t.Context(), tick, actions); err != nil {
			t.Fatalf("%s from %s: %v", kind, state, err)
		}
		if state, err := w.(Snapshotter).Snapshot(t.Context()); err != nil || !json.Valid(state) {
			t.Fatalf("%s: state %s, %v", kind, state, err)
		}
	})
}
