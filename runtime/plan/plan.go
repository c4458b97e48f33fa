// Package plan turns a scenario into a plan: every agent named, every default
// filled, every file found. A plan is immutable and says all that a run needs.
package plan

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/scenarios"
)

// A Plan is a scenario fully resolved. Nothing in it changes once it is made;
// it may be read by any number of goroutines.
type Plan struct {
	Name       string            `json:"name"`
	Seed       uint64            `json:"seed"`
	Clock      Clock             `json:"clock"`
	World      World             `json:"world,omitzero"` // none only in Realtime
	Entries    []Entry           `json:"entries"`
	Agents     []Agent           `json:"agents"`    // by id as bytes
	Processes  []Process         `json:"processes"` // in the scenario's order
	Channels   []Channel         `json:"channels"`  // by name
	Shared     *Shared           `json:"shared,omitempty"`
	Secrets    map[string]Secret `json:"secrets,omitempty"`
	Limits     Limits            `json:"limits,omitzero"`
	Gateway    *Gateway          `json:"gateway,omitempty"` // nil where no agent goes through it
	Checkpoint Checkpoint        `json:"checkpoint"`
	Isolation  string            `json:"isolation"`
	Durability string            `json:"durability"`
	// Sources are the scenario's own file, first, and those of rows that it
	// names: their Path is relative to the scenario. None for a scenario that
	// comes from no file.
	Sources []File              `json:"sources,omitempty"`
	Faults  []Fault             `json:"faults,omitempty"`
	Collect []scenarios.Collect `json:"collect,omitempty"`
	Expect  []scenarios.Expect  `json:"expect,omitempty"`
	View    View                `json:"view"`
	Fork    *Fork               `json:"fork,omitempty"` // nil for a run that has all ticks from itself
}

// Agent finds one of Agents by its id.
func (p *Plan) Agent(id string) (a *Agent, ok bool) {
	i, ok := slices.BinarySearchFunc(p.Agents, id, func(a Agent, id string) int { return strings.Compare(a.ID, id) })
	if !ok {
		return nil, false
	}
	return &p.Agents[i], true
}

// What a committed tick outlives: the death of any process, or a power cut too.
const (
	DurableProcess = "process"
	DurableMachine = "machine"
)

// Limits bound a run; 0 for no bound.
type Limits struct {
	USD      agent.USD `json:"usd,omitempty"`      // in billionths of a dollar
	Resident int       `json:"resident,omitempty"` // processes of agents at a time
	Memory   Size      `json:"memory,omitempty"`   // of all agents' processes together
	// Wall is how long the run may take, less what it stood still; written as 10m.
	Wall time.Duration `json:"wall,omitempty"`
	// CPU is how much processor time all agents' processes may take together;
	// written as Wall is.
	CPU time.Duration `json:"cpu,omitempty"`
}

// A Checkpoint says after how many ticks each the run's state is written beside
// its log, and how many of these are kept.
type Checkpoint struct {
	Every int `json:"every"`
	Keep  int `json:"keep"`
}

// How long an agent's process lives.
const (
	LongRunning = "long-running" // as long as its agents
	Hybrid      = "hybrid"       // parked when idle, or when its place is wanted
	Ephemeral   = "ephemeral"    // parked after each turn
)

// A Lifecycle is one of these.
type Lifecycle struct {
	Mode string        `json:"mode"`
	Idle time.Duration `json:"idle,omitempty"` // of hybrid; written as 30s
}

// EntryLimits bound each agent of an entry; 0 for no bound.
type EntryLimits struct {
	USD   agent.USD `json:"usd,omitempty"` // in billionths of a dollar
	Turns int       `json:"turns,omitempty"`
	// Of each process, with all that it starts; CPU and Wall, of all processes of an
	// agent, one after another.
	Memory    Size          `json:"memory,omitempty"`
	CPU       time.Duration `json:"cpu,omitempty"` // written as 30s, as is Wall
	Processes int           `json:"processes,omitempty"`
	Files     int           `json:"files,omitempty"`
	FileSize  Size          `json:"file_size,omitempty"`
	Disk      Size          `json:"disk,omitempty"`
	Wall      time.Duration `json:"wall,omitempty"`
	Log       Size          `json:"log,omitempty"`
	// Of what one answer sends; in realtime, Messages of what an agent sends in a
	// second.
	Messages     int  `json:"messages,omitempty"`
	MessageBytes Size `json:"message_bytes,omitempty"`
}

// The modes of the clock.
const (
	Lockstep = "lockstep"
	Realtime = "realtime"
)

// A Clock says how time passes.
type Clock struct {
	Mode  string        `json:"mode"`
	Ticks int           `json:"ticks,omitempty"` // 0: no last tick
	Quiet time.Duration `json:"quiet,omitempty"` // of Realtime: the run is over once nothing was left to do for so long; 0: never. Written as 2s
}

// A World is the environment: Kind names a built-in one, else Program is run.
type World struct {
	Kind    string          `json:"kind,omitempty"`
	Program *Program        `json:"program,omitempty"`
	Config  json.RawMessage `json:"config"`
	Timeout time.Duration   `json:"timeout,omitempty"` // of one answer of Program; written as 60s
}

// None says that there is no world.
func (w *World) None() bool { return w.Kind == "" && w.Program == nil }

