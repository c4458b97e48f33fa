// Package scenarios is the YAML people write: its schema in Go, a strict
// decoder that reports every problem at once with file, line and column, and
// the library of scenarios, sample agents and clients that ships with troupe.
package scenarios

import "time"

// A Scenario is one YAML file decoded: every key known, every value of the
// right type, nothing resolved. The zero value of a field means that the file
// does not set it.
//
// The struct tags are the schema, which the decoder and Schema both read:
// yaml is the key (",inline" makes an embedded struct's keys the owner's),
// required says that it must be there, min and max bound an integer, nonempty
// asks for at least one character or item, enum and keys list the values or
// map keys there are, names says whose table knows the value (kinds, worlds).
type Scenario struct {
	Name       string             `yaml:"name" required:"true"`
	Seed       uint64             `yaml:"seed"`
	Clock      Clock              `yaml:"clock"`
	World      World              `yaml:"world"` // required but with the realtime clock
	Agents     []Entry            `yaml:"agents" required:"true" nonempty:"true"`
	Channels   map[string]Channel `yaml:"channels"`
	Shared     *Shared            `yaml:"shared"`
	OnFailure  map[string]Policy  `yaml:"on_failure" keys:"deadline crash spawn invalid_action oversize limit refused budget rate_limited differs"`
	Secrets    map[string]Secret  `yaml:"secrets"`
	Limits     *Limits            `yaml:"limits"`
	Gateway    *Gateway           `yaml:"gateway"`
	Checkpoint *Checkpoint        `yaml:"checkpoint"`
	Isolation  string             `yaml:"isolation" enum:"none auto strict uid landlock"`
	Durability string             `yaml:"durability" enum:"process machine"`
	Faults     []Fault            `yaml:"faults"`
	Collect    []Collect          `yaml:"collect"`
	View       *View              `yaml:"view"`
	Expect     []Expect           `yaml:"expect"`

	Source *Source `yaml:"-"` // where each value stands
}

// A Clock says how time passes.
type Clock struct {
	Mode     string   `yaml:"mode" enum:"lockstep realtime"`
	Ticks    int      `yaml:"ticks" min:"0"` // 0: until the world is done or no agent is left
	Deadline Duration `yaml:"deadline"`      // of an agent's answer; default 5s
	Quiet    Duration `yaml:"quiet"`         // realtime: the run is over once nothing was left to do for so long; 0: never
}

// A Duration is written as Go writes them: 500ms, 5s, 2m.
type Duration time.Duration

// A World names a built-in world or the command of one that is a process.
type World struct {
	Kind     string            `yaml:"kind" nonempty:"true" names:"worlds"`
	Command  []string          `yaml:"command" nonempty:"true"`
	Config   map[string]any    `yaml:"config"`
	Files    []string          `yaml:"files"`
	Readable []string          `yaml:"readable"` // as an entry's
	Network  *Network          `yaml:"network"`  // as an entry's
	Env      map[string]string `yaml:"env"`
	Timeout  Duration          `yaml:"timeout"` // of one of its answers; default 60s; only with command
}

// An Entry is one item under agents: one agent, or many of one make.
type Entry struct {
	ID         string            `yaml:"id" required:"true"`
	Replicas   int               `yaml:"replicas" min:"1" max:"10000000"`    // {n} counts from 1
	ForEach    *Rows             `yaml:"for_each"`                           // a row an agent
	Max        int               `yaml:"max" min:"1" max:"10000000"`         // agents alive at one time, where the world may add some
	PerProcess int               `yaml:"per_process" min:"1" max:"10000000"` // agents in one process
	Kind       string            `yaml:"kind" nonempty:"true" names:"kinds"`
	Command    []string          `yaml:"command" nonempty:"true"`
	Config     map[string]any    `yaml:"config"`
	Files      []string          `yaml:"files"`
	Readable   []string          `yaml:"readable"` // beside what all agents may read; relative to the scenario
	Network    *Network          `yaml:"network"`
	Serves     bool              `yaml:"serves"`
	Env        map[string]string `yaml:"env"`
	Deadline   Duration          `yaml:"deadline"`
	OnFailure  map[string]Policy `yaml:"on_failure" keys:"deadline crash spawn invalid_action oversize limit refused budget rate_limited differs"`
	State      string            `yaml:"state" enum:"reobserve snapshot session none"`
	Lifecycle  *Lifecycle        `yaml:"lifecycle"`
	Pin        *bool             `yaml:"pin"` // nil for true
	Secrets    []string          `yaml:"secrets"`
	Limits     *EntryLimits      `yaml:"limits"`
	Workspace  *Workspace        `yaml:"workspace"`
	Messages   *Messages         `yaml:"messages"`
	Shared     []string          `yaml:"shared"` // paths of the shared tree that its process reads directly

	// For kinds that talk to a model.

	Gateway string `yaml:"gateway" enum:"through bypass"` // default through, but for programs that the scenario names

	Prompt         *Text    `yaml:"prompt"`
	System         *Text    `yaml:"system"`
	Message        *Text    `yaml:"message"`
	Model          string   `yaml:"model" nonempty:"true"`
	AllowedTools   []string `yaml:"allowed_tools"`
	PermissionMode string   `yaml:"permission_mode" nonempty:"true"`
	MaxTurns       int      `yaml:"max_turns" min:"1"`
	Flags          []string `yaml:"flags"`

	MCP      map[string]MCPServer `yaml:"mcp"`      // beside the run's own
	Settings map[string]any       `yaml:"settings"` // of the tool, in its own words

	// Run is where the kind recorded has its answers from.
	Run string `yaml:"run" nonempty:"true"`
}

