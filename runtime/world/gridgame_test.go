package world

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
)

const dilemma = `"moves":["C","D"],"payoffs":{"CC":1,"CD":0,"DC":1.85,"DD":0}`

type gridObservation struct {
	Move       string
	Payoff     float64
	Neighbours struct {
		Moves   []string
		Payoffs []float64
	}
}

// imitate takes the move of the best in the neighbourhood; ties keep one's own.
func imitate(t testing.TB, observation []byte) string {
	var o gridObservation
	if err := json.Unmarshal(observation, &o); err != nil {
		t.Fatal(err)
	}
	move, best := o.Move, o.Payoff
	for i, payoff := range o.Neighbours.Payoffs {
		if payoff > best {
			move, best = o.Neighbours.Moves[i], payoff
		}
	}
	return `{"move":"` + move + `"}`
}

func cellIDs(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = "cell-" + strconv.Itoa(i+1)
	}
	return ids
}

func nowakMay(t testing.TB) World {
	return mustNew(t, "grid-game", `{"width":99,"height":99,"self":true,`+dilemma+
		`,"initial":{"all":"C","cells":[{"x":49,"y":49,"move":"D"}]},"count":{"cooperators":"C"}}`)
}

func TestGridGamePlaysNowakAndMay(t *testing.T) {
	want := []int{9800, 9792, 9776, 9760, 9720, 9720, 9692, 9616, 9512, 9544, 9548, 9504, 9476, 9432, 9244, 8984}
	w := nowakMay(t)
	observations := mustStart(t, w, cellIDs(99*99)...).Observations
	for tick := range 31 {
		actions := make([]Action, len(observations))
		for i, o := range observations {
			actions[i] = act(o.Agent, imitate(t, o.JSON))
		}
		stepped := mustStep(t, w, tick, actions...)
		observations = stepped.Observations
		switch {
		case tick < len(want):
			checkColumns(t, stepped.Columns, "cooperators", strconv.Itoa(want[tick]))
		case tick == 30:
			checkColumns(t, stepped.Columns, "cooperators", "7364")
		}
		if len(stepped.Scores) != 0 {
			t.Fatal("scores that were not asked for")
		}
	}
}

func TestGridGameTellsWhatIsDocumented(t *testing.T) {
	w := mustNew(t, "grid-game", `{"width":3,"height":2,`+dilemma+`,"initial":{"all":"C","cells":[{"x":2,"y":0,"move":"D"}]},"scores":true}`)
	ready := mustStart(t, w, "c-1", "c-10", "c-11", "c-2", "c-3", "c-9")
	// The grid: c-1 c-2 c-3 / c-9 c-10 c-11.
	checkObservations(t, ready.Observations,
		"c-1", `{"move":"C","payoff":3,"neighbours":{"moves":["C","C","C"],"payoffs":[4,3,4]}}`,
		"c-10", `{"move":"C","payoff":4,"neighbours":{"moves":["C","C","D","C","C"],"payoffs":[3,4,5.550000000000001,3,2]}}`,
		"c-11", `{"move":"C","payoff":2,"neighbours":{"moves":["C","D","C"],"payoffs":[4,5.550000000000001,4]}}`,
		"c-2", `{"move":"C","payoff":4,"neighbours":{"moves":["C","D","C","C","C"],"payoffs":[3,5.550000000000001,3,4,2]}}`,
		"c-3", `{"move":"D","payoff":5.550000000000001,"neighbours":{"moves":["C","C","C"],"payoffs":[4,4,2]}}`,
		"c-9", `{"move":"C","payoff":3,"neighbours":{"moves":["C","C","C"],"payoffs":[3,4,4]}}`)
	stepped := mustStep(t, w, 0, act("c-1", `{"move":"D"}`), fail("c-10", agent.Crash), act("c-11", `{"move":"D"}`),
		act("c-2", `{"move":"D"}`), fail("c-3", agent.Done), act("c-9", `{"move":"D"}`))
	checkColumns(t, stepped.Columns, "C", "5", "D", "1")
	checkScores(t, stepped.Scores, "c-1", "3", "c-10", "4", "c-11", "2", "c-2", "4", "c-3", "5.550000000000001", "c-9", "3")
	if got, want := string(stepped.Observations[1].JSON),
		`{"move":"C","payoff":0,"neighbours":{"moves":["D","D","D","D","D"],"payoffs":[1.85,1.85,1.85,1.85,1.85]}}`; got != want {
		t.Errorf("c-10, which failed, observes %s, want %s", got, want)
	}
	if slices.ContainsFunc(stepped.Observations, func(o Observation) bool { return o.Agent == "c-3" }) {
		t.Error("c-3 ended itself and is asked")
	}
}

