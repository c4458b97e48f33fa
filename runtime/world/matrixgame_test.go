package world

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
)

const prisoners = `"moves":["C","D"],"payoffs":{"CC":3,"CD":0,"DC":5,"DD":1}`

// A strategy gives a move from the moves of both so far in the match.
type strategy func(mine, theirs []string) string

var strategies = map[string]strategy{
	"cooperator": func(_, _ []string) string { return "C" },
	"defector":   func(_, _ []string) string { return "D" },
	"alternator": func(mine, _ []string) string { return []string{"C", "D"}[len(mine)%2] },
	"tft":        func(_, theirs []string) string { return lastOr("C", theirs) },
	"suspicious": func(_, theirs []string) string { return lastOr("D", theirs) },
	"tf2t": func(_, theirs []string) string {
		if n := len(theirs); n >= 2 && theirs[n-1] == "D" && theirs[n-2] == "D" {
			return "D"
		}
		return "C"
	},
	"grudger": func(_, theirs []string) string {
		if slices.Contains(theirs, "D") {
			return "D"
		}
		return "C"
	},
	"win-stay": func(mine, theirs []string) string {
		if n := len(mine); n > 0 && mine[n-1] != theirs[n-1] {
			return "D"
		}
		return "C"
	},
	"majority": func(_, theirs []string) string {
		defections := 0
		for _, move := range theirs {
			if move == "D" {
				defections++
			}
		}
		if 2*defections > len(theirs) {
			return "D"
		}
		return "C"
	},
}

func lastOr(first string, moves []string) string {
	if len(moves) == 0 {
		return first
	}
	return moves[len(moves)-1]
}

type matrixObservation struct {
	Match, Turn, Turns int
	Opponent           string
	Last               *struct{ You, Opponent *string }
	Score              struct{ You, Opponent float64 }
}

// A strategist plays a strategy from what it observes alone.
type strategist struct {
	strategy     strategy
	mine, theirs []string
}

func (s *strategist) act(t *testing.T, observation []byte) string {
	t.Helper()
	var o matrixObservation
	if err := json.Unmarshal(observation, &o); err != nil {
		t.Fatalf("observation %s: %v", observation, err)
	}
	if o.Turn == 0 {
		s.mine, s.theirs = nil, nil
	} else {
		s.mine = append(s.mine, *o.Last.You)
		s.theirs = append(s.theirs, *o.Last.Opponent)
	}
	return fmt.Sprintf(`{"move":%q}`, s.strategy(s.mine, s.theirs))
}

func agentsOf(ids ...string) []Agent {
	agents := make([]Agent, len(ids))
	for i, id := range ids {
		agents[i] = Agent{ID: id, Config: []byte(`{}`)}
	}
	return agents
}