// A Workspace says what an agent's directory begins as, and what becomes of it.
type Workspace struct {
	From *Template `yaml:"from"`
	Keep string    `yaml:"keep" enum:"always failed never archive"` // default always
}

// Messages say whom an agent may write to, but for its channels.
type Messages struct {
	To []string `yaml:"to"` // patterns of agent ids; nil for all
}

// A Template is the name of a directory, or {git: …, ref: …}.
type Template struct {
	Dir string // relative to the scenario
	Git string // URL, or path relative to the scenario
	Ref string // branch, tag or commit; empty for what the repository says
}

// A Secret says where a credential is, never what it is: an environment
// variable of whoever starts the run, a file, or what a command writes.
type Secret struct {
	Env     string   `yaml:"env" nonempty:"true"`
	File    string   `yaml:"file" nonempty:"true"`    // relative to the scenario
	Command []string `yaml:"command" nonempty:"true"` // run where the scenario lies, by whoever starts the run
}

// A Gateway passes the requests of agents on to the models, and keeps the keys.
type Gateway struct {
	Record    *bool             `yaml:"record"`                 // nil for true
	Prices    string            `yaml:"prices" nonempty:"true"` // a file, relative to the scenario
	Anthropic *Upstream         `yaml:"anthropic"`
	OpenAI    *Upstream         `yaml:"openai"`
	Budgets   map[string]Budget `yaml:"budgets"` // by name
}

// An Upstream is a provider's API.
type Upstream struct {
	URL         string   `yaml:"url" nonempty:"true"`
	Key         string   `yaml:"key" nonempty:"true"` // a secret's name
	Concurrency int      `yaml:"concurrency" min:"1" max:"100000"`
	Tries       int      `yaml:"tries" min:"1" max:"100"`
	FirstByte   Duration `yaml:"first_byte"`
	Idle        Duration `yaml:"idle"`
}

// A Budget bounds what some agents spend together.
type Budget struct {
	Agents []string `yaml:"agents" required:"true" nonempty:"true"` // patterns of ids
	USD    *Money   `yaml:"usd" required:"true"`
}

// Limits bound a run. It stops resumably at the tick at whose start one is
// reached.
type Limits struct {
	USD      *Money `yaml:"usd"`
	Resident int    `yaml:"resident" min:"1"` // processes of agents at a time

	Wall   Duration `yaml:"wall"`   // of the run, from its start on
	CPU    Duration `yaml:"cpu"`    // of all agents' processes together
	Memory Size     `yaml:"memory"` // of all agents' processes together
}

// A Checkpoint says how often what a long run needs to go on with is written
// beside its log, and how many of these are kept.
type Checkpoint struct {
	Every int `yaml:"every" min:"1"` // ticks; default 100
	Keep  int `yaml:"keep" min:"2"`  // the newest; default 2
}

// A Lifecycle says how long an agent's process lives.
type Lifecycle struct {
	Mode string   `yaml:"mode" required:"true" enum:"long-running hybrid ephemeral"`
	Idle Duration `yaml:"idle"` // of hybrid: parked after so long without an observation; default 30s
}

