// Package scenarios is the YAML people write: its schema in Go, a strict
// decoder that reports every problem at once with file, line and column, and
// the library of scenarios, sample agents and clients that ships with troupe.
package scenarios

import "time"

// A Scenario is one YAML file decoded: every key known, every value of the
// right type, nothing resolved. The zero value of a field means that the file
// does not set it.
type Scenario struct {
	Name       string             `yaml:"name" required:"true"`
	Seed       uint64             `yaml:"seed"`
	Clock      Clock              `yaml:"clock"`
	World      World              `yaml:"world" required:"true"`
	Agents     []Entry            `yaml:"agents" required:"true"`
	Channels   map[string]Channel `yaml:"channels"`
	OnFailure  map[string]Policy  `yaml:"on_failure"`
	Isolation  string             `yaml:"isolation"`
	Durability string             `yaml:"durability"`
	Collect    []Collect          `yaml:"collect"`
	Expect     []Expect           `yaml:"expect"`

	Source *Source `yaml:"-"` // where each value stands
}

// A Clock says how time passes.
type Clock struct {
	Mode     string   `yaml:"mode"`     // lockstep
	Ticks    int      `yaml:"ticks"`    // 0: until the world is done or no agent is left
	Deadline Duration `yaml:"deadline"` // of an agent's answer; default 5s
}

// A Duration is written as Go writes them: 500ms, 5s, 2m.
type Duration time.Duration

// A World names a built-in world or the command of one that is a process.
type World struct {
	Kind    string            `yaml:"kind"`
	Command []string          `yaml:"command"`
	Config  map[string]any    `yaml:"config"`
	Files   []string          `yaml:"files"`
	Env     map[string]string `yaml:"env"`
	Timeout Duration          `yaml:"timeout"` // of one of its answers; default 60s; only with command
}

// An Entry is one item under agents: one agent, or many of one make.
type Entry struct {
	ID         string            `yaml:"id" required:"true"`
	Replicas   int               `yaml:"replicas"`    // {n} counts from 1
	ForEach    *Rows             `yaml:"for_each"`    // a row an agent
	Max        int               `yaml:"max"`         // agents alive at one time, where the world may add some
	PerProcess int               `yaml:"per_process"` // agents in one process
	Kind       string            `yaml:"kind"`
	Command    []string          `yaml:"command"`
	Config     map[string]any    `yaml:"config"`
	Files      []string          `yaml:"files"`
	Env        map[string]string `yaml:"env"`
	Deadline   Duration          `yaml:"deadline"`
	OnFailure  map[string]Policy `yaml:"on_failure"`
	State      string            `yaml:"state"`
	Prompt     *Text             `yaml:"prompt"`
	System     *Text             `yaml:"system"`
	Model      string            `yaml:"model"`
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
	Replicas int      `yaml:"replicas"`
}

// A Policy says what becomes of a failure: a bare name, or one of the forms
// {action: …}, {retry: {attempts: N}}, {restart: {attempts: N}} and
// {substitute: {kind: …, command: …}}.
type Policy struct {
	Name       string      // skip, noop, action, retry, restart, substitute, wait, stop, abort
	Attempts   int         // of retry and restart; 0 for the default
	Action     any         // of action
	Substitute *Substitute // of substitute
}

// A Substitute is what answers in an agent's place.
type Substitute struct {
	Kind    string            `yaml:"kind"`
	Command []string          `yaml:"command"`
	Files   []string          `yaml:"files"`
	Env     map[string]string `yaml:"env"`
}

// A Collect is a column of the record: the name of one that the world gives,
// or a field of what matching agents answered.
type Collect struct {
	Column string
	Agent  string // pattern of ids
	Field  string // dotted path, beginning with action or observation
	Every  int    // ticks; default 1
}

// An Expect is one assertion on the finished run: one of its fields is set.
type Expect struct {
	Score   *ExpectScore   `yaml:"score"`
	Column  *ExpectColumn  `yaml:"column"`
	Outcome *ExpectOutcome `yaml:"outcome"`
	Ticks   *Bounds        `yaml:"ticks"`
}

// ExpectScore is about one agent's final score.
type ExpectScore struct {
	Agent  string `yaml:"agent" required:"true"`
	Bounds `yaml:",inline"`
}

// ExpectColumn is about a column's value at a tick, or at the run's last.
type ExpectColumn struct {
	Name   string `yaml:"name" required:"true"`
	Tick   *int   `yaml:"tick"`
	Bounds `yaml:",inline"`
}

// ExpectOutcome counts the outcomes of one type (action, or a failure's name)
// over the run, of the agents that a pattern matches or of all.
type ExpectOutcome struct {
	Type   string `yaml:"type" required:"true"`
	Agent  string `yaml:"agent"`
	Bounds `yaml:",inline"`
}

// Bounds are what a number is held against; at least one is set.
type Bounds struct {
	Equals *float64 `yaml:"equals"`
	Min    *float64 `yaml:"min"`
	Max    *float64 `yaml:"max"`
}
