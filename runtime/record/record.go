// Package record is the run's memory: one record a tick, packed, compressed,
// chained by hash and appended to the log before anything of the next tick
// happens.
package record

import (
	"fmt"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/tree"
)

// A Record is all that happened in one tick. Everything up to End is hashed,
// in this order; the rest is the annex. Under the realtime clock that is one
// turn with all that follows from it, or one thing from outside: a message, an
// agent that was added or removed, the end.
type Record struct {
	Tick     int
	Turns    []Turn    // by agent id as bytes
	Messages []Message // by (sender id as bytes, position)
	Results  []Result  // by (agent id as bytes, position)
	Scores   []Score   // by agent id as bytes; only the changed ones
	Events   [][]byte  // the world's, in its order, compact JSON
	Columns  []Column  // by name
	Added    []Added   // in the world's order
	Removed  []string  // by the world, in its order, or from outside
	Channels []Channel // whose members changed, by name
	End      End       // set on the run's last record alone

	// Partitions are those that cut a message of this tick off, in the order of
	// the plan's faults.
	Partitions []Partition

	Commits []tree.Commit // to the shared tree, in the order of their numbers
	Leases  []tree.Step   // in it, in the order in which they came about

	Annex Annex
}

// A Turn is one asked agent's observation and what became of it.
type Turn struct {
	Agent       string
	Observation []byte        // compact JSON
	Failure     agent.Failure // empty when the agent acted
	Policy      string        // the policy that dealt with Failure: skip, noop, action, …
	Action      []byte        // compact JSON as received, or what the policy put in its place; nil for null after a failure
	Done        bool          // the agent ended itself
	Unsent      bool          // the process never had the observation: its mail waits on
	Taken       *Taken        // under the realtime clock alone
	Early       int           // of the agent's messages, the first ones: sent before it acted
}

// Taken says what a turn's observe was made of, where that does not follow
// from the turn's tick: others may have had theirs since it was asked.
type Taken struct {
	Tick        int // how many records there were then: the observe's tick
	Messages    int // of those that waited, the first ones
	Results     int // the same
	Redelivered int // of Messages, the first ones: marked so
}

// A Message is one send of an accepted act, delivered or not (an undelivered
// one has a Result), or one from outside, whose sender is no agent.
type Message struct {
	From    string
	To      string // To or Channel
	Channel string
	Body    []byte // compact JSON
	Fate    *Fate  // what faults made of it; nil for nothing
	Refused bool   // nobody gets it, since its sender may not send it; not hashed
}

// Withheld says whether it does not get, or not now, to all whom it is for.
func (m *Message) Withheld() bool {
	f := m.Fate
	return m.Refused || f != nil && (f.Copies == 0 || f.Delay > 0 || f.Cut > 0)
}

// A Fate is what faults of the scenario made of a message.
type Fate struct {
	Copies int // that are delivered; 0 for a message that was lost
	Delay  int // ticks
	Cut    int // recipients that partitions kept it from
}

// A Partition is groups of agents that do not hear each other, as patterns of
// ids. An agent is of the first group that covers it.
type Partition struct {
	Groups [][]string
}

// A Result is told to an agent with its next observation.
type Result struct {
	Agent string
	JSON  []byte // compact
}

// A Score is an agent's total so far; Value is the text of a JSON number.
type Score struct {
	Agent string
	Value []byte
}

// A Column is one collected figure; Value is compact JSON.
type Column struct {
	Name  string
	Value []byte
}

// An Added agent is in force from the next tick on.
type Added struct {
	Agent  string
	Config []byte // compact JSON, as the agent's init carries it
}

// A Channel lists a channel's explicit members from the next tick on.
type Channel struct {
	Name    string
	Members []string
}

// An End says why a run is over.
type End string

// The ways a run ends. A run whose newest record has none was interrupted.
const (
	NotEnded   End = ""
	EndDone    End = "done"    // the world's word
	EndTicks   End = "ticks"   // the last tick of the clock
	EndEmpty   End = "empty"   // no agent left
	EndQuiet   End = "quiet"   // nothing was left to do for as long as the realtime clock says
	EndAborted End = "aborted" // the policy abort; nothing was stepped
)

// An Annex is what is kept of a tick and not hashed.
type Annex struct {
	Time     time.Time // of the commit
	Elapsed  Elapsed
	Timed    int       // outcomes of this tick that a clock decided
	Attempts []Attempt // answers that were not accepted, in order
	Facts    []Fact    // in order
	Usages   []Usage   // what models were used, by agent id as bytes, then in order
	Answers  []Latency // how long answers took, by kind
}

// Elapsed is where a tick's time went.
type Elapsed struct {
	Ask    time.Duration // first observe to last outcome
	Step   time.Duration // in the world
	Commit time.Duration // to the acknowledgement of the record before this one
	// Observe is the part of Ask that went before the last process had its
	// observes; 0 where that is not known.
	Observe time.Duration
}

// Act is the part of Ask in which nothing was left to be written.
func (e *Elapsed) Act() time.Duration { return max(e.Ask-e.Observe, 0) }

// A Usage is what one answer of a model took, accepted or not, as the agent's
// own command line tool reports it.
type Usage struct {
	Agent   string
	Attempt int
	agent.Usage
}

// An Attempt is an answer to an observe of this tick that was refused; the
// process saw both, so hydration repeats them.
type Attempt struct {
	Agent   string
	Attempt int
	Error   string // what the agent was told
	Failure agent.Failure
	Act     agent.Act // Action, Send and Done as answered; empty for oversize
	// Redelivered is how many messages of the observe were marked so.
	Redelivered int
}

// FactSpent is the kind of facts that say what a process has taken so far in the
// run of what it has a limit of, or the run itself: each takes the place of the
// one before.
const FactSpent = "spent"

// FactSwept is the kind of facts that say how many processes one had left that has
// ended; their details begin with the number.
const FactSwept = "swept"

// A Fact is something that happened to an agent's process, or to the
// supervisor's.
type Fact struct {
	Agent  string // empty for the supervisor
	Kind   string // started, crashed, late, failed, differs, substituted, swept, spent, barred, checkout, stopped, fault
	Tick   int    // the tick it is about: for late, the one that was answered
	Detail string
}

// Swept is how many processes were killed that had been left behind; 0 of another
// kind of fact.
func (f *Fact) Swept() (n int) {
	if f.Kind == FactSwept {
		_, _ = fmt.Sscan(f.Detail, &n)
	}
	return n
}
