package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// resultLine is a result as the tool writes it, with some fields changed.
func resultLine(change map[string]any) []byte {
	fields := map[string]any{
		"type": "result", "subtype": "success", "is_error": false, "num_turns": 1, "session_id": "s-1",
		"total_cost_usd": 0.0004, "duration_ms": 79, "stop_reason": "end_turn", "api_error_status": nil,
		"result": `I think. {"action":{"move":"C"}}`,
		"usage": map[string]int{
			"input_tokens": 100, "output_tokens": 20, "cache_read_input_tokens": 7, "cache_creation_input_tokens": 5,
		},
	}
	for k, v := range change {
		fields[k] = v
	}
	line, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	return line
}

func claudeFor(id string) *claudeDialect {
	d := newClaude(&Brief{Options: &ModelOptions{}, Agent: id})
	d.Init(nil, Init{Agent: id})
	return d
}

// decoded is what a dialect makes of a line that it has to understand.
func decoded(t *testing.T, d Dialect, line []byte) Line {
	t.Helper()
	l, err := d.Decode(line)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return l
}

func TestClaudeTurn(t *testing.T) {
	d := claudeFor("ann")
	asked := d.Observe([]byte("head\n"), &Observe{Agent: "ann", Tick: 4, Observation: []byte(`{"they":"C"}`)})
	var in struct {
		Type    string
		Message struct{ Role, Content string }
	}
	if err := json.Unmarshal(asked[len("head\n"):], &in); err != nil || strings.Count(string(asked), "\n") != 2 {
		t.Fatalf("%s: %v", asked, err)
	}
	if in.Type != "user" || in.Message.Role != "user" || !strings.Contains(in.Message.Content, `You observe: {"they":"C"}`) {
		t.Errorf("asked %+v", in)
	}
	for _, line := range []string{
		`{"type":"system","subtype":"init","session_id":"s-1","model":"claude-sonnet-5-5","tools":[]}`,
		`{"type":"assistant","message":{"content":[{"type":"text","text":"{\"action\":1}"}]},"session_id":"s-1"}`,
		`{"type":"rate_limit_event"}`,
	} {
		if l := decoded(t, d, []byte(line)); l.Type == TypeAct || l.Type == TypeFailed || l.Usage != nil {
			t.Errorf("%s is taken for an answer: %+v", line, l)
		}
	}
	l := decoded(t, d, resultLine(nil))
	if l.Type != TypeAct || l.Act.Agent != "ann" || l.Act.Tick != 4 || string(l.Act.Action) != `{"move":"C"}` {
		t.Errorf("%+v", l)
	}
	want := Usage{"claude-sonnet-5-5", "s-1", 1, 100, 20, 7, 5, 400_000, 79 * time.Millisecond}
	if l.Usage == nil || *l.Usage != want {
		t.Errorf("usage %+v, want %+v", l.Usage, want)
	}
	d.Observe(nil, &Observe{Agent: "ann", Tick: 5, Observation: []byte(`{}`)})
	if l := decoded(t, d, resultLine(map[string]any{"result": "No."})); l.Type != TypeFailed || l.Failure != InvalidAction || l.Tick != 5 || l.Usage == nil {
		t.Errorf("%+v", l)
	}
}

