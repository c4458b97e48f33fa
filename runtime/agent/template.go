package agent

import (
	"bytes"
	"encoding/json"
	"strings"
	"text/template"
)

// functions are what templates can call beside text/template's own.
var functions = template.FuncMap{
	"json": func(v any) (string, error) {
		var b strings.Builder
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		err := e.Encode(v)
		return strings.TrimSuffix(b.String(), "\n"), err
	},
	"join": strings.Join,
}

// ParseText reads a template. Its error names the template, and the line and
// column in it. A name that the data does not have is an error when it is
// filled, not here.
func ParseText(name, text string) (*template.Template, error) {
	return template.New(name).Funcs(functions).Option("missingkey=error").Parse(text)
}

func render(t *template.Template, data map[string]any) (string, error) {
	var b strings.Builder
	err := t.Execute(&b, data)
	return b.String(), err
}

// value is JSON as templates see it. Numbers keep their digits.
func value(raw []byte) any {
	if len(raw) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	return v
}

// defaultMessage asks for an action.
const defaultMessage = `Tick {{.tick}}.{{if .error}} Your last answer was not accepted: {{.error}}{{end}}

You observe: {{json .observation}}
{{- if .messages}}

Messages to you:
{{- range .messages}}
- from {{.from}}{{if .channel}} in {{.channel}}{{end}}{{if .redelivered}} (you may have been told before){{end}}: {{json .body}}
{{- end}}
{{- end}}
{{- if .results}}

What became of what you asked for:
{{- range .results}}
- {{json .}}
{{- end}}
{{- end}}

End your answer with one JSON object: {"action": your action}
{{- if .schema}}, where your action fits this JSON Schema: {{json .schema}}{{end}}.
{{- if .peers}}
To say something to others, add "send" to the object: a list of {"to": an agent's id, "body": any JSON} or {"channel": a channel's name, "body": any JSON}. The others are {{join .peers ", "}}{{if .channels}}; your channels are {{join .channels ", "}}{{end}}.
{{- end}}
`

// messageTemplate is the template of a turn: the scenario's, else the default.
func (b *Brief) messageTemplate() *template.Template {
	if b.Options.Message != "" {
		if t, err := ParseText("message", b.Options.Message); err == nil { // it was checked with the plan
			return t
		}
	}
	return standard
}

// message fills the template of a turn. One that cannot be filled gives way to
// the default, and why says what is wrong with it.
func (b *Brief) message(t *template.Template, o *Observe) (text, why string) {
	data := b.data()
	data["tick"] = o.Tick
	data["deadline"] = o.Deadline.String()
	data["observation"] = value(o.Observation)
	data["schema"] = value(o.Schema)
	data["attempt"], data["error"] = o.Attempt, o.Error
	messages := make([]map[string]any, len(o.Messages))
	for i, m := range o.Messages {
		messages[i] = map[string]any{"from": m.From, "channel": m.Channel, "body": value(m.Body), "redelivered": m.Redelivered}
	}
	results := make([]any, len(o.Results))
	for i, r := range o.Results {
		results[i] = value(r)
	}
	data["messages"], data["results"] = messages, results
	peers := []string{}
	for _, id := range b.Agents {
		if id != b.Agent {
			peers = append(peers, id)
		}
	}
	data["peers"] = peers
	text, err := render(t, data)
	if err == nil {
		return text, ""
	}
	text, _ = render(standard, data) // TestDefaultMessage fills it with all there is
	return text, err.Error()
}

var standard = template.Must(ParseText("message", defaultMessage))
