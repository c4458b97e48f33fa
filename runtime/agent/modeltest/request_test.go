package modeltest_test

import (
	"reflect"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent/modeltest"
)

func text(s string) any { return map[string]string{"type": "text", "text": s} }

// A conversation as Claude Code sends it: remarks of its own beside what the
// user said, and one message for two turns where the first got no answer.
func TestRequest(t *testing.T) {
	s := start(t, modeltest.Say("ok"))
	ask(t.Context(), t, s, true,
		turn("user", []any{text("<system-reminder>\nmind\n</system-reminder>"), text("one\n"), text("two\n"), text("<system-reminder>…")}),
		turn("system", "the user waits"),
		turn("assistant", []any{
			map[string]any{"type": "thinking", "thinking": "hm", "signature": "s"},
			map[string]any{"type": "tool_use", "id": "a", "name": "Bash", "input": map[string]int{"x": 1}},
			map[string]any{"type": "tool_use", "id": "b", "name": "Read", "input": map[string]int{}},
		}),
		turn("system", []any{text("still")}),
		turn("user", []any{
			map[string]any{"type": "tool_result", "tool_use_id": "a", "content": "hi"},
			map[string]any{"type": "tool_result", "tool_use_id": "b", "content": []any{text("x"), text("y")}, "is_error": true},
		}))
	if len(s.Requests()) != 1 {
		t.Fatal(s.Strays())
	}
	r := s.Requests()[0]
	results := []modeltest.Block{
		{Type: "tool_result", ID: "a", Text: "hi"},
		{Type: "tool_result", ID: "b", Text: "x\ny", Error: true},
	}
	if got := r.Results(); !reflect.DeepEqual(got, results) {
		t.Errorf("results %+v, want %+v", got, results)
	}
	calls := []modeltest.Block{
		{Type: "thinking", Text: "hm"},
		{Type: "tool_use", ID: "a", Name: "Bash", Input: []byte(`{"x":1}`)},
		{Type: "tool_use", ID: "b", Name: "Read", Input: []byte(`{}`)},
	}
	if got := r.Messages[2].Blocks; !reflect.DeepEqual(got, calls) {
		t.Errorf("calls %+v, want %+v", got, calls)
	}
	if r.LastUser() != "two" || r.Turn() != 1 {
		t.Errorf("turn %d: %q", r.Turn(), r.LastUser())
	}
	if r.Key != "k" || r.Model != "m" || r.System != "You are Ann." || r.MaxTokens != 9 || !r.Stream || !reflect.DeepEqual(r.Tools, []string{"Bash", "Read"}) {
		t.Errorf("got %+v", r)
	}
}

// Results are of the turn that goes on, not of one that was given up.
func TestRequestResultsOfTurn(t *testing.T) {
	s := start(t, modeltest.Say("ok"))
	ask(t.Context(), t, s, false,
		turn("user", "one"),
		turn("assistant", []any{map[string]any{"type": "tool_use", "id": "a", "name": "Bash", "input": map[string]int{}}}),
		turn("user", []any{map[string]any{"type": "tool_result", "tool_use_id": "a", "content": "hi"}, text("two")}))
	if len(s.Requests()) != 1 {
		t.Fatal(s.Strays())
	}
	if r := s.Requests()[0]; len(r.Results()) > 0 || r.LastUser() != "two" || r.Turn() != 1 {
		t.Errorf("turn %d: %q with %v", r.Turn(), r.LastUser(), r.Results())
	}
}
