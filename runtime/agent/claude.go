package agent

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"
)

// claude is Claude Code as one process for many turns: every observation is a
// user message, and the action is in the reply. Its format is that of
// claude -p --input-format stream-json --output-format stream-json --verbose.
var claude = Kind{
	Name: "claude",
	Keys: []string{
		"prompt", "system", "message", "model", "allowed_tools", "permission_mode",
		"max_turns", "flags", "mcp", "settings", "gateway", "limits", "limits.turns", "limits.usd", "secrets", "files", "env", "readable", "network", "serves", "shared", "workspace",
	},
	Tool: &Tool{
		Program:  "claude",
		Install:  "npm install -g @anthropic-ai/claude-code",
		Version:  []string{"--version"},
		Command:  claudeCommand,
		Files:    claudeFiles,
		Resume:   func(session string) []string { return []string{"--resume", session} },
		Find:     claudeFind,
		Recorded: claudeRecorded,
		Env: map[string]string{
			"DISABLE_AUTOUPDATER":                      "1",
			"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
			// It gives up soon, so that the policy for rate_limited deals with a
			// model that has no room, and not the deadline.
			"CLAUDE_CODE_MAX_RETRIES": "2",
			// A CLAUDE.md among the entry's files counts as one.
			"CLAUDE_CODE_ADDITIONAL_DIRECTORIES_CLAUDE_MD": "1",
		},
		API: "anthropic",
		Credentials: []Credential{
			{"ANTHROPIC_API_KEY", "CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR"},
			{"CLAUDE_CODE_OAUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR"},
			{"ANTHROPIC_AUTH_TOKEN", ""},
		},
		Models: map[string]string{
			"": "claude-opus-5-5", "opus": "claude-opus-5-5", "sonnet": "claude-sonnet-5-5", "haiku": "claude-haiku-5-5", "fable": "claude-fable-5-2",
		},
		Overhead: claudeOverhead,
		Modes:    []string{"acceptEdits", "auto", "bypassPermissions", "default", "dontAsk", "manual", "plan"},
		Deadline: 5 * time.Minute,
		MaxLine:  16 << 20,
	},
	States:     []string{"session", "none"},
	Dialect:    func(b *Brief) Dialect { return newClaude(b) },
	Transcript: claudeTranscript,
	Calls:      claudeCalls,
}

func claudeCommand(program string, o *ModelOptions) []string {
	words := []string{
		program, "-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose",
		// Its home's settings alone: else it reads the CLAUDE.md, the skills and the
		// settings of every directory above its workspace, which no plan names.
		"--setting-sources", "user",
		"--mcp-config", "{agent}/" + ServersFile, "--strict-mcp-config",
	}
	add := func(flag, value string) {
		if value != "" {
			words = append(words, flag, value)
		}
	}
	add("--model", o.Model)
	if o.System != "" {
		add("--system-prompt-file", "{agent}/"+SystemFile)
	}
	if o.Prompt != "" {
		add("--append-system-prompt-file", "{agent}/"+PromptFile)
	}
	if len(o.Settings) > 0 {
		add("--settings", "{agent}/"+SettingsFile)
	}
	words = append(append(words, "--allowedTools", "mcp__"+OwnServer), o.AllowedTools...)
	if denied := claudeDenied(o); len(denied) > 0 {
		words = append(append(words, "--disallowedTools"), denied...)
	}
	add("--permission-mode", o.PermissionMode)
	if o.MaxTurns > 0 {
		add("--max-turns", strconv.Itoa(o.MaxTurns))
	}
	if o.USD > 0 {
		add("--max-budget-usd", strconv.FormatFloat(o.USD.Dollars(), 'f', -1, 64))
	}
	if !o.Keep {
		words = append(words, "--no-session-persistence")
	}
	if o.Files {
		add("--add-dir", "{program}/.")
	}
	return append(words, o.Flags...)
}

// claudeElsewhere are its own tools that reach other sessions, those of the same user
// here and those of the account elsewhere: agents reach each other through the run.
var claudeElsewhere = []string{"ListAgents", "SendMessage", "RemoteTrigger"}

// claudeDenied are those that the scenario does not allow by name. What a flag denies
// no settings allow, so it is left out here.
func claudeDenied(o *ModelOptions) (denied []string) {
	var settings struct {
		Permissions struct{ Allow []string }
	}
	_ = json.Unmarshal(o.Settings, &settings) // what is of another form allows nothing
	for _, name := range claudeElsewhere {
		if !slices.Contains(o.AllowedTools, name) && !slices.Contains(settings.Permissions.Allow, name) {
			denied = append(denied, name)
		}
	}
	return denied
}

// claudeOverhead is that of Claude Code 2.1.331, which tells older models more.
func claudeOverhead(o *ModelOptions) int {
	system, tools, rest := 12_000, 40_400, 7_200
	if strings.Contains(o.Model, "-4") || strings.Contains(o.Model, "claude-3-") {
		system, tools = 28_700, 57_500
	}
	if o.System != "" {
		system = 0 // it stands in its place
	}
	if i := slices.Index(o.Flags, "--tools"); i >= 0 && i+1 < len(o.Flags) && o.Flags[i+1] == "" || slices.Contains(o.Flags, "--tools=") {
		tools = 0
	}
	return system + tools + rest
}

