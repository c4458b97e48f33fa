package world

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
)

type populationObservation struct{ Tick, Age, Population int }

// breed runs a population whose members decide by their age alone and gives
// the column population.
func breed(t *testing.T, ticks int, decide func(age int) string) (sizes []string) {
	t.Helper()
	w := mustNew(t, "population", fmt.Sprintf(`{"newborn":"rabbit-{n}","ticks":%d}`, ticks))
	observations := mustStart(t, w, "rabbit-1").Observations
	for tick := 0; ; tick++ {
		var actions []Action
		for _, o := range observations {
			var seen populationObservation
			if err := json.Unmarshal(o.JSON, &seen); err != nil {
				t.Fatal(err)
			}
			if seen.Tick != tick || seen.Population != len(observations) {
				t.Fatalf("tick %d with %d members: observation %s", tick, len(observations), o.JSON)
			}
			actions = append(actions, act(o.Agent, decide(seen.Age)))
		}
		stepped := mustStep(t, w, tick, actions...)
		sizes = append(sizes, string(stepped.Columns[2].Value))
		if stepped.Done {
			return sizes
		}
		observations = stepped.Observations
	}
}

func TestPopulationBreedsFibonaccisRabbits(t *testing.T) {
	sizes := breed(t, 12, func(age int) string {
		if age >= 1 {
			return `{"offspring":1}`
		}
		return `{}`
	})
	if got, want := strings.Join(sizes, " "), "2 3 5 8 13 21 34 55 89 144 233 377"; got != want {
		t.Errorf("population %s, want %s", got, want)
	}
}

func TestPopulationWithALifespan(t *testing.T) {
	// A pair breeds at the ages 1 and 2 and dies at 2: of each age there are
	// as many as were born that long ago, so births follow b(t) = b(t-2) + b(t-3).
	sizes := breed(t, 10, func(age int) string {
		return fmt.Sprintf(`{"offspring":%d,"die":%t}`, min(age, 1), age == 2)
	})
	born := map[int]int{-2: 1} // the first pair is of age 1 at tick 0
	var want []string
	for tick := range 10 {
		born[tick] = born[tick-2] + born[tick-3]
		// Alive after the tick: of age 0, 1 and 2 in the next.
		want = append(want, strconv.Itoa(born[tick]+born[tick-1]+born[tick-2]))
	}
	if got, want := strings.Join(sizes, " "), strings.Join(want, " "); got != want {
		t.Errorf("population %s, want %s", got, want)
	}
}

func TestPopulationTellsWhatIsDocumented(t *testing.T) {
	w := mustNew(t, "population", `{"newborn":"r-{n}","age":3,"max_offspring":2}`)
	ready := mustStart(t, w, "r-9", "r-10", "wolf")
	checkObservations(t, ready.Observations,
		"r-10", `{"tick":0,"age":3,"population":3}`,
		"r-9", `{"tick":0,"age":3,"population":3}`,
		"wolf", `{"tick":0,"age":3,"population":3}`)
	stepped := mustStep(t, w, 0, act("r-10", `{"offspring":1}`), act("r-9", `{"offspring":2,"die":true}`), fail("wolf", agent.Deadline))
	checkColumns(t, stepped.Columns, "births", "3", "deaths", "1", "population", "5")
	checkPairs(t, "added", pairs(stepped.Add, func(a Agent) (string, []byte) { return a.ID, a.Config }),
		[]string{"r-11", `{"born":0}`, "r-12", `{"born":0}`, "r-13", `{"born":0}`})
	checkPairs(t, "removed", stepped.Remove, []string{"r-9"})
	checkPairs(t, "events", pairs(stepped.Events, func(e []byte) (string, []byte) { return "", e }), []string{
		"", `{"event":"born","agent":"r-11","parent":"r-10"}`,
		"", `{"event":"born","agent":"r-12","parent":"r-9"}`,
		"", `{"event":"born","agent":"r-13","parent":"r-9"}`,
		"", `{"event":"died","agent":"r-9"}`,
	})
	checkObservations(t, stepped.Observations,
		"r-10", `{"tick":1,"age":4,"population":5}`,
		"r-11", `{"tick":1,"age":0,"population":5}`,
		"r-12", `{"tick":1,"age":0,"population":5}`,
		"r-13", `{"tick":1,"age":0,"population":5}`,
		"wolf", `{"tick":1,"age":4,"population":5}`)
}

func TestPopulationIsDoneWhenNobodyIsLeft(t *testing.T) {
	w := mustNew(t, "population", `{"newborn":"r-{n}"}`)
	mustStart(t, w, "r-1", "r-2")
	stepped := mustStep(t, w, 0, fail("r-1", agent.Done), act("r-2", `{"die":true}`))
	if !stepped.Done || len(stepped.Remove) != 1 {
		t.Errorf("%+v, want done, and the one removed that did not end itself", stepped)
	}
	checkColumns(t, stepped.Columns, "births", "0", "deaths", "2", "population", "0")
}
