// Package observe is how a run is looked at from outside: the API on the
// supervisor's socket, its client, and the same answers read from the store
// where no supervisor is alive; and, on a port of their own, the metrics.
package observe

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"
)

// A Status says where a run stands.
type Status string

// The statuses of a run.
const (
	Queued      Status = "queued" // made, and waits until there is room for it
	Running     Status = "running"
	Finished    Status = "finished"    // its record has an end
	Aborted     Status = "aborted"     // by the policy abort
	Interrupted Status = "interrupted" // no end, and no supervisor that works on it: resumable
)

// A Run is what is known of one run at a glance.
type Run struct {
	Run      string `json:"run"`
	Scenario string `json:"scenario"`
	Seed     uint64 `json:"seed"`
	Status   Status `json:"status"`
	// Paused says that a running run is held before its next tick; Speed, how many
	// ticks it plays in a second at most.
	Paused    bool      `json:"paused,omitempty"`
	Speed     float64   `json:"ticks_per_second,omitempty"`
	Ticks     int       `json:"ticks"`            // committed
	Last      int       `json:"last,omitempty"`   // the clock's last tick count; 0 for none
	Agents    int       `json:"agents"`           // at the start
	Processes int       `json:"processes"`        // at the start
	People    []string  `json:"people,omitempty"` // agents of the start that people play
	Hash      string    `json:"hash"`             // after the newest tick, hex
	Started   time.Time `json:"started"`
	// Isolation says which walls stand around its processes, or stood when it began.
	Isolation string `json:"isolation"`
	// Missing says why others do not, by tier.
	Missing map[string]string `json:"isolation_missing,omitempty"`
	PID     int               `json:"pid,omitempty"` // of its supervisor, while running
	// Enforced says how each limit of an entry is held, by the entry's id; Limits,
	// what processes take of theirs, while running.
	Enforced map[string]map[string]string `json:"limits_enforced,omitempty"`
	Limits   []Use                        `json:"limits,omitempty"`
	Error    string                       `json:"error,omitempty"` // what is wrong with its store
}

// A Use is what a process, with all that it has started, takes of one thing that
// it has a limit of.
type Use struct {
	Process string  `json:"process"`
	Limit   string  `json:"limit"` // as the scenario calls it
	Used    string  `json:"used"`  // in the limit's unit
	Most    string  `json:"most"`
	Share   float64 `json:"share"` // of the limit: 1 for all of it
	By      string  `json:"by"`    // kernel or watched
}

// All of a log is meant.
const All = -1

// Runs is what can be asked about the runs of a data directory. Its methods
// may be called concurrently.
type Runs interface {
	List(ctx context.Context) ([]Run, error)
	Get(ctx context.Context, run string) (Run, error)
	// Events writes a run's record as JSON lines from a tick on, and goes on as
	// ticks are committed where follow is set, until the run is over.
	Events(ctx context.Context, run string, from int, follow bool, w io.Writer) error
	// Records writes a run's records from a tick on, packed; Read gives them.
	Records(ctx context.Context, run string, from int, w io.Writer) error
	// Entries writes a run's log as it is stored, up to now, by
	// record.WriteEntry. Where it is damaged, what is before that is written.
	Entries(ctx context.Context, run string, w io.Writer) error
	// Frame writes what is to be seen of a run after a tick, as JSON: the difference
	// to an earlier one, or all of it (since -1); see frameRoutes.
	Frame(ctx context.Context, run string, since, tick int, w io.Writer) error
	// Log writes what a process of the run has logged: all that is kept, or its
	// last lines, of so many bytes at most, where tail is not All.
	Log(ctx context.Context, run, agent string, tail int, w io.Writer) error
	// Transcript writes what was said to and by an agent that is a model, as
	// lines of agent.TranscriptLine, as Log does.
	Transcript(ctx context.Context, run, agent string, tail int, w io.Writer) error
	// Stop ends a running run resumably and returns when it is over.
	Stop(ctx context.Context, run string) error
	// Remove deletes a run with all its files. One that is running is
	// ErrRunning, unless force stops it first.
	Remove(ctx context.Context, run string, force bool) error
	// Send puts a message into a running run, AddAgent and RemoveAgent change who
	// takes part. Each returns once that is on record, with its tick; what the run
	// does not take is ErrRefused, and a run that does not run ErrNotRunning.
	Send(ctx context.Context, run string, m Message) (tick int, err error)
	AddAgent(ctx context.Context, run string, a Agent) (tick int, err error)
	RemoveAgent(ctx context.Context, run, agent string) (tick int, err error)
	// Pause holds a running run before its next tick; Resume lets it go on, and
	// has one played again that is not over, limits replacing those of its plan
	// for that time. Step lets a paused run play so many ticks and returns when
	// they are on record. Speed has at most so many ticks begin in a second, 0
	// for no bound. What does not go with how the run stands is ErrNotRunning or
	// ErrConflict.
	Pause(ctx context.Context, run string) error
	Resume(ctx context.Context, run string, limits []string) error
	Step(ctx context.Context, run string, ticks int) error
	Speed(ctx context.Context, run string, perSecond float64) error
	// Result is what a run came to when it was last worked on, as troupe run
	// --json prints it. One that is running is ErrRunning; ErrNoLog, where nobody
	// has written it down.
	Result(ctx context.Context, run string) (json.RawMessage, error)
	// Create has a scenario played, as soon as there is room. What cannot be
	// played is a *ProblemsError or ErrRefused; ErrConflict, where the supervisor
	// takes no runs.
	Create(ctx context.Context, s Submission) (Run, error)
	// Serves is nil where the supervisor takes runs, else why not.
	Serves(ctx context.Context) error
	// Scenarios are what the supervisor offers to be played.
	Scenarios(ctx context.Context) ([]Scenario, error)
	// Observer is what a NATS client follows a running run with.
	Observer(ctx context.Context, run string) (Observer, error)
	Players
	io.Closer
}

// Errors of Runs, to be told apart by errors.Is.
var (
	ErrNoRun      = errors.New("no such run")
	ErrRunning    = errors.New("the run is running")
	ErrNotRunning = errors.New("the run is not running")
	ErrNoTick     = errors.New("no such tick")
	ErrNoLog      = errors.New("no such log")
	ErrRefused    = errors.New("the run does not take it")
)
