package runtime

import (
	"github.com/troupe-dev/troupe/bus"
	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// Options of a run, beside its plan.
type Options struct {
	Data      string        // the data directory; made where it is missing
	Name      string        // of the run; empty for the scenario's name and a number, which Resume does not take
	Scenario  string        // the scenario's file, as the user named it
	Sets      []string      // that made the plan of it
	BusListen string        // host:port where clients may connect to the bus; empty for nowhere, or for any port of this machine where agents are on the bus
	Listen    string        // host:port of the API, /metrics, /healthz and /readyz; empty for nowhere
	Tokens    string        // directory of the API's tokens there; empty for those of the data directory
	Models    *ReplayModels // nil where models are asked
	Command   string        // what is run, for whoever finds the data directory held

	Paused bool    // the run is held before its next tick
	Speed  float64 // ticks that may begin in a second; 0 for no bound
	// Paced is told of each change of the two, from any goroutine; nil for nobody.
	Paced func(paused bool, perSecond float64)

	// Stopped is told that somebody has the run stopped, before it is; nil for nobody.
	Stopped func()

	// Kill, once closed, ends every process at once instead of letting it stop.
	Kill <-chan struct{}
	// Watch is told of the run as it goes, from one goroutine at a time.
	Watch Watcher
	// Log is where it is told in place of Watch; nil for nowhere.
	Log *Log
}

// A Watcher is told of a run as it goes. Its methods must be quick: the run
// waits for them.
type Watcher interface {
	// Starting comes first, before any process is started.
	Starting(Opening)
	// Ticked comes after each commit. The summary is the callee's to read
	// during the call.
	Ticked(rec *record.Record, sum *record.Summary)
	// Happened is one fact about a process, as it is recorded.
	Happened(f record.Fact)
}

// An Opening is what a run begins with.
type Opening struct {
	Run       string
	Dir       string
	Agents    int
	Processes int
	Realtime  bool            // the clock: a tick is a turn, or something from outside
	Ticks     int             // the clock's; 0 for no last tick
	From      int             // the tick to be played next; above 0 for a run that is resumed
	Fork      *plan.Fork      // of a run that begins as one; else nil
	Paused    bool            // it is held before that tick
	Dropped   int             // entries of a damaged log that are played again
	Bus       string          // address for observers; empty for none
	Observer  bus.Credentials // for that address
	Listen    string          // address of the API and the metrics; empty for none
	Link      string          // there, with the token of who may do all; empty for none
	Outside   []string        // agents whose programs connect to Bus by themselves
	People    []string        // agents that people play
	Bypass    []string        // entries whose tools go around the gateway: what they spend is their word
}

// A Result is what a run came to.
type Result struct {
	Run          string
	Scenario     string
	Seed         uint64
	Fork         *plan.Fork // nil for a run that is none
	Status       observe.Status
	Summary      record.Summary
	Expectations []Expectation
	Replayed     bool  // the models of another run answered
	Drift        int   // requests to models that were answered though they are not those on record
	PeakMemory   int64 // bytes that all agents' processes had in memory at most, as measured; 0 where limits.memory is not set
	Survivors    int   // descendants that outlived their agents and were killed at the end
}

// Missed says whether an expectation does not hold.
func (r *Result) Missed() bool {
	for _, e := range r.Expectations {
		if !e.Holds {
			return true
		}
	}
	return false
}
