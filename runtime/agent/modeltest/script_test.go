package modeltest_test

import (
	"encoding/json"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent/modeltest"
)

// says is the text that a script answers to a conversation, or the tool's name.
func says(t *testing.T, s *modeltest.Server, messages ...any) string {
	t.Helper()
	a := ask(t.Context(), t, s, false, messages...)
	var got struct {
		Content []struct{ Text, Name string }
	}
	if err := json.Unmarshal(a.body, &got); err != nil || len(got.Content) != 1 {
		t.Fatalf("got %s: %v, %v", a.body, err, a.err)
	}
	return got.Content[0].Text + got.Content[0].Name
}

func wants(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestInOrder(t *testing.T) {
	s := start(t, modeltest.InOrder(modeltest.Say("a"), modeltest.Say("b")))
	for _, want := range []string{"a", "b", "b"} {
		wants(t, says(t, s, user("hi")...), want)
	}
}

func TestByTurn(t *testing.T) {
	s := start(t, modeltest.ByTurn(modeltest.Say("a"), modeltest.Say("b")))
	wants(t, says(t, s, user("1")...), "a")
	wants(t, says(t, s, user("1", "2", "3")...), "b")
	wants(t, says(t, s, user("1", "2")...), "b")
	wants(t, says(t, s, user("1")...), "a")
}

func TestEach(t *testing.T) {
	s := start(t, modeltest.Each((*modeltest.Request).LastUser, func(name string) modeltest.Script {
		return modeltest.InOrder(modeltest.Say(name+" first"), modeltest.Say(name+" then"))
	}))
	for _, want := range []string{"first", "then"} {
		wants(t, says(t, s, user("ann")...), "ann "+want)
		wants(t, says(t, s, user("bob")...), "bob "+want)
	}
}

func TestWhen(t *testing.T) {
	s := start(t, modeltest.When(modeltest.Told("Bob"), modeltest.Say("I am Bob"),
		modeltest.When(modeltest.Hears("who"), modeltest.Say("I am Ann"), modeltest.Say("what?"))))
	wants(t, says(t, s, user("tell me who you are")...), "I am Ann")
	wants(t, says(t, s, user("well")...), "what?")
}

func TestCall(t *testing.T) {
	s := start(t, modeltest.Call("Bash", map[string]string{"command": "ls"}, func(r *modeltest.Request) modeltest.Reply {
		return modeltest.Reply{Text: "there is " + r.Results()[0].Text}
	}))
	wants(t, says(t, s, user("look")...), "Bash")
	wants(t, says(t, s, turn("user", "look"),
		turn("assistant", []any{map[string]any{"type": "tool_use", "id": "a", "name": "Bash", "input": map[string]string{}}}),
		turn("user", []any{map[string]any{"type": "tool_result", "tool_use_id": "a", "content": "a file"}})), "there is a file")
}