// A Program is a command with the files it needs.
type Program struct {
	// Command's first word is an absolute path, or "troupe" for the running
	// binary. Words that begin with "{program}/" name a copied file.
	Command []string          `json:"command"`
	Env     map[string]string `json:"env,omitempty"`
	Files   []File            `json:"files,omitempty"`
	Dir     string            `json:"dir"` // name of the copies' directory under program/
	// Readable are absolute paths of files, and of directories with all below
	// them, that its processes may read and execute beside the copies and what
	// all may. Isolation none lets them read more.
	Readable []string `json:"readable,omitempty"`
	// Network is nil where nothing is started.
	Network *Network `json:"network,omitempty"`
}

// A File is one that is copied into the run before anything starts.
type File struct {
	Source string `json:"source"` // absolute
	Path   string `json:"path"`   // below program/<dir>/, slash-separated
	SHA256 string `json:"sha256"` // hex
	Exec   bool   `json:"exec,omitempty"`
	Dir    bool   `json:"dir,omitempty"`  // of a template: it is a directory
	Link   string `json:"link,omitempty"` // of a template: it is a symbolic link to that
	// Interpreter is the program that the kernel runs a script by; absolute.
	Interpreter string `json:"interpreter,omitempty"`
}

// An Entry is what the agents of one make share.
type Entry struct {
	ID         string                   `json:"id"` // as the scenario writes it, pattern and all
	Kind       string                   `json:"kind"`
	State      string                   `json:"state"`
	Lifecycle  Lifecycle                `json:"lifecycle"`
	PerProcess int                      `json:"per_process"`
	Pin        bool                     `json:"pin"` // false too for kinds that never are
	Max        int                      `json:"max,omitempty"`
	Deadline   time.Duration            `json:"deadline"`         // written as 5s
	Policies   map[agent.Failure]Policy `json:"on_failure"`       // every failure this version knows
	Unused     []string                 `json:"unused,omitempty"` // keys that the kind does not read
	Secrets    []string                 `json:"secrets,omitempty"`
	Credential string                   `json:"credential,omitempty"` // the secret that the kind's tool takes by itself
	Gateway    []string                 `json:"gateway,omitempty"`    // the APIs that it is let through to
	Limits     EntryLimits              `json:"limits,omitzero"`
	Model      *agent.ModelOptions      `json:"model,omitempty"`
	Run        string                   `json:"run,omitempty"`    // whose record answers
	Serves     bool                     `json:"serves,omitempty"` // each of its processes a port
	Workspace  *Workspace               `json:"workspace,omitempty"`
	Messages   *Messages                `json:"messages,omitempty"` // nil: they may write to all
	Shared     []string                 `json:"shared,omitempty"`   // paths of the shared tree that are read directly; "." is all of it
	Program    Program                  `json:"program"`            // with templates unfilled, for agents that come later
	Config     json.RawMessage          `json:"config"`             // the same
	// Item is the index under agents: in the scenario. Several entries of a
	// plan have the same one where --set made its agents differ; Max counts
	// the agents of all of them. Only lists the --set patterns that cover all
	// agents of this one, Except those that cover none.
	Item   int      `json:"item"`
	Only   []string `json:"only,omitempty"`
	Except []string `json:"except,omitempty"`
}

// A Workspace says what the directories of an entry's processes begin as, and what
// becomes of them.
type Workspace struct {
	Template *Template `json:"template,omitempty"` // nil for an empty directory
	Keep     string    `json:"keep"`
}

// A Template is a directory, which is copied into the run before anything starts,
// or a repository, which is cloned then.
type Template struct {
	Dir   string `json:"dir"`             // name of the copy's directory under program/
	Files []File `json:"files,omitempty"` // of a directory
	Git   string `json:"git,omitempty"`   // of a repository: a URL or an absolute path
	Ref   string `json:"ref,omitempty"`   // empty for what it has checked out
}

// What becomes of a workspace once its run is over.
const (
	KeepAlways  = "always"
	KeepFailed  = "failed" // kept if the run has failed
	KeepNever   = "never"
	KeepArchive = "archive"
)

// A Policy is what becomes of one type of failure.
type Policy struct {
	Name       string          `json:"name"`
	Attempts   int             `json:"attempts,omitempty"`
	Action     json.RawMessage `json:"action,omitempty"`
	Substitute *Substitute     `json:"substitute,omitempty"`
}

// A Substitute answers in an agent's place.
type Substitute struct {
	Kind       string              `json:"kind"`
	Program    Program             `json:"program"`
	Credential string              `json:"credential,omitempty"`
	Gateway    []string            `json:"gateway,omitempty"`
	Model      *agent.ModelOptions `json:"model,omitempty"`
}

// An Agent is one participant.
type Agent struct {
	ID     string          `json:"id"`
	Entry  int             `json:"entry"`  // index into Entries
	Config json.RawMessage `json:"config"` // compact, keys sorted
}

// A Process hosts agents of one entry.
type Process struct {
	ID      string            `json:"id"` // of its workspace: the agent's id, or one of its own where it hosts several
	Entry   int               `json:"entry"`
	Agents  []string          `json:"agents"`
	Command []string          `json:"command"` // the entry's, templates filled
	Env     map[string]string `json:"env,omitempty"`
}

// A Channel is a named group: patterns, and who they cover at the start.
type Channel struct {
	Name     string   `json:"name"`
	Patterns []string `json:"patterns"`
	Members  []string `json:"members"`
}