// EntryLimits bound each agent of an entry.
type EntryLimits struct {
	USD   *Money `yaml:"usd"`
	Turns int    `yaml:"turns" min:"1"` // in the whole run; a model's own, as its tool counts them

	// Of a process, with all that it starts; cpu and wall, of all processes of an
	// agent, one after another.

	Memory    Size     `yaml:"memory"`
	CPU       Duration `yaml:"cpu"`
	Processes int      `yaml:"processes" min:"1"`
	Files     int      `yaml:"files" min:"16"` // open at a time
	FileSize  Size     `yaml:"file_size"`
	Disk      Size     `yaml:"disk"`
	Wall      Duration `yaml:"wall"`
	Log       Size     `yaml:"log"`

	// Of what an agent sends with one answer.

	Messages     int  `yaml:"messages" min:"1"` // in realtime: in a second
	MessageBytes Size `yaml:"message_bytes"`
}

// A Size is a number of bytes, written with a unit: 64MiB.
type Size int64

// Money is an amount of US dollars above 0, or none: as much as it takes.
type Money struct {
	Unbounded bool
	Dollars   float64
}

// Rows is where for_each takes its rows from: the name of a .csv or .jsonl
// file beside the scenario, or a list of mappings in place.
type Rows struct {
	File string
	List []map[string]any
}

// A Text is the name of a file, or {text: "…"}.
type Text struct {
	File string
	Text string
}

// A Channel is a named group. Members are patterns of agent ids; {n} counts
// the replicas from 1.
type Channel struct {
	Members  []string `yaml:"members" required:"true"`
	Replicas int      `yaml:"replicas" min:"1" max:"10000000"`
}

// Shared is a tree of files that all agents have in common: what it begins
// with, and who may do what in it.
type Shared struct {
	From  string              `yaml:"from" nonempty:"true"` // a directory beside the scenario; empty for an empty tree
	Paths map[string]PathRule `yaml:"paths"`                // by pattern
}

// A PathRule lists patterns of agent ids; nil for all.
type PathRule struct {
	Read  []string `yaml:"read"`
	Write []string `yaml:"write"`
}

// A Policy says what becomes of a failure: a bare name, or one of the forms
// {action: …}, {retry: {attempts: N}}, {restart: {attempts: N}} and
// {substitute: {kind: …, command: …}}.
type Policy struct {
	Name       string      // skip, noop, action, retry, restart, substitute, wait, continue, stop, abort
	Attempts   int         // of retry and restart; 0 for the default
	Action     any         // of action
	Substitute *Substitute // of substitute
}

// A Substitute is what answers in an agent's place.
type Substitute struct {
	Kind    string            `yaml:"kind" nonempty:"true" names:"kinds"`
	Command []string          `yaml:"command" nonempty:"true"`
	Files   []string          `yaml:"files"`
	Env     map[string]string `yaml:"env"`
}

// A Collect is a column of the record: the name of one that the world gives,
// or a field of what matching agents answered.
type Collect struct {
	Column string `json:"column,omitempty"`
	Agent  string `json:"agent,omitempty"` // pattern of ids
	Field  string `json:"field,omitempty"` // dotted path, beginning with action or observation
	Every  int    `json:"every,omitempty"` // ticks; default 1
}

// An Expect is one assertion on the finished run: one of its fields is set.
type Expect struct {
	Score   *ExpectScore   `yaml:"score" json:"score,omitempty"`
	Column  *ExpectColumn  `yaml:"column" json:"column,omitempty"`
	Outcome *ExpectOutcome `yaml:"outcome" json:"outcome,omitempty"`
	Ticks   *Bounds        `yaml:"ticks" json:"ticks,omitempty"`
}

// ExpectScore is about one agent's final score.
type ExpectScore struct {
	Agent  string `yaml:"agent" json:"agent" required:"true" nonempty:"true"`
	Bounds `yaml:",inline"`
}

// ExpectColumn is about a column's value at a tick, or at the run's last.
type ExpectColumn struct {
	Name   string `yaml:"name" json:"name" required:"true" nonempty:"true"`
	Tick   *int   `yaml:"tick" json:"tick,omitempty" min:"0"`
	Bounds `yaml:",inline"`
}

// ExpectOutcome counts the outcomes of one type (action, or a failure's name)
// over the run, of the agents that a pattern matches or of all.
type ExpectOutcome struct {
	Type   string `yaml:"type" json:"type" required:"true" enum:"action deadline crash spawn invalid_action oversize limit refused budget rate_limited differs"`
	Agent  string `yaml:"agent" json:"agent,omitempty" nonempty:"true"`
	Bounds `yaml:",inline"`
}

// Bounds are what a number is held against; at least one is set.
type Bounds struct {
	Equals *float64 `yaml:"equals" json:"equals,omitempty"`
	Min    *float64 `yaml:"min" json:"min,omitempty"`
	Max    *float64 `yaml:"max" json:"max,omitempty"`
}
