package world

import (
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
)

func TestPublicGoods(t *testing.T) {
	w := mustNew(t, "public-goods", `{"rounds":3,"endowment":10,"multiplier":1.5}`)
	const head = `{"round":1,"rounds":3,"players":4,"endowment":10,"multiplier":1.5,`
	checkObservations(t, mustStart(t, w, "a", "b", "c", "d").Observations,
		"a", head+`"last":null,"score":0}`, "b", head+`"last":null,"score":0}`, "c", head+`"last":null,"score":0}`, "d", head+`"last":null,"score":0}`)

	// Of 24 in the pot each has 9 back. The one that fails gave nothing.
	stepped := mustStep(t, w, 0, act("a", `{"contribution":10}`), act("b", `{"contribution":10}`), act("c", `{"contribution":4}`), fail("d", agent.Deadline))
	checkScores(t, stepped.Scores, "a", `9`, "b", `9`, "c", `15`, "d", `19`)
	checkColumns(t, stepped.Columns, "contributed", `24`)
	const second = `{"round":2,"rounds":3,"players":4,"endowment":10,"multiplier":1.5,"last":{"contribution":`
	checkObservations(t, stepped.Observations,
		"a", second+`10,"pot":24,"payoff":9},"score":9}`, "b", second+`10,"pot":24,"payoff":9},"score":9}`,
		"c", second+`4,"pot":24,"payoff":15},"score":15}`, "d", second+`0,"pot":24,"payoff":19},"score":19}`)

	// Three are left, who share among themselves.
	stepped = mustStep(t, w, 1, act("a", `{"contribution":1}`), act("b", `{"contribution":2}`), act("c", `{"contribution":0}`), fail("d", agent.Done))
	checkScores(t, stepped.Scores, "a", `19.5`, "b", `18.5`, "c", `26.5`)
	const third = `{"round":3,"rounds":3,"players":3,"endowment":10,"multiplier":1.5,"last":{"contribution":`
	checkObservations(t, stepped.Observations, "a", third+`1,"pot":3,"payoff":10.5},"score":19.5}`,
		"b", third+`2,"pot":3,"payoff":9.5},"score":18.5}`, "c", third+`0,"pot":3,"payoff":11.5},"score":26.5}`)
	if stepped = mustStep(t, w, 2, act("a", `{"contribution":0}`), act("b", `{"contribution":0}`), act("c", `{"contribution":0}`)); !stepped.Done {
		t.Error("not done after the last round")
	}
}

func TestPublicGoodsEndsWhenAllAreGone(t *testing.T) {
	w := mustNew(t, "public-goods", `{"rounds":5}`)
	mustStart(t, w, "a", "b")
	if stepped := mustStep(t, w, 0, fail("a", agent.Done), fail("b", agent.Done)); !stepped.Done {
		t.Error("not done with nobody left")
	}
}
