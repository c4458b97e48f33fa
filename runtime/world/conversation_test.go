package world

import (
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
)

func TestConversationTogether(t *testing.T) {
	w := mustNew(t, "conversation", `{"rounds":2,"topic":"rain"}`)
	ready := mustStart(t, w, "bob", "ann")
	checkObservations(t, ready.Observations,
		"ann", `{"round":1,"rounds":2,"topic":"rain"}`,
		"bob", `{"round":1,"rounds":2,"topic":"rain"}`)
	stepped := mustStep(t, w, 0, fail("ann", agent.Deadline), act("bob", `null`))
	checkObservations(t, stepped.Observations,
		"ann", `{"round":2,"rounds":2,"topic":"rain"}`,
		"bob", `{"round":2,"rounds":2,"topic":"rain"}`)
	if stepped.Done {
		t.Error("done after the first of two rounds")
	}
	stepped = mustStep(t, w, 1, act("ann", `{}`), act("bob", `[1]`))
	if !stepped.Done || len(stepped.Observations) != 0 {
		t.Errorf("after the last round: %+v, want done and no observation", stepped)
	}
}

func TestConversationInTurn(t *testing.T) {
	w := mustNew(t, "conversation", `{"rounds":2,"order":"in-turn"}`)
	const first, second = `{"round":1,"rounds":2,"topic":""}`, `{"round":2,"rounds":2,"topic":""}`
	checkObservations(t, mustStart(t, w, "a", "b", "c").Observations, "a", first)
	checkObservations(t, mustStep(t, w, 0, act("a", `{}`)).Observations, "b", first)
	checkObservations(t, mustStep(t, w, 1, act("b", `{}`)).Observations, "c", first)
	checkObservations(t, mustStep(t, w, 2, act("c", `{}`)).Observations, "a", second)
	// b ends itself while it is not its turn, and is passed over.
	checkObservations(t, mustStep(t, w, 3, act("a", `{}`), fail("b", agent.Done)).Observations, "c", second)
	if stepped := mustStep(t, w, 4, act("c", `{}`)); !stepped.Done {
		t.Error("not done after everyone's second turn")
	}
}

func TestConversationEndsWhenAllAreGone(t *testing.T) {
	w := mustNew(t, "conversation", `{"rounds":5,"order":"in-turn"}`)
	mustStart(t, w, "a", "b")
	if stepped := mustStep(t, w, 0, fail("a", agent.Done), fail("b", agent.Done)); !stepped.Done {
		t.Error("not done with nobody left")
	}
}

func TestWorldsKeepToTheirTicks(t *testing.T) {
	w := mustNew(t, "conversation", `{"rounds":5}`)
	mustStart(t, w, "a")
	_, err := w.Step(t.Context(), 1, []Action{act("a", `{}`)})
	wantError(t, err, "tick 1 where 0 is next")
	_, err = w.Step(t.Context(), 0, []Action{act("b", `{}`)})
	wantError(t, err, `an action of "b", which does not play`)
}
