package agent

import (
	"encoding/json"
	"hash/fnv"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"
)

// codex is Codex as a process for each turn: the observation is its prompt, at
// the end of its stdin it works, and the action is in its last message. The next
// turn goes on with the thread. Its format is that of codex exec --json.
var codex = Kind{
	Name: "codex",
	Keys: []string{
		"prompt", "system", "message", "model", "permission_mode",
		"flags", "mcp", "settings", "gateway", "limits", "limits.turns", "limits.usd", "secrets", "files", "env", "readable", "network", "shared", "workspace",
	},
	Tool: &Tool{
		Program:   "codex",
		Install:   "npm install -g @openai/codex",
		Version:   []string{"--version"},
		Command:   codexCommand,
		Files:     codexFiles,
		Configure: codexConfigure,
		PerTurn:   true,
		Resume:    func(thread string) []string { return []string{"resume", thread, "-"} },
		Find:      codexFind,
		Recorded:  codexRecorded,
		API:       "openai",
		// The key is in its environment, and in none that it gives to commands: it
		// takes it from no descriptor.
		Credentials: []Credential{{Secret: codexKey}},
		Models:      map[string]string{"": "gpt-6.1-sol"},
		Overhead:    codexOverhead,
		Modes:       []string{codexUnwalled, "read-only", "workspace-write"},
		Deadline:    5 * time.Minute,
		MaxLine:     16 << 20,
		Guide:       "AGENTS.md", // it looks for one in its workspace alone
	},
	States:     []string{"session", "none"},
	Dialect:    func(b *Brief) Dialect { return newCodex(b) },
	Transcript: codexTranscript,
	Calls:      codexCalls,
}

const (
	codexKey = "OPENAI_API_KEY"
	// codexBase is the variable that says where its model is. The tool reads none:
	// codexConfigure does.
	codexBase = "OPENAI_BASE_URL"
	// codexUnwalled is the mode without walls of its own. They need what containers
	// do not give, and those around its process are there without them.
	codexUnwalled = "danger-full-access"
)

// codexFixed keeps the tool to its agent.
var codexFixed = []string{
	"exec", "--json", "--skip-git-repo-check",
	// It talks to its model alone, starts nothing that outlives its turn, and says so
	// where it has no connection.
	"--disable", "plugins", "--disable", "apps", "--disable", "daemon_auto_start",
	"--disable", "shell_snapshot", "--disable", "unbounded_connection_retries",
	"-c", "analytics.enabled=false",
	"-c", "check_for_update_on_startup=false",
	// Its workspace alone: else it reads the AGENTS.md and the skills of every
	// directory above, up to a repository's top, which no plan names.
	"-c", "project_root_markers=[]",
	"-c", `shell_environment_policy.exclude=["` + codexKey + `"]`,
	"-c", `model_provider="troupe"`,
}

func codexCommand(program string, o *ModelOptions) []string {
	words := append([]string{program}, codexFixed...)
	if o.Model != "" {
		words = append(words, "--model", o.Model)
	}
	switch o.PermissionMode {
	case "", codexUnwalled:
		words = append(words, "--dangerously-bypass-approvals-and-sandbox")
	default:
		words = append(words, "--sandbox", o.PermissionMode)
	}
	if !o.Keep {
		words = append(words, "--ephemeral")
	}
	return append(words, o.Flags...)
}

// codexFiles are its servers and settings, for codexConfigure: the tool reads such
// files in its home alone, which is the agent's to change.
func codexFiles(o *ModelOptions, servers map[string]MCPServer) map[string]string {
	return claudeFiles(o, servers)
}

// codexOverhead is that of Codex 0.169.0.
func codexOverhead(o *ModelOptions) int {
	const system, rest = 22_000, 33_600
	if o.System != "" {
		return rest // it stands in the place of the tool's own
	}
	return system + rest
}

// codexConfigure tells the tool by settings what it takes from no variable and no
// file: where its model is (OPENAI_BASE_URL of its environment, which the gateway
// sets, else OpenAI's own service), its system prompt, its servers, and where it keeps
// its databases. The words come before those of the command, so that a scenario's
// flags win. Anybody may read the words of a process: prompts are not among them.
func codexConfigure(command []string, s *Setting) []string {
	base := s.Env(codexBase)
	if base == "" {
		base = "https://api.openai.com/v1"
	}
	var words []string
	set := func(key, value string) { words = append(words, "-c", key+"="+value) }
	set("model_providers.troupe", `{name="troupe", wire_api="responses", env_key="`+codexKey+`", base_url=`+tomlString(base)+
		// It gives up soon, so that the policy for rate_limited deals with a model that
		// has no room, and not the deadline.
		`, request_max_retries=0, stream_max_retries=2}`)
	// Its databases name files of its sessions by whole paths: those of a fork's
	// parent would have the fork go on in the parent's.
	home := s.Env("HOME")
	set("sqlite_home", tomlString(filepath.Join(home, ".codex", "state-"+strconv.FormatUint(hash(home), 36))))
	if s.Texts[SystemFile] != "" {
		set("model_instructions_file", tomlString(s.File(SystemFile)))
	}
	for _, x := range codexServers(s.Texts[ServersFile]) {
		set("mcp_servers."+x.name, tomlValue(x.value))
	}
	for _, x := range fieldsOf(s.Texts[SettingsFile]) {
		set(x.name, tomlValue(x.value))
	}
	const behind = 2 // the program and exec
	return slices.Insert(slices.Clone(command), behind, words...)
}