func TestGridGameNeighbourhoods(t *testing.T) {
	for _, test := range []struct {
		keys string
		want string // of the cell in the top left corner, whose own number is 1
	}{
		{`"neighbourhood":"moore"`, "2 5 6"},
		{`"neighbourhood":"von-neumann"`, "2 5"},
		{`"neighbourhood":"moore","boundary":"torus"`, "12 9 10 4 2 8 5 6"},
		{`"neighbourhood":"von-neumann","boundary":"torus"`, "9 4 2 5"},
	} {
		w := mustNew(t, "grid-game", `{"width":4,"height":3,`+test.keys+`,`+dilemma+`,"initial":{"all":"C"}}`)
		mustStart(t, w, cellIDs(12)...)
		var got []string
		for _, n := range w.(*gridGame).neighbours[0] {
			got = append(got, strconv.Itoa(int(n)+1))
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: neighbours %v, want %s", test.keys, got, test.want)
		}
	}
}

func TestGridGameWantsOneAgentACell(t *testing.T) {
	w := mustNew(t, "grid-game", `{"width":2,"height":2,`+dilemma+`,"initial":{"all":"C"}}`)
	_, err := w.Start(t.Context(), Init{Agents: agentsOf("a", "b", "c")})
	wantError(t, err, "3 agents where 2 × 2 = 4 are wanted")
}

func TestNaturalOrder(t *testing.T) {
	want := []string{"", "1", "2", "10", "a", "a-1", "a-1-2", "a-1-10", "a-2", "a-10", "a-99999999999999999999", "a-100000000000000000000", "b"}
	for i, a := range want {
		for j, b := range want {
			if got := Natural(a, b); (got < 0) != (i < j) || (got == 0) != (i == j) {
				t.Errorf("%q and %q compare as %d", a, b, got)
			}
		}
	}
	if Natural("a-01", "a-1") >= 0 || Natural("a-1", "a-01") <= 0 {
		t.Error("ids that differ in leading zeros are not ordered as bytes")
	}
}

func BenchmarkGridGame99x99(b *testing.B) {
	w := nowakMay(b)
	ready := mustStart(b, w, cellIDs(99*99)...)
	actions := make([]Action, len(ready.Observations))
	size := 0
	for i, o := range ready.Observations {
		actions[i] = act(o.Agent, `{"move":"C"}`)
		size += len(o.JSON)
	}
	b.ReportAllocs()
	tick := 0
	for b.Loop() {
		mustStep(b, w, tick, actions...)
		tick++
	}
	b.ReportMetric(float64(size)/float64(len(actions)), "B/observation")
}

func ExampleNew() {
	_, err := New("grid-game", []byte(`{"width":"wide","moves":["C","D"],"colour":"red"}`))
	fmt.Println(err)
	// Output:
	// cannot make world grid-game: config.colour: unknown key; known keys: boundary, count, height, initial, moves, neighbourhood, payoffs, scores, self, width; config.width: "wide" where a whole number is wanted; config.height: missing; a whole number is wanted; config.initial: missing; a mapping is wanted; config.payoffs: missing; a mapping is wanted
}
