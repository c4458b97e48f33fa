package world

import (
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
)

func TestTasks(t *testing.T) {
	w := mustNew(t, "tasks", `{"tasks":["one"],"answer":{"type":"integer"}}`)
	ready, err := w.Start(t.Context(), Init{Agents: []Agent{
		{ID: "bob", Config: []byte(`{"tasks":[null,{"n":2},null,3,null]}`)}, {ID: "ann", Config: []byte(`{}`)}}})
	if err != nil {
		t.Fatal(err)
	}
	checkObservations(t, ready.Observations, "ann", `{"task":"one","number":1,"of":1}`)
	_, err = w.Step(t.Context(), 0, []Action{act("ann", `"x"`)})
	if refusal := wantRefusal(t, err); refusal.Why["ann"] == "" {
		t.Errorf("refused %v", refusal)
	}
	stepped := mustStep(t, w, 0, act("ann", `7`))
	checkColumns(t, stepped.Columns, "answered", `1`, "failed", `0`)
	checkObservations(t, stepped.Observations, "bob", `{"task":{"n":2},"number":1,"of":2}`)
	stepped = mustStep(t, w, 1, fail("bob", agent.Deadline))
	checkColumns(t, stepped.Columns, "answered", `1`, "failed", `1`)
	if checkObservations(t, stepped.Observations); stepped.Done {
		t.Error("done while one has a task to come")
	}
	stepped = mustStep(t, w, 2)
	checkObservations(t, stepped.Observations, "bob", `{"task":3,"number":2,"of":2}`)
	if stepped = mustStep(t, w, 3, act("bob", `4`)); !stepped.Done {
		t.Error("not done after the last task")
	}
}

func TestTasksWantsSome(t *testing.T) {
	_, err := mustNew(t, "tasks", `{}`).Start(t.Context(), Init{Agents: agentsOf("a")})
	wantError(t, err, "neither it nor the config of a has tasks")
	_, err = mustNew(t, "tasks", `{}`).Start(t.Context(), Init{Agents: []Agent{{ID: "a", Config: []byte(`{"tasks":7}`)}}})
	wantError(t, err, "the config of a has no list of tasks")
}
