package agent

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// told is the text of the message that an observe becomes, and what Decode says
// of it next.
func told(t *testing.T, b *Brief, o *Observe) (text, warning string) {
	t.Helper()
	d := newClaude(b)
	var in struct{ Message struct{ Content string } }
	if err := json.Unmarshal(d.Observe(nil, o), &in); err != nil {
		t.Fatal(err)
	}
	return in.Message.Content, decoded(t, d, []byte(`{"type":"assistant"}`)).Text
}

var everything = &Observe{
	Agent: "ann", Tick: 7, Deadline: 90 * time.Second, Observation: []byte(`{"a<b":[1.50,"é"]}`), Attempt: 2, Error: "move: not one of C, D",
	Messages: []Message{{From: "bob", Body: []byte(`"hi & bye"`)}, {From: "eve", Channel: "square", Body: []byte(`{"x":12345678901234567890}`)}},
	Results:  [][]byte{[]byte(`{"send":0,"error":"no agent zed"}`)},
	Schema:   []byte(`{"enum":["C","D"]}`),
}

func TestDefaultMessage(t *testing.T) {
	all := &Brief{Options: &ModelOptions{}, Agent: "ann", Config: []byte(`{}`), Scenario: "s", Agents: []string{"ann", "bob", "eve"}, Channels: []string{"den", "square"}}
	const wantAll = `Tick 7. Your last answer was not accepted: move: not one of C, D

You observe: {"a<b":[1.50,"é"]}

Messages to you:
- from bob: "hi & bye"
- from eve in square: {"x":12345678901234567890}

What became of what you asked for:
- {"error":"no agent zed","send":0}

End your answer with one JSON object: {"action": your action}, where your action fits this JSON Schema: {"enum":["C","D"]}.
To say something to others, add "send" to the object: a list of {"to": an agent's id, "body": any JSON} or {"channel": a channel's name, "body": any JSON}. The others are bob, eve; your channels are den, square.
`
	if got, why := told(t, all, everything); got != wantAll || why != "" {
		t.Errorf("%s%s\nwant\n%s", why, got, wantAll)
	}
	nothing := &Brief{Options: &ModelOptions{}, Agent: "ann", Agents: []string{"ann"}}
	const wantNothing = `Tick 0.

You observe: null

End your answer with one JSON object: {"action": your action}.
`
	if got, why := told(t, nothing, &Observe{Agent: "ann", Observation: []byte(`null`), Attempt: 1}); got != wantNothing || why != "" {
		t.Errorf("%s%s\nwant\n%s", why, got, wantNothing)
	}
}

// A message of the scenario's own knows all that there is; where it cannot be
// filled, the default one is sent, and why is told once.
func TestOwnMessage(t *testing.T) {
	b := &Brief{Agent: "ann", Config: []byte(`{"trade":"miller","debt":1.50}`), Scenario: "town", Agents: []string{"ann", "bob"}, Channels: []string{"den"}}
	for name, c := range map[string]struct{ template, want, why string }{
		"all of it": {
			`{{.agent.id}} {{.agent.config.trade}} {{.agent.config.debt}} {{.scenario.name}} {{join .agents "+"}} {{join .peers "+"}} {{.channels}}` +
				` {{.tick}} {{.attempt}} {{.error}} {{.deadline}} {{json .schema}} {{len .messages}} {{(index .messages 0).from}} {{len .results}} {{json .observation}}`,
			`ann miller 1.50 town ann+bob bob [den] 7 2 move: not one of C, D 1m30s {"enum":["C","D"]} 2 bob 1 {"a<b":[1.50,"é"]}`, "",
		},
		"nothing":          {"{{/* quiet */}}go", "go", ""},
		"a missing name":   {"{{.weather}}", "Tick 7.", `map has no entry for key "weather"`},
		"a missing config": {"{{.agent.config.debts}}", "Tick 7.", `map has no entry for key "debts"`},
		"an odd call":      {"{{join .tick 1}}", "Tick 7.", "template: message:1:"},
	} {
		t.Run(name, func(t *testing.T) {
			own := *b
			own.Options = &ModelOptions{Message: c.template}
			got, why := told(t, &own, everything)
			if why == "" && got != c.want || why != "" && !strings.HasPrefix(got, c.want) || (why != "") != (c.why != "") || !strings.Contains(why, c.why) {
				t.Errorf("%s\n%s", got, why)
			}
		})
	}
}

func TestTexts(t *testing.T) {
	b := &Brief{Options: &ModelOptions{Prompt: "You are {{.agent.id}}, a {{.agent.config.trade}}.", System: "{{.scenario.name}}"},
		Agent: "ann", Config: []byte(`{"trade":"miller"}`), Scenario: "town"}
	texts, err := b.Texts()
	if err != nil || len(texts) != 2 || texts[PromptFile] != "You are ann, a miller." || texts[SystemFile] != "town" {
		t.Errorf("%q, %v", texts, err)
	}
	b.Options = &ModelOptions{Prompt: "{{.agent.config.rank}}"}
	if _, err := b.Texts(); err == nil || !strings.Contains(err.Error(), `no entry for key "rank"`) {
		t.Errorf("got %v", err)
	}
	b.Options = &ModelOptions{}
	if texts, err := b.Texts(); err != nil || len(texts) != 0 {
		t.Errorf("%q, %v", texts, err)
	}
	for _, bad := range []string{"{{.agent", "{{nothing .agent}}", "{{end}}"} {
		if _, err := ParseText("prompt", bad); err == nil || !strings.Contains(err.Error(), "prompt:1") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