// Costs are counted from the tool's totals, or from what it says that each
// model cost, which is better.
func TestClaudeUsage(t *testing.T) {
	type models = map[string]map[string]any
	one := models{"a": {"inputTokens": 10, "outputTokens": 2, "cacheReadInputTokens": 3, "cacheCreationInputTokens": 4, "costUSD": 0.01}}
	two := models{"a": one["a"], "small": {"inputTokens": 5, "outputTokens": 1, "costUSD": 0.002}}
	for name, c := range map[string]struct {
		results []map[string]any
		want    []string
	}{
		"totals":                            {[]map[string]any{{"total_cost_usd": 0.5}, {"total_cost_usd": 0.75}, {"total_cost_usd": 0.75}}, []string{"$0.5 100/20/7/5", "$0.25 100/20/7/5", "$0 100/20/7/5"}},
		"going down is another session":     {[]map[string]any{{"total_cost_usd": 0.5}, {"total_cost_usd": 0.1}}, []string{"$0.5 100/20/7/5", "$0.1 100/20/7/5"}},
		"by model":                          {[]map[string]any{{"total_cost_usd": 9, "model_usage_since_last_result": one}}, []string{"$0.01 10/2/3/4"}},
		"by several models":                 {[]map[string]any{{"model_usage_since_last_result": two}}, []string{"$0.012 15/3/3/4"}},
		"by no model":                       {[]map[string]any{{"model_usage_since_last_result": models{}}}, []string{"$0 0/0/0/0"}},
		"by model and then by the total":    {[]map[string]any{{"total_cost_usd": 0.5, "model_usage_since_last_result": one}, {"total_cost_usd": 0.75}}, []string{"$0.01 10/2/3/4", "$0.25 100/20/7/5"}},
		"a failure costs as an answer does": {[]map[string]any{{"subtype": "error_max_turns", "is_error": true, "total_cost_usd": 0.5}}, []string{"$0.5 100/20/7/5"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := claudeFor("ann")
			var got []string
			for _, r := range c.results {
				u := decoded(t, d, resultLine(r)).Usage
				got = append(got, fmt.Sprintf("%s %d/%d/%d/%d", u.USD, u.Input, u.Output, u.CacheRead, u.CacheWrite))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// No line makes Decode panic, and an act that it gives is one that can be
// recorded.
func FuzzClaudeDecode(f *testing.F) {
	for _, change := range []map[string]any{nil, {"result": ""}, {"is_error": true, "api_error_status": 429}, {"total_cost_usd": 1e300},
		{"model_usage_since_last_result": map[string]any{"m": map[string]any{"costUSD": -1}}}, {"duration_ms": -1e308}} {
		f.Add(resultLine(change))
	}
	f.Add([]byte(`{"type":"system","subtype":"init","model":"m"}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, line []byte) {
		d := claudeFor("ann")
		d.Observe(nil, &Observe{Agent: "ann", Tick: 3, Observation: []byte("1")})
		l, err := d.Decode(line)
		switch {
		case err != nil && !errors.Is(err, ErrNotProtocol):
			t.Errorf("%q: %v", line, err)
		case err != nil:
		case l.Type == TypeAct:
			isCompact(t, l.Act.Action)
			if l.Act.Agent != "ann" || l.Act.Tick != 3 || l.Usage == nil {
				t.Errorf("%q: %+v", line, l)
			}
		case l.Type == TypeFailed:
			if l.Failure == "" || l.Agent != "ann" || l.Tick != 3 || l.Usage == nil {
				t.Errorf("%q: %+v", line, l)
			}
		}
		if l.Usage != nil && (l.Usage.USD < 0 || l.Usage.Took < 0 || l.Usage.Turns < 0 || l.Usage.Input < 0) {
			t.Errorf("%q: used %+v", line, *l.Usage)
		}
	})
}

// Its own tools that reach others are denied, but for those that a scenario allows.
func TestClaudeDenied(t *testing.T) {
	for name, c := range map[string]struct {
		o    ModelOptions
		want string
	}{
		"all":            {ModelOptions{}, "--disallowedTools ListAgents SendMessage RemoteTrigger --last"},
		"one is allowed": {ModelOptions{AllowedTools: []string{"Read", "SendMessage"}}, "--disallowedTools ListAgents RemoteTrigger --last"},
		"by settings":    {ModelOptions{Settings: []byte(`{"permissions":{"allow":["ListAgents","Read"]}}`)}, "--disallowedTools SendMessage RemoteTrigger --last"},
		"other settings": {ModelOptions{Settings: []byte(`{"permissions":{"allow":"ListAgents"}}`)}, "--disallowedTools ListAgents SendMessage RemoteTrigger --last"},
		"none":           {ModelOptions{AllowedTools: []string{"RemoteTrigger", "ListAgents", "SendMessage"}}, "RemoteTrigger ListAgents SendMessage --last"},
	} {
		t.Run(name, func(t *testing.T) {
			c.o.Keep, c.o.Flags = true, []string{"--last"}
			if got := strings.Join(claudeCommand("claude", &c.o), " "); !strings.HasSuffix(got, " "+c.want) {
				t.Errorf("got %q, want it to end with %q", got, c.want)
			}
		})
	}
}

// What the tool puts before a conversation is less where the scenario takes its tools
// away, and more for older models.
func TestClaudeOverhead(t *testing.T) {
	for _, c := range []struct {
		o    ModelOptions
		want int
	}{
		{ModelOptions{}, 59_600},
		{ModelOptions{Model: "claude-sonnet-5-5", Flags: []string{"--tools", "Read"}}, 59_600},
		{ModelOptions{Model: "claude-sonnet-4-5"}, 93_400},
		{ModelOptions{Flags: []string{"--tools", ""}}, 19_200},
		{ModelOptions{Flags: []string{"--tools="}, System: "s"}, 7_200},
		{ModelOptions{Flags: []string{"--tools"}}, 59_600},
	} {
		if got := claudeOverhead(&c.o); got != c.want {
			t.Errorf("%+v: %d, want %d", c.o, got, c.want)
		}
	}
}