func mustNew(t testing.TB, kind, config string) World {
	t.Helper()
	w, err := New(kind, []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func mustStart(t testing.TB, w World, ids ...string) Ready {
	t.Helper()
	ready, err := w.Start(t.Context(), Init{Run: "r", Seed: 1, Agents: agentsOf(ids...)})
	if err != nil {
		t.Fatal(err)
	}
	return ready
}

func mustStep(t testing.TB, w World, tick int, actions ...Action) Stepped {
	t.Helper()
	stepped, err := w.Step(t.Context(), tick, actions)
	if err != nil {
		t.Fatalf("tick %d: %v", tick, err)
	}
	return stepped
}

func act(id, action string) Action { return Action{Agent: id, JSON: []byte(action)} }

func fail(id string, failure agent.Failure) Action { return Action{Agent: id, Failure: failure} }

// tournament plays to the end and gives final scores and ticks.
func tournament(t *testing.T, turns int, players ...string) (scores map[string]string, ticks int) {
	t.Helper()
	w := mustNew(t, "matrix-game", fmt.Sprintf(`{%s,"turns":%d}`, prisoners, turns))
	seats := make(map[string]*strategist)
	for _, name := range players {
		seats[name] = &strategist{strategy: strategies[name]}
	}
	observations := mustStart(t, w, players...).Observations
	scores = make(map[string]string)
	for {
		var actions []Action
		for _, o := range observations {
			actions = append(actions, act(o.Agent, seats[o.Agent].act(t, o.JSON)))
		}
		stepped := mustStep(t, w, ticks, actions...)
		ticks++
		for _, score := range stepped.Scores {
			scores[score.Agent] = string(score.Value)
		}
		if stepped.Done {
			return scores, ticks
		}
		observations = stepped.Observations
	}
}

func TestMatrixGamePlaysAxelrodsTournament(t *testing.T) {
	scores, ticks := tournament(t, 200, "tft", "tf2t", "grudger", "win-stay", "cooperator", "alternator", "defector", "suspicious")
	want := map[string]string{
		"tft": "3597", "tf2t": "3495", "grudger": "3399", "win-stay": "3351",
		"cooperator": "3297", "alternator": "3260", "defector": "3016", "suspicious": "3008",
	}
	if !maps.Equal(scores, want) {
		t.Errorf("scores %v, want %v", scores, want)
	}
	if ticks != 1400 {
		t.Errorf("%d ticks, want 1400", ticks)
	}
}

func TestMatrixGamePlaysSampleTournaments(t *testing.T) {
	for _, want := range []map[string]string{
		{"cooperator": "30", "tft": "39", "defector": "64"},
		{"cooperator": "60", "tft": "69", "defector": "78", "grudger": "69"},
		{"cooperator": "90", "tft": "99", "defector": "92", "grudger": "99", "majority": "99"},
	} {
		scores, _ := tournament(t, 10, sortedKeys(want)...)
		if !maps.Equal(scores, want) {
			t.Errorf("scores %v, want %v", scores, want)
		}
	}
}

func TestMatrixGameTellsWhatIsDocumented(t *testing.T) {
	w := mustNew(t, "matrix-game", `{`+prisoners+`,"turns":2,"noop":"D"}`)
	ready := mustStart(t, w, "bob", "ann")
	if got := string(w.(Nooper).Noop()); got != `{"move":"D"}` || got != string(ready.Noop) {
		t.Errorf("noop %s, ready says %s", got, ready.Noop)
	}
	if got, want := string(ready.ActionSchemas["*"]), `{"type":"object","required":["move"],"properties":{"move":{"enum":["C","D"]}}}`; got != want {
		t.Errorf("schema %s, want %s", got, want)
	}
	checkObservations(t, ready.Observations,
		"ann", `{"match":0,"turn":0,"turns":2,"opponent":"bob","last":null,"score":{"you":0,"opponent":0}}`,
		"bob", `{"match":0,"turn":0,"turns":2,"opponent":"ann","last":null,"score":{"you":0,"opponent":0}}`)
	stepped := mustStep(t, w, 0, act("ann", `{"move":"C"}`), act("bob", `{"move":"D"}`))
	checkObservations(t, stepped.Observations,
		"ann", `{"match":0,"turn":1,"turns":2,"opponent":"bob","last":{"you":"C","opponent":"D"},"score":{"you":0,"opponent":5}}`,
		"bob", `{"match":0,"turn":1,"turns":2,"opponent":"ann","last":{"you":"D","opponent":"C"},"score":{"you":5,"opponent":0}}`)
	checkScores(t, stepped.Scores, "ann", "0", "bob", "5")
	checkColumns(t, stepped.Columns, "C", "1", "D", "1")
}

func TestMatrixGameForfeits(t *testing.T) {
	w := mustNew(t, "matrix-game", `{`+prisoners+`,"turns":4}`)
	mustStart(t, w, "ann", "bob")
	stepped := mustStep(t, w, 0, act("ann", `{"move":"C"}`), fail("bob", agent.Deadline))
	checkScores(t, stepped.Scores, "ann", "0", "bob", "0")
	checkColumns(t, stepped.Columns, "C", "1", "D", "0")
	checkObservations(t, stepped.Observations,
		"ann", `{"match":0,"turn":1,"turns":4,"opponent":"bob","last":{"you":"C","opponent":null},"score":{"you":0,"opponent":0}}`,
		"bob", `{"match":0,"turn":1,"turns":4,"opponent":"ann","last":{"you":null,"opponent":"C"},"score":{"you":0,"opponent":0}}`)
	stepped = mustStep(t, w, 1, act("ann", `{"move":"D"}`), act("bob", `{"move":"D"}`))
	checkScores(t, stepped.Scores, "ann", "1", "bob", "1")
	stepped = mustStep(t, w, 2, act("ann", `{"move":"D"}`), fail("bob", agent.Done))
	if len(stepped.Scores) != 0 {
		t.Errorf("scores %v after a forfeited turn, want none", stepped.Scores)
	}
	checkObservations(t, stepped.Observations,
		"ann", `{"match":0,"turn":3,"turns":4,"opponent":"bob","last":{"you":"D","opponent":null},"score":{"you":1,"opponent":1}}`)
	if stepped = mustStep(t, w, 3, act("ann", `{"move":"D"}`)); !stepped.Done {
		t.Error("not done after the last turn")
	}
}

func TestMatrixGameTakesAnAbsentAgentForGone(t *testing.T) {
	w := mustNew(t, "matrix-game", `{`+prisoners+`,"turns":3}`)
	mustStart(t, w, "ann", "bob")
	stepped := mustStep(t, w, 0, act("bob", `{"move":"C"}`))
	if len(stepped.Observations) != 1 || stepped.Observations[0].Agent != "bob" {
		t.Errorf("observations %v, want bob's alone", stepped.Observations)
	}
}

func TestMatrixGameRefusesAllAtOnceAndStepsNothing(t *testing.T) {
	w := mustNew(t, "matrix-game", `{`+prisoners+`,"turns":2}`)
	mustStart(t, w, "ann", "bob")
	_, err := w.Step(t.Context(), 0, []Action{act("ann", `{"move":"X"}`), act("bob", `"C"`)})
	refusal := wantRefusal(t, err)
	if got, want := refusal.Why["ann"], `move is "X"; want {"move": M} with M one of "C", "D"`; got != want {
		t.Errorf("why %q, want %q", got, want)
	}
	if len(refusal.Why) != 2 {
		t.Errorf("refused %v, want both", refusal.Why)
	}
	stepped := mustStep(t, w, 0, act("ann", `{"move":"C"}`), act("bob", `{"move":"C"}`))
	checkScores(t, stepped.Scores, "ann", "3", "bob", "3")
}

func TestMatrixGameGroupsPlaySideBySide(t *testing.T) {
	w := mustNew(t, "matrix-game", `{`+prisoners+`,"turns":1,"groups":{"three":["a*"],"two":["b1","b2"]}}`)
	observations := mustStart(t, w, "a1", "a2", "a3", "b1", "b2").Observations
	met := make(map[string]int)
	for tick := 0; ; tick++ {
		var actions []Action
		inMatch := 0
		for _, o := range observations {
			var seen matrixObservation
			if err := json.Unmarshal(o.JSON, &seen); err != nil {
				t.Fatal(err)
			}
			met[o.Agent+" "+seen.Opponent]++
			if strings.HasPrefix(o.Agent, "a") {
				inMatch++
			}
			actions = append(actions, act(o.Agent, `{"move":"C"}`))
		}
		if inMatch != 2 {
			t.Errorf("tick %d: %d of the three are asked, want 2: one has a bye", tick, inMatch)
		}
		stepped := mustStep(t, w, tick, actions...)
		if stepped.Done {
			if tick != 2 {
				t.Errorf("done at tick %d, want 2", tick)
			}
			break
		}
		observations = stepped.Observations
	}
	want := map[string]int{
		"a1 a2": 1, "a2 a1": 1, "a1 a3": 1, "a3 a1": 1, "a2 a3": 1, "a3 a2": 1, "b1 b2": 1, "b2 b1": 1,
	}
	if !maps.Equal(met, want) {
		t.Errorf("met %v, want %v", met, want)
	}
}

func TestMatrixGameWantsEveryAgentInOneGroup(t *testing.T) {
	for groups, want := range map[string]string{
		`{"x":["a*"],"y":["*1"]}`:      `agent "a1" is in the groups x and y`,
		`{"x":["a1","a2"]}`:            `agent "b1" is in no group`,
		`{"x":["*1","a2"],"y":["c*"]}`: `0 agents in group y`,
	} {
		w := mustNew(t, "matrix-game", `{`+prisoners+`,"groups":`+groups+`}`)
		_, err := w.Start(t.Context(), Init{Agents: agentsOf("a1", "a2", "b1")})
		wantError(t, err, want)
	}
	_, err := mustNew(t, "matrix-game", `{`+prisoners+`}`).Start(t.Context(), Init{Agents: agentsOf("a")})
	wantError(t, err, "1 agents where at least two are wanted")
}

func TestRobinLetsEachMeetEachOnce(t *testing.T) {
	for n := 2; n <= 21; n++ {
		r := newRobin(upTo(n))
		met := make(map[[2]int]bool)
		for round := range r.rounds() {
			busy := make(map[int]bool)
			r.pairs(round, func(a, b int) {
				if busy[a] || busy[b] || a == b {
					t.Errorf("%d players, round %d: %d and %d meet, but one is busy", n, round, a, b)
				}
				busy[a], busy[b] = true, true
				pair := [2]int{min(a, b), max(a, b)}
				if met[pair] {
					t.Errorf("%d players: %v meet twice", n, pair)
				}
				met[pair] = true
			})
		}
		if len(met) != n*(n-1)/2 {
			t.Errorf("%d players: %d pairs met, want %d", n, len(met), n*(n-1)/2)
		}
		r.pairs(r.rounds(), func(a, b int) { t.Errorf("%d and %d meet after the last round", a, b) })
	}
}

func BenchmarkMatrixGame100(b *testing.B) {
	ids := make([]string, 100)
	actions := make([]Action, 100)
	for i := range ids {
		ids[i] = fmt.Sprintf("p-%03d", i)
		actions[i] = act(ids[i], `{"move":"C"}`)
	}
	w := mustNew(b, "matrix-game", `{`+prisoners+`,"turns":1000000}`)
	mustStart(b, w, ids...)
	b.ReportAllocs()
	tick := 0
	for b.Loop() {
		mustStep(b, w, tick, actions...)
		tick++
	}
}
