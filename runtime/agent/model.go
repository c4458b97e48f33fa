package agent

import "encoding/json"

// ModelOptions are what an entry of a scenario says to a kind that talks to a
// model. The texts are templates: package text/template over a Brief's data.
type ModelOptions struct {
	Model          string   `json:"model,omitempty"`
	Prompt         string   `json:"prompt,omitempty"`
	System         string   `json:"system,omitempty"`
	Message        string   `json:"message,omitempty"` // empty for the kind's own
	AllowedTools   []string `json:"allowed_tools,omitempty"`
	PermissionMode string   `json:"permission_mode,omitempty"`
	MaxTurns       int      `json:"max_turns,omitempty"` // requests an answer; 0 for no bound
	Flags          []string `json:"flags,omitempty"`
	USD            USD      `json:"usd,omitempty"`   // what one agent may cost; 0 for no bound
	Keep           bool     `json:"keep,omitempty"`  // its session is kept, to be gone on with
	Files          bool     `json:"files,omitempty"` // it has files of its own at {program}/
	Guide          string   `json:"guide,omitempty"` // what one of those says that the tool is to be told; no template

	MCP      map[string]MCPServer `json:"mcp,omitempty"`      // beside the run's own
	Settings json.RawMessage      `json:"settings,omitempty"` // of the tool, in its own words; empty for none
}

// A Brief is what the templates of one agent know.
type Brief struct {
	Options  *ModelOptions
	Agent    string
	Config   json.RawMessage
	Scenario string
	Agents   []string // all of the start
	Channels []string // those it is a member of at the start
}

// data is what every template knows, by name.
func (b *Brief) data() map[string]any {
	return map[string]any{
		"agent":    map[string]any{"id": b.Agent, "config": value(b.Config)},
		"scenario": map[string]any{"name": b.Scenario},
		"agents":   b.Agents,
		"channels": b.Channels,
	}
}

// A TextError is what is wrong with one of the texts of an agent.
type TextError struct {
	File string // PromptFile or SystemFile
	Err  error
}

func (e *TextError) Error() string { return e.Err.Error() }
func (e *TextError) Unwrap() error { return e.Err }

// Texts are the rendered prompt and system prompt, and the guide, by the names
// that a tool's command uses for their files; what is empty is left out. Its error
// is a *TextError.
func (b *Brief) Texts() (map[string]string, error) {
	texts := map[string]string{}
	if b.Options.Guide != "" {
		texts[GuideFile] = b.Options.Guide
	}
	for _, x := range []struct{ file, source string }{{PromptFile, b.Options.Prompt}, {SystemFile, b.Options.System}} {
		if x.source == "" {
			continue
		}
		t, err := ParseText(x.file, x.source)
		if err == nil {
			texts[x.file], err = render(t, b.data())
		}
		if err != nil {
			return nil, &TextError{x.file, err}
		}
	}
	return texts, nil
}

// Names of the files that hold rendered texts.
const (
	PromptFile = "prompt.txt"
	SystemFile = "system.txt"
	GuideFile  = "guide.txt"
)
