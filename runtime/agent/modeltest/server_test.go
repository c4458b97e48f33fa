package modeltest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent/modeltest"
)

// full is a reply with everything that an answer may have.
var full = modeltest.Reply{
	Thinking: "What would Bob do? He would do as I did.",
	Text:     "Ich wähle C, so daß auch er es täte: ∎",
	Tools:    []modeltest.ToolUse{{Name: "Bash", Input: map[string]string{"command": "echo a long enough command"}}, {Name: "Read"}},
	Usage:    modeltest.Usage{Input: 7, Output: 5, CacheRead: 3, CacheWrite: 2},
}

func TestStream(t *testing.T) {
	s := start(t, modeltest.Always(full))
	a := ask(t.Context(), t, s, true, user("hi")...)
	all := a.events(t)
	want := "message_start ping 0:thinking[" + full.Thinking + "|sealed] 1:text[" + full.Text + "] " +
		`2:tool_useBash[{"command":"echo a long enough command"}] 3:tool_useRead[{}] tool_use message_stop`
	if got := story(all); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := a.Header.Get("Content-Type"); got != "text/event-stream; charset=utf-8" {
		t.Errorf("its type is %s", got)
	}
	if got, want := all[0].Message.Usage, (usage{7, 1, 3, 2}); got != want {
		t.Errorf("usage begins with %v, want %v", got, want)
	}
	if got, want := all[len(all)-2].Usage, (usage{7, 5, 3, 2}); got != want {
		t.Errorf("usage ends with %v, want %v", got, want)
	}
	deltas := 0
	for _, e := range all {
		if e.Type == "content_block_delta" && e.Index == 1 {
			deltas++
		}
	}
	if deltas < 2 {
		t.Errorf("the text came in %d pieces", deltas)
	}
}

func TestWhole(t *testing.T) {
	s := start(t, modeltest.Always(full))
	a := ask(t.Context(), t, s, false, user("hi")...)
	var got struct {
		Type, Role, Model string
		Stop              string `json:"stop_reason"`
		Usage             usage
		Content           []struct {
			Type, Text, Thinking, Signature, ID, Name string
			Input                                     map[string]string
		}
	}
	if err := json.Unmarshal(a.body, &got); err != nil {
		t.Fatal(err, a.err)
	}
	if got.Type != "message" || got.Role != "assistant" || got.Model != "m" || got.Stop != "tool_use" || got.Usage != (usage{7, 5, 3, 2}) {
		t.Errorf("got %+v", got)
	}
	c := got.Content
	if len(c) != 4 || c[0].Thinking != full.Thinking || c[0].Signature == "" || c[1].Text != full.Text ||
		c[2].Name != "Bash" || c[2].Input["command"] != "echo a long enough command" || c[3].Name != "Read" || c[2].ID == c[3].ID {
		t.Errorf("got %+v", c)
	}
}

func TestStopReason(t *testing.T) {
	for want, reply := range map[string]modeltest.Reply{
		"message_start ping 0:text[hello] end_turn message_stop":   {Text: "hello"},
		"message_start ping 0:text[hello] max_tokens message_stop": {Text: "hello", StopReason: "max_tokens"},
		"message_start ping refusal message_stop":                  {StopReason: "refusal"},
	} {
		all := ask(t.Context(), t, start(t, modeltest.Always(reply)), true, user("hi")...).events(t)
		if got := story(all); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if got := all[len(all)-2].Usage.Output; got != modeltest.DefaultUsage.Output {
			t.Errorf("%d tokens, want those of the default", got)
		}
	}
}

// Whoever asks at the same time gets an answer of their own, and each request
// is kept.
func TestConcurrent(t *testing.T) {
	s := start(t, func(r *modeltest.Request) modeltest.Reply { return modeltest.Reply{Text: r.LastUser()} })
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			text := fmt.Sprint("number ", i)
			a := ask(t.Context(), t, s, false, user(text)...)
			if a.err != nil || !strings.Contains(string(a.body), `"`+text+`"`) {
				t.Errorf("%s got %s: %v", text, a.body, a.err)
			}
		})
	}
	all.Wait()
	var seen []int
	for _, r := range s.Requests() {
		seen = append(seen, r.N)
	}
	if len(seen) != 20 || !slices.IsSorted(seen) || !reflect.DeepEqual(s.Keys(), []string{"k"}) {
		t.Errorf("saw %v by keys %v", seen, s.Keys())
	}
}

func TestCountTokens(t *testing.T) {
	s := start(t, nil)
	body := `{"model":"m","messages":[{"role":"user","content":"hi"}]}`
	a := post(t.Context(), t, s.URL+"/v1/messages/count_tokens", []byte(body), "X-Api-Key", "k", "Anthropic-Version", "1")
	if want := fmt.Sprintf(`{"input_tokens":%d}`, len(body)/4); a.err != nil || string(a.body) != want {
		t.Errorf("got %s, want %s: %v", a.body, want, a.err)
	}
	if len(s.Requests())+len(s.Strays()) > 0 {
		t.Errorf("asked %v, strayed %v", s.Requests(), s.Strays())
	}
}

// What the real service refuses never reaches the script.
func TestStrays(t *testing.T) {
	s := start(t, nil)
	const hi = `{"role":"user","content":"hi"}`
	const call = `{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"Bash","input":{}}]}`
	const result = `{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"x"}]}`
	messages := func(all ...string) string { return `{"model":"m","messages":[` + strings.Join(all, ",") + `]}` }
	sound := []string{"Authorization", "Bearer b", "Anthropic-Version", "1"}
	for _, c := range []struct {
		path, body string
		headers    []string
		status     int
		kind, says string
	}{
		{"/v1/models", ``, sound, 404, "not_found_error", "no such path"},
		{"/v1/messages", messages(hi), sound[2:], 401, "authentication_error", "x-api-key"},
		{"/v1/messages", messages(hi), sound[:2], 400, "invalid_request_error", "anthropic-version"},
		{"/v1/messages", `{"model":`, sound, 400, "invalid_request_error", "JSON"},
		{"/v1/messages", `{"messages":[]}`, sound, 400, "invalid_request_error", "model"},
		{"/v1/messages", messages(), sound, 400, "invalid_request_error", "at least one"},
		{"/v1/messages", messages(call), sound, 400, "invalid_request_error", "first"},
		{"/v1/messages", messages(hi, call), sound, 400, "invalid_request_error", "without tool_result"},
		{"/v1/messages", messages(hi, call, hi, call, result), sound, 400, "invalid_request_error", "without tool_result"},
		{"/v1/messages", messages(hi, result), sound, 400, "invalid_request_error", "unexpected tool_use_id"},
		{"/v1/messages/count_tokens", messages(), sound, 400, "invalid_request_error", "at least one"},
	} {
		a := post(t.Context(), t, s.URL+c.path, []byte(c.body), c.headers...)
		var got struct {
			Error struct{ Type, Message string }
		}
		if err := json.Unmarshal(a.body, &got); err != nil {
			t.Fatal(err, a.err)
		}
		if a.StatusCode != c.status || got.Error.Type != c.kind || !strings.Contains(got.Error.Message, c.says) {
			t.Errorf("%s with %s: got %d %s", c.path, c.body, a.StatusCode, a.body)
		}
		strays := s.Strays()
		if last, want := strays[len(strays)-1], fmt.Sprintf("%s %s: %d ", http.MethodPost, c.path, c.status); !strings.HasPrefix(last, want) {
			t.Errorf("noted %q, want %q and why", last, want)
		}
	}
	if len(s.Requests()) > 0 {
		t.Errorf("the script was asked %v", s.Requests())
	}
}
