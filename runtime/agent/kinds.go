package agent

import (
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
	"time"
)

// A Kind is one way to drive an agent. A new one is a file of its own and a
// line in the table below.
type Kind struct {
	Name string
	// Keys are the keys of a scenario's entry, by their YAML names, that this
	// kind reads beside the common ones.
	Keys []string
	// NeedsCommand says that an entry without command cannot run.
	NeedsCommand bool
	// Tool is the command line tool that the kind drives, in place of a
	// command; nil where the scenario names the command.
	Tool *Tool
	// PerTurn says that every turn has a process of its own: it gets no init,
	// says no ready, is sent one observe, and its stdin ends. Its act counts
	// if it then exits with status 0.
	PerTurn bool
	// Recorded says that there is no process: answers come from an earlier run.
	Recorded bool
	// Human says that there is no process either: a person is asked.
	Human bool
	// Bus says that the agent's program is asked over the bus and not by pipes:
	// one that connects by itself or, where there is a command, one that the
	// supervisor starts. Each agent has one of its own.
	Bus bool
	// States are the ways an agent may come back, the default first.
	States []string
	// Deadline is how long an answer may take where its entry does not say, whatever
	// the clock says, which is meant for programs. 0 for kinds that go by the clock.
	Deadline time.Duration
	// Attempts is how often in all an agent is asked whose answers are refused, where
	// the scenario does not say. 0 for what is usual.
	Attempts int
	// Dialect makes what talks to one process. A dialect may remember what was
	// said: it serves one process, one call at a time, and a new process gets
	// a new one. The brief is nil but for a kind with a Tool.
	Dialect func(*Brief) Dialect
	// Transcript writes one line of a transcript for people; nil where the
	// kind keeps none.
	Transcript func(w io.Writer, l *TranscriptLine)
	// Calls finds what one line of its tool's says of calls of tools; nil where
	// the kind keeps no transcript.
	Calls func(line []byte) []CallPart
}

// A Tool is a command line tool that talks to a model.
type Tool struct {
	Program string   // its name, looked for in PATH
	Install string   // the command that installs it, for a hint
	Version []string // the flags that have it say its version and do nothing else
	// Command is what starts it; deterministic. Words that begin with
	// "{agent}/" name files of the process's own that hold rendered texts:
	// those of Texts.
	Command func(program string, o *ModelOptions) []string
	// Files are what the tool reads beside the rendered texts: by name, for words of
	// Command that begin with "{agent}/". It is told of the servers that it is to
	// know, the run's own among them, with files in place. Nil for none.
	Files func(o *ModelOptions, servers map[string]MCPServer) map[string]string
	// Configure makes the words of one process, where not all of them can be in the
	// plan: it is given those of Command, with files in place, and gives them back
	// with what depends on where the process runs. Nil where Command says it all.
	Configure func(command []string, s *Setting) []string
	// PerTurn says that a process answers once: its stdin ends with what it is
	// asked, and it ends by itself once it has answered. Its answer counts when it
	// is gone, and the next process goes on with its session.
	PerTurn bool
	// Resume is what is added to the command to go on with a session.
	Resume func(session string) []string
	// Find looks for a session in what the tool keeps of it, where env says which
	// environment it has: os.ErrNotExist says that there is none, and that nothing
	// can go on with it. It may read from the disk.
	Find func(env func(name string) string, session string) error
	// Recorded finds the answer of a line in what the tool itself keeps of its
	// session, where env says which environment it has: until it stands there, a
	// session that is gone on with lacks it. Each call of look looks again, and
	// may read from the disk; os.ErrNotExist says that there is no such session
	// yet. look is nil where there is nothing to look for, and Recorded where the
	// tool keeps a session before it answers. A look may complete l.Usage by what
	// the session says.
	Recorded func(env func(name string) string, l *Line) (look func() (bool, error))
	// Env is the environment that keeps the tool to its agent: a scenario's
	// own variables come over it.
	Env map[string]string
	// API is the one that it speaks: through the gateway it gets a base address and
	// a key of the gateway's own in that API's variables.
	API string
	// Credentials are the scenario's secrets that the tool needs where it goes
	// around the gateway, of which there must be one; the first that is there is
	// used. The first is also where it takes a key of the gateway's from.
	Credentials []Credential
	// Guide is what a file is called, among those of an entry, whose text is
	// ModelOptions.Guide; empty where the tool finds such files itself.
	Guide string
	// Models are what it makes of the names of models that are not full ones, and of
	// none: what an estimate takes for them. Measured, by the requests that it makes.
	Models map[string]string
	// Overhead is how many bytes it puts into a first request beside the conversation
	// and the rendered texts: its own system prompt, its tools with those of troupe mcp,
	// what it says of its environment. Measured, with a tool of the version that is
	// tested, and rounded up.
	Overhead func(o *ModelOptions) int
	// Modes are the permission modes it has.
	Modes []string
	// Deadline is how long an answer may take where the scenario does not say.
	Deadline time.Duration
	// MaxLine is the longest line it may write.
	MaxLine int
}

// A Setting is where a process of a tool is about to run.
type Setting struct {
	Env   func(name string) string // HOME, and what the scenario and the tool add; no secrets
	Texts map[string]string        // rendered, by the names of Brief.Texts
	File  func(name string) string // where such a text is, as a whole path
}

// A Credential is a secret that a tool takes by itself.
type Credential struct {
	Secret string // its name in the scenario
	// Descriptor is the variable that holds the number of a descriptor to read
	// it from, so that it stands in no environment; empty where the tool takes
	// it from the variable of the secret's own name alone.
	Descriptor string
}

// A Resumer is a dialect that is told, before anything else, that its process goes on
// with a session.
type Resumer interface{ Resumes() }

// A Dialect is how the supervisor talks to a process. The appending methods
// return dst with whole lines added, each with its newline, or dst as it was
// where the dialect has nothing to say.
type Dialect interface {
	Init(dst []byte, in Init) []byte
	Observe(dst []byte, o *Observe) []byte
	Stop(dst []byte, agent, reason string) []byte
	// Decode reads one line of stdout, without its newline. What it returns
	// shares no memory with line. ErrNotProtocol means that the line is log;
	// a *MalformedError, that it was meant for the runtime and is wrong.
	Decode(line []byte) (Line, error)
}

// kinds is the table of all kinds.
var kinds = []Kind{
	stdio,
	exec,
	claude,
	codex,
	nats,
	human,
	recorded,
}

// commonKeys are read whatever the kind.
var commonKeys = []string{"id", "replicas", "for_each", "max", "kind", "config", "deadline", "on_failure", "state", "lifecycle", "messages"}

// Reads says whether an entry of this kind reads the key of that YAML name.
func (k Kind) Reads(key string) bool {
	return slices.Contains(commonKeys, key) || slices.Contains(k.Keys, key)
}

// Allows says whether an agent of this kind can come back in that way.
func (k Kind) Allows(state string) bool {
	return slices.Contains(k.States, state)
}

// Bodiless says that there is no process: an agent of this kind takes no place among
// them, and has no files.
func (k Kind) Bodiless() bool { return k.Recorded || k.Human }

// Lookup finds a kind by its name.
func Lookup(name string) (Kind, error) {
	for _, k := range kinds {
		if k.Name == name {
			return k, nil
		}
	}
	return Kind{}, fmt.Errorf("unknown kind %q: the kinds are %s", name, strings.Join(Kinds(), ", "))
}

// Kinds names all kinds, sorted.
func Kinds() []string {
	names := make([]string, 0, len(kinds))
	for _, k := range kinds {
		names = append(names, k.Name)
	}
	sort.Strings(names)
	return names
}