// hash tells texts apart.
func hash(s string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s)) // it never fails
	return h.Sum64()
}

// A codexDialect is one turn of a thread.
type codexDialect struct {
	brief   *Brief
	message *template.Template
	init    Init
	asked   int // the tick of the message
	warning string
	thread  string
	goesOn  bool // with a thread that was there before
	spoke   bool
	said    string // its newest message
}

func newCodex(b *Brief) *codexDialect {
	return &codexDialect{brief: b, message: b.messageTemplate()}
}

func (d *codexDialect) Init(dst []byte, in Init) []byte {
	d.init = in
	return dst
}

func (d *codexDialect) Observe(dst []byte, o *Observe) []byte {
	d.asked, d.spoke, d.said = o.Tick, false, ""
	if !d.goesOn {
		texts, _ := d.brief.Texts() // filled once already, when the plan was made
		for _, name := range []string{PromptFile, GuideFile} {
			if text := strings.TrimRight(texts[name], "\n"); text != "" {
				dst = append(append(dst, text...), "\n\n"...)
			}
		}
	}
	var text string
	text, d.warning = d.brief.message(d.message, o)
	return append(append(dst, text...), '\n')
}

// Resumes says that the process goes on with a session: it has its prompt.
func (d *codexDialect) Resumes() { d.goesOn = true }

// Stop says nothing: stdin has ended already.
func (d *codexDialect) Stop(dst []byte, _, _ string) []byte { return dst }

// codexLine is what matters of a line of the tool's stream.
type codexLine struct {
	Type    string
	Thread  string `json:"thread_id"`
	Item    codexItem
	Message string // of an error
	Error   struct{ Message string }
	Usage   codexTokens
}

// codexTokens are the tokens of a turn, or of a thread. Those that the cache had
// are among those of the input.
type codexTokens struct {
	Input      int `json:"input_tokens"`
	CacheRead  int `json:"cached_input_tokens"`
	CacheWrite int `json:"cache_write_input_tokens"`
	Output     int `json:"output_tokens"`
}

// into tells a usage of them.
func (t *codexTokens) into(u *Usage) {
	u.Input, u.Output, u.CacheRead, u.CacheWrite = t.Input-t.CacheRead-t.CacheWrite, t.Output, t.CacheRead, t.CacheWrite
	u.plausible()
}

func (d *codexDialect) Decode(line []byte) (Line, error) {
	var l codexLine
	if json.Unmarshal(line, &l) != nil || l.Type == "" {
		return Line{}, ErrNotProtocol
	}
	warn := func(text string) Line { return Line{Type: TypeLog, Agent: d.init.Agent, Level: "warn", Text: text} }
	switch {
	case l.Type == "turn.completed", l.Type == "turn.failed":
		return d.result(&l), nil
	case l.Type == "error":
		return warn(l.Message), nil
	case l.Type == "thread.started":
		d.thread = l.Thread
	case l.Type == "item.completed" && l.Item.Type == "agent_message":
		d.spoke, d.said = true, l.Item.Text
	case l.Type == "item.completed" && l.Item.Type == "error":
		return warn(l.Item.Message), nil
	}
	if why := d.warning; why != "" {
		d.warning = ""
		return warn("the default message was sent instead of the scenario's: " + why), nil
	}
	return Line{Type: l.Type}, nil
}

// result is an answer: an act, or a failure. What it took is the whole thread's
// so far: codexRecorded has the turn's.
func (d *codexDialect) result(l *codexLine) Line {
	u := &Usage{Session: d.thread, Model: d.brief.Options.Model, Turns: 1}
	if l.Usage.into(u); l.Type != "turn.completed" {
		u.Turns = 0
	}
	out := Line{Type: TypeFailed, Agent: d.init.Agent, Tick: d.asked, Usage: u}
	switch {
	case l.Type != "turn.completed":
		out.Failure, out.Detail = codexFailure(l.Error.Message)
		return out
	case !d.spoke:
		out.Failure, out.Detail = Refused, "the turn ended without a message: the tool passes no refusal on"
		return out
	}
	act, reason := reply(d.said)
	if reason != "" {
		out.Failure, out.Detail = InvalidAction, reason
		return out
	}
	act.Agent, act.Tick = out.Agent, out.Tick
	out.Type, out.Act = TypeAct, act
	return out
}
