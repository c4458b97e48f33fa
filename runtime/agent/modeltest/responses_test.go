package modeltest_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent/modeltest"
)

// item is one of a request's input, as Codex sends them.
func item(kind string, fields map[string]any) any {
	fields["type"] = kind
	return fields
}

func said(role, text string) any {
	kind := "input_text"
	if role == "assistant" {
		kind = "output_text"
	}
	return item("message", map[string]any{"role": role, "content": []any{map[string]string{"type": kind, "text": text}}})
}

// respond calls the model with the key k, by the Responses API.
func respond(ctx context.Context, t *testing.T, s *modeltest.Server, stream bool, input ...any) answer {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"model": "m", "stream": stream, "input": input, "instructions": "You are Ann.",
		"tools": []any{map[string]any{"type": "function", "name": "exec_command"}, map[string]any{"type": "web_search"},
			map[string]any{"type": "namespace", "name": "mcp__troupe", "tools": []any{map[string]any{"type": "function", "name": "act"}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return post(ctx, t, s.URL+"/v1/responses", body, "Authorization", "Bearer k", "Thread-Id", "t-1")
}

// A conversation as Codex sends it, with remarks of its own beside what the user
// said.
func TestResponsesRequest(t *testing.T) {
	s := start(t, modeltest.Say("ok"))
	respond(t.Context(), t, s, true,
		item("additional_tools", map[string]any{"role": "developer", "tools": []any{map[string]any{"type": "custom", "name": "exec"}}}),
		said("developer", "Be brief."),
		said("user", "<environment_context>\n  <cwd>/w</cwd>"), said("user", "# AGENTS.md instructions\n"), said("user", "one\n"),
		item("reasoning", map[string]any{"summary": []any{map[string]string{"type": "summary_text", "text": "hm"}}, "encrypted_content": "s"}),
		said("assistant", "I look."),
		said("user", "two\n"),
		item("function_call", map[string]any{"call_id": "a", "name": "exec_command", "arguments": `{"cmd":"ls"}`}),
		item("function_call_output", map[string]any{"call_id": "a", "output": "hi"}),
		item("custom_tool_call", map[string]any{"call_id": "b", "name": "exec", "input": "x()"}),
		item("custom_tool_call_output", map[string]any{"call_id": "b", "output": []any{map[string]string{"type": "input_text", "text": "y"}}}),
	)
	if len(s.Requests()) != 1 {
		t.Fatal(s.Strays())
	}
	r := s.Requests()[0]
	if got, want := r.Results(), []modeltest.Block{{Type: "tool_result", ID: "b", Text: "y"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("results %+v, want %+v", got, want)
	}
	if r.LastUser() != "two" || r.Turn() != 1 || r.System != "You are Ann.\nBe brief." {
		t.Errorf("turn %d: %q, told %q", r.Turn(), r.LastUser(), r.System)
	}
	if r.Key != "k" || r.Session != "t-1" || r.Model != "m" || !r.Stream || !reflect.DeepEqual(r.Tools, []string{"exec_command", "web_search", "act", "exec"}) {
		t.Errorf("got %+v", r)
	}
	var calls []modeltest.Block
	for _, m := range r.Messages {
		for _, b := range m.Blocks {
			if b.Type == "tool_use" || b.Type == "thinking" {
				calls = append(calls, b)
			}
		}
	}
	want := []modeltest.Block{{Type: "thinking", Text: "hm"}, {Type: "tool_use", ID: "a", Name: "exec_command", Input: []byte(`{"cmd":"ls"}`)},
		{Type: "tool_use", ID: "b", Name: "exec", Input: []byte(`"x()"`)}}
	if !reflect.DeepEqual(calls, want) {
		t.Errorf("calls %+v, want %+v", calls, want)
	}
}

// told is a stream of the Responses API in short: each event's type, with deltas
// joined.
func told(t *testing.T, a answer) string {
	t.Helper()
	var s strings.Builder
	name := ""
	for lines := bufio.NewScanner(bytes.NewReader(a.body)); lines.Scan(); {
		if is, found := strings.CutPrefix(lines.Text(), "event: "); found {
			name = is
		}
		data, found := strings.CutPrefix(lines.Text(), "data: ")
		if !found {
			continue
		}
		var e struct {
			Type, Delta string
			Item        struct{ Type, Name, Arguments string }
			Response    struct {
				Status string
				Usage  *struct {
					Input  int `json:"input_tokens"`
					Output int `json:"output_tokens"`
				}
				Error *struct{ Code string }
			}
		}
		if err := json.Unmarshal([]byte(data), &e); err != nil || e.Type != name {
			fmt.Fprintf(&s, "(%s) ", data)
			continue
		}
		switch {
		case e.Delta != "":
			s.WriteString(e.Delta)
		case e.Type == "response.output_item.added":
			fmt.Fprintf(&s, "%s%s[", e.Item.Type, e.Item.Name)
		case e.Type == "response.output_item.done":
			fmt.Fprintf(&s, "|%s] ", e.Item.Arguments)
		default:
			fmt.Fprintf(&s, "%s ", strings.TrimPrefix(e.Type, "response."))
		}
		if u := e.Response.Usage; u != nil {
			fmt.Fprintf(&s, "%d/%d", u.Input, u.Output)
		}
		if e.Response.Error != nil {
			s.WriteString(e.Response.Error.Code)
		}
	}
	return strings.TrimSpace(s.String())
}

func TestResponsesStream(t *testing.T) {
	const code = `{"cmd":"ls"}`
	for want, reply := range map[string]modeltest.Reply{
		"created message[hello|] completed 100/20": {Text: "hello"},
		"created reasoning[A long and hard thought.|] message[hello|] function_callrun[" + code + "|" + code + "] completed 12/5": {
			Thinking: "A long and hard thought.", Text: "hello", Tools: []modeltest.ToolUse{{Name: "run", Input: map[string]string{"cmd": "ls"}}},
			Usage: modeltest.Usage{Input: 7, Output: 5, CacheRead: 3, CacheWrite: 2}},
		"created message[I cannot.|] completed 100/20":            {StopReason: "refusal"},
		"created message[hel|] incomplete 100/20":                 {Text: "hel", StopReason: "max_tokens"},
		"created message[({\"type\":)":                            {Text: "hello", Fail: modeltest.Garble, After: 2},
		"created message[hellofailed server_is_overloaded":        {Text: "hello", Fail: modeltest.Abort, After: 3},
		"created message[a text that is cut, in t":                {Text: "a text that is cut, in the middle of it", Fail: modeltest.Cut, After: 3},
		"created message[a text that is cut, in the middle of it": {Text: "a text that is cut, in the middle of it", Fail: modeltest.Cut, After: 4},
	} {
		s := start(t, modeltest.Always(reply))
		if got := told(t, respond(t.Context(), t, s, true, said("user", "hi"))); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestResponsesWhole(t *testing.T) {
	s := start(t, modeltest.Say("hello"))
	a := respond(t.Context(), t, s, false, said("user", "hi"))
	var got struct {
		Object, Status string
		Output         []struct{ Content []struct{ Text string } }
	}
	if err := json.Unmarshal(a.body, &got); err != nil || got.Object != "response" || got.Status != "completed" || got.Output[0].Content[0].Text != "hello" {
		t.Errorf("%s: %v, %v", a.body, err, a.err)
	}
}

func TestResponsesRefused(t *testing.T) {
	call := item("function_call", map[string]any{"call_id": "a", "name": "f", "arguments": "{}"})
	output := item("function_call_output", map[string]any{"call_id": "b", "output": "x"})
	for why, input := range map[string][]any{
		"one of input or previous_response_id must be provided":      {},
		"no tool output found for function call a":                   {said("user", "hi"), call},
		"no tool call found for function call output with call_id b": {said("user", "hi"), output},
	} {
		s := start(t, modeltest.Say("ok"))
		a := respond(t.Context(), t, s, true, input...)
		if a.StatusCode != http.StatusBadRequest || !strings.Contains(string(a.body), why) || len(s.Requests()) > 0 {
			t.Errorf("%d %s, want %s", a.StatusCode, a.body, why)
		}
	}
	s := start(t, modeltest.Always(modeltest.Reply{Status: 429, Text: "slow down"}))
	a := respond(t.Context(), t, s, true, said("user", "hi"))
	if a.StatusCode != 429 || !strings.Contains(string(a.body), `{"error":{"code":"rate_limit_exceeded","message":"slow down"`) {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if a := post(t.Context(), t, s.URL+"/v1/responses", []byte(`{"model":"m","input":[]}`)); a.StatusCode != 401 {
		t.Errorf("without a key: %d %s", a.StatusCode, a.body)
	}
}
