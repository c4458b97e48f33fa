package gateway

import "testing"

// Requests that say the same are the same, whoever asks and wherever it lives.
func TestNormal(t *testing.T) {
	n := NewNormaliser(map[string]string{"agent": "/runs/a", "work": "/runs/a/work"})
	for body, want := range map[string]string{
		`{"model":"m","messages":[{"content":"in /runs/a/work and /runs/a","role":"user"}],"metadata":{"user_id":"x"}}`: `{"messages":[{"content":"in {work} and {agent}","role":"user"}],"model":"m"}`,
		// Codex gives each item of its conversations an id; calls have ids of the model's.
		`{"input":[{"type":"message","id":"msg_1","content":[{"text":"hi","id":"kept"}]},{"type":"function_call","id":"fc_1","call_id":"call_1"},"text"],"prompt_cache_key":"k","client_metadata":{}}`: `{"input":[{"content":[{"id":"kept","text":"hi"}],"type":"message"},{"call_id":"call_1","type":"function_call"},"text"]}`,
		`{"id":"kept","input":"text"}`: `{"id":"kept","input":"text"}`,
		`[{"id":1}] /runs/a`:           `[{"id":1}] {agent}`,
	} {
		if got := string(n.Normal([]byte(body))); got != want {
			t.Errorf("%s is\n%s\nwant\n%s", body, got, want)
		}
	}
}
