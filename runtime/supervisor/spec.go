package supervisor

import (
	"context"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/workspace"
)

// A Spec is one process with the agents it hosts.
type Spec struct {
	ID      string // of its workspace
	Agents  []agent.Init
	Kind    agent.Kind
	Command []string          // the first word is an absolute path
	Env     map[string]string // what the scenario adds
	// Template is the directory that its work begins as; empty for none.
	Template string
	// Reobserve says that a restarted process is told again what it answered
	// before; without it, it begins anew.
	Reobserve bool
	// Snapshot says that its agents tell their state when they are asked for it:
	// a restarted process is given that and told again what came since. Only
	// with Reobserve.
	Snapshot bool
	// Parks says that the process may be parked where its place is wanted; Idle,
	// that it is after so long with nothing to do, if that is above 0; Ephemeral,
	// that it is after each tick in which it was asked.
	Parks     bool
	Idle      time.Duration
	Ephemeral bool
	// Readable are files and directories, absolute, that its process may read
	// and execute beside what every process may.
	Readable []string
	// View are the paths of the shared tree that its process reads directly; "." is
	// all of it. They are not for Reobserve.
	View []string
	// Past says that it was there before: what it answered then is told to its
	// first process already.
	Past bool
	// LastSession is what a tool's first process goes on with, where Session
	// says so; empty for a new one.
	LastSession string
	// Spent is what its processes had taken before, as the newest fact of it says;
	// empty for nothing.
	Spent string
	// Pin keeps the process on the core of the thread that serves its pipes,
	// while it has one thread itself.
	Pin bool
	// Restarts is how many crashes in one tick make its outcome a crash; 0
	// means that the first does.
	Restarts int
	// DeadlineAsks above 1 restarts a process that missed its deadline and asks
	// it again, up to that many asks in all.
	DeadlineAsks int
	// Faithful says that an agent which is told its past again and answers
	// otherwise than on record fails for good: what it is asked next, or is
	// asked already, ends as agent.Differs.
	Faithful bool
	// WaitToSpawn tries to start for as long as it takes.
	WaitToSpawn bool
	// WaitForModel asks again, for as long as it takes, a model that has no
	// room.
	WaitForModel bool

	Secrets []Secret
	Limits  Limits
	// Bill is where the gateway notes what its only agent's requests to models take;
	// nil where those do not go through the gateway.
	Bill *Bill

	// Recorded is where the answers of a kind without a process come from.
	Recorded Source

	// Connects says that its processes may connect to any TCP port, Ports to which
	// they may in any case.
	Connects bool
	Ports    []int
	// Listens is the port of this machine that its processes serve; 0 for none.
	Listens int
	// Caller reaches the program of a kind that is asked over the bus. Where there
	// is a Command, that is what starts it.
	Caller Caller

	// The rest is for kinds with a Tool.

	Brief   *agent.Brief
	Texts   map[string]string // files beside the workspace, written before each start
	Session bool              // a restarted process goes on with its session
}

// Name is who facts about the process are about: its agent, or the process
// itself where it hosts several.
func (s *Spec) Name() string {
	if len(s.Agents) == 1 {
		return s.Agents[0].Agent
	}
	return s.ID
}

// A Secret is a credential that one process gets and nobody else.
type Secret struct {
	Name  string
	Value string
	// Descriptor is the variable that holds the number of the descriptor to
	// read the value from; empty for an environment variable of its name. One
	// secret of a process may have one.
	Descriptor string
}

// A Usage is what one answer of a model took.
type Usage struct {
	Agent   string
	Attempt int
	agent.Usage
}

// A Replay gives, in order, every observe of committed ticks that the named
// agents' process answered, with its answer where the record has it. From is a
// tick before which nothing need be given.
type Replay func(ctx context.Context, agents []string, from int, yield func(o *agent.Observe, want *agent.Act) error) error

// Options of a fleet.
type Options struct {
	Run      string // name
	Scenario string // name
	Dir      workspace.Run
	Walls    *workspace.Walls
	// Bin is a directory that comes first in the PATH of agents whose scenario gives
	// them none, and that they may read; empty for none.
	Bin    string
	Replay Replay
	// Last is the last committed tick of a run that goes on, -1 for a new one.
	Last int
	// Sync has what is kept of processes' files and states on disk before it
	// counts.
	Sync bool
	// Residents is how many processes of agents there may be at a time; 0 for
	// any number.
	Residents int
	// Memory is how much the processes may have together: each counts for the limit
	// that its Spec has. 0 for any amount.
	Memory int64
	// CPU has the processor time of all processes measured.
	CPU bool
	// Kept are the ticks of the checkpoints that there are, Keep how many there
	// will be: what was kept of processes at them stays.
	Kept []int
	Keep int
	// Cgroups is where processes get control groups that have limits of memory or
	// of processes; nil has these watched.
	Cgroups *workspace.Cgroups
	// Patience is how long a process may take to be ready, or to answer one
	// re-observed tick; default 60 s.
	Patience time.Duration
	// Deadline is how long an answer may take, in place of what the observes
	// say, which is still told; 0 for what they say.
	Deadline time.Duration
	// Realtime says that turns overlap: a commit is of one turn, or of none.
	// What was told to a process that died is told to the next one marked as
	// redelivered, and whatever happens to a process wakes who awaits answers.
	Realtime bool
	// Publish sends, in realtime, what a program on the bus says beside its
	// answers, and returns once that is on record or refused.
	Publish func(ctx context.Context, from string, m agent.Send) error
	// Shared is the shared tree's contents, for a run that has one: its processes
	// have sockets then. Nil for none.
	Shared Contents
	// AtOnce says that what agents ask for is decided at once, as the realtime clock
	// has it, by Requests; nil where all of it is on record and answered from there.
	// Else it waits for their answers.
	AtOnce   bool
	Requests Requests
	// Goroutines serve the pipes, as everywhere but on Linux, where else a
	// thread a core does.
	Goroutines bool
}

// Contents gives what files of the shared tree hold or held, by their hash. Any
// number of goroutines may call it.
type Contents interface {
	Content(hash string) ([]byte, error)
	// View makes the directory in which a process finds what its agents may read at
	// some paths of the tree, as that is at any moment, until Unview.
	View(process string, agents, paths []string) (dir string, err error)
	Unview(process string)
}

// Requests decides at once what agents ask for, as the realtime clock has it. Its
// methods wait until it is on record, and may be called concurrently.
type Requests interface {
	Scene() *agent.Scene
	Commit(ctx context.Context, id string, x agent.Request) (version, tick int, err error)
	// Lock waits until the lease is granted.
	Lock(ctx context.Context, id string, paths []string) (ticket, token int, err error)
	Release(ctx context.Context, ticket int, why string)
	Unlock(ctx context.Context, id string, paths []string) (tick int, err error)
	SendAs(ctx context.Context, id string, m agent.Send) (tick int, err error)
}

// A Fact is something that happened to a process; Tick is the tick it is about.
type Fact struct {
	Agent  string
	Kind   string // started, parked, crashed, late, waiting, failed, differs, unrecorded, rewound, limit, swept, spent, barred, stopped
	Tick   int
	Detail string
}

// A Status is what a fleet's process looks like from outside.
type Status struct {
	ID     string
	Agents []string // less those that were retired
	State  State
	PID    int // 0 when no process runs
}