// claudeFiles are its servers and settings.
func claudeFiles(o *ModelOptions, servers map[string]MCPServer) map[string]string {
	files := map[string]string{ServersFile: serversText(servers)}
	if len(o.Settings) > 0 {
		files[SettingsFile] = string(o.Settings) + "\n"
	}
	return files
}

// A claudeDialect is one conversation. The tool says nothing before its first
// message, and one result for each message.
type claudeDialect struct {
	brief   *Brief
	message *template.Template
	init    Init
	asked   int // the tick of the newest message
	warning string
	model   string
	total   USD    // what the session cost so far
	said    string // the newest part of the answer, as the tool's session names it
}

func newClaude(b *Brief) *claudeDialect {
	return &claudeDialect{brief: b, message: b.messageTemplate()}
}

func (d *claudeDialect) Init(dst []byte, in Init) []byte {
	d.init = in
	return dst
}

func (d *claudeDialect) Observe(dst []byte, o *Observe) []byte {
	d.asked, d.said = o.Tick, ""
	var text string
	text, d.warning = d.brief.message(d.message, o)
	dst = append(dst, `{"type":"user","message":{"role":"user","content":`...)
	dst = AppendString(dst, text)
	return append(dst, "}}\n"...)
}

// Stop says nothing: the tool ends with its stdin.
func (d *claudeDialect) Stop(dst []byte, _, _ string) []byte { return dst }

// claudeLine is what matters of a line of the tool's stream.
type claudeLine struct {
	Type       string
	Subtype    string
	Session    string `json:"session_id"`
	UUID       string
	Above      string `json:"parent_tool_use_id"` // of what an agent of the tool's own says
	Model      string
	Result     string
	IsError    bool   `json:"is_error"`
	StopReason string `json:"stop_reason"`
	Errors     []string
	Status     *int    `json:"api_error_status"`
	ErrorType  string  `json:"api_error_type"`
	Turns      int     `json:"num_turns"`
	Duration   float64 `json:"duration_ms"`
	Cost       float64 `json:"total_cost_usd"`
	Usage      struct {
		Input      int `json:"input_tokens"`
		Output     int `json:"output_tokens"`
		CacheRead  int `json:"cache_read_input_tokens"`
		CacheWrite int `json:"cache_creation_input_tokens"`
	}
	Models map[string]claudeModel `json:"model_usage_since_last_result"`
}

// claudeModel is what one model was used for since the last result.
type claudeModel struct {
	Input      int     `json:"inputTokens"`
	Output     int     `json:"outputTokens"`
	CacheRead  int     `json:"cacheReadInputTokens"`
	CacheWrite int     `json:"cacheCreationInputTokens"`
	Cost       float64 `json:"costUSD"`
}

func (d *claudeDialect) Decode(line []byte) (Line, error) {
	var l claudeLine
	if json.Unmarshal(line, &l) != nil || l.Type == "" {
		return Line{}, ErrNotProtocol
	}
	switch {
	case l.Type == "result":
		return d.result(&l), nil
	case l.Type == "system" && l.Subtype == "init":
		d.model = l.Model
	case l.Type == "assistant" && l.Above == "":
		d.said = l.UUID
	}
	if why := d.warning; why != "" {
		d.warning = ""
		return Line{Type: TypeLog, Agent: d.init.Agent, Level: "warn", Text: "the default message was sent instead of the scenario's: " + why}, nil
	}
	return Line{Type: l.Type}, nil
}

// usage is what the tool says that the answer took.
func (d *claudeDialect) usage(l *claudeLine) *Usage {
	took := min(max(l.Duration, 0), mostCounted)
	u := &Usage{
		Model: d.model, Session: l.Session, Turns: l.Turns, Input: l.Usage.Input, Output: l.Usage.Output,
		CacheRead: l.Usage.CacheRead, CacheWrite: l.Usage.CacheWrite, Took: time.Duration(took * float64(time.Millisecond)),
	}
	total := FromDollars(l.Cost)
	if u.USD = total - d.total; u.USD < 0 {
		u.USD = total // another session's count
	}
	d.total = total
	defer u.plausible()
	if l.Models != nil {
		// More exact: side requests to other models are in it, and what a session
		// cost before it was resumed is not.
		u.Input, u.Output, u.CacheRead, u.CacheWrite, u.USD = 0, 0, 0, 0, 0
		for _, m := range l.Models {
			u.Add(&Usage{Input: m.Input, Output: m.Output, CacheRead: m.CacheRead, CacheWrite: m.CacheWrite, USD: FromDollars(m.Cost)})
		}
	}
	if u.Input+u.Output+u.CacheRead+u.CacheWrite == 0 {
		u.Turns = 0 // the tool counts a turn that the model never had
	}
	return u
}

// result is an answer: an act, or a failure.
func (d *claudeDialect) result(l *claudeLine) Line {
	out := Line{Type: TypeFailed, Agent: d.init.Agent, Tick: d.asked, Usage: d.usage(l), Record: d.said}
	if out.Failure, out.Detail = claudeFailure(l); out.Failure != "" {
		return out
	}
	act, reason := reply(l.Result)
	if reason != "" {
		out.Failure, out.Detail = InvalidAction, reason
		return out
	}
	act.Agent, act.Tick = out.Agent, out.Tick
	out.Type, out.Act = TypeAct, act
	return out
}
