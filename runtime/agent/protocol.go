// Package agent holds what the runtime and an agent say to each other: the
// JSON-lines protocol, the table of kinds, and the client for authors of
// agents.
package agent

import (
	"slices"
	"time"

	"github.com/troupe-dev/troupe/runtime/tree"
)

// Protocol is the version that init carries.
const Protocol = 1

// MaxLine is the longest line, in bytes without its newline, that either side
// of an agent's pipes may write.
const MaxLine = 1 << 20

// A Failure is the type of an outcome that is not an action.
type Failure string

// The failures an asked agent can end its tick with.
const (
	Deadline      Failure = "deadline"
	Crash         Failure = "crash"
	Spawn         Failure = "spawn"
	InvalidAction Failure = "invalid_action"
	Oversize      Failure = "oversize"
	Limit         Failure = "limit"
	Refused       Failure = "refused"
	Budget        Failure = "budget"
	RateLimited   Failure = "rate_limited"
	Differs       Failure = "differs" // told its past again, it answered otherwise
)

// Failures are all of them.
var Failures = []Failure{Deadline, Crash, Spawn, InvalidAction, Oversize, Limit, Refused, Budget, RateLimited, Differs}

// Done is what the world is told once, as a failure, of an agent that ended
// itself. It is never an outcome.
const Done Failure = "done"

// A Message is one delivered message. Body is compact JSON.
type Message struct {
	From    string
	Channel string // empty for a message to the agent alone
	Body    []byte
	// Redelivered says that an earlier process of the agent, or of the run, may
	// have been told it before. Only the realtime clock does so.
	Redelivered bool
}

// A Send is one message that an agent wants sent: To or Channel is set, never
// both. Body is compact JSON.
type Send struct {
	To      string
	Channel string
	Body    []byte
}

// Init opens the conversation with one agent.
type Init struct {
	Run    string
	Agent  string
	Seed   uint64 // 53 bits
	Config []byte // compact JSON; empty means {}
	State  []byte // compact JSON of an earlier snapshot; empty for none
}

// An Observe asks one agent for its action.
type Observe struct {
	Agent string
	// Ref is the asker's own number for the agent, above 0 and as long as the
	// run the same; the answer has it too. 0 for none. It is not written.
	Ref         int
	Tick        int
	Deadline    time.Duration // 0 for none
	Observation []byte        // compact JSON
	Messages    []Message
	Results     [][]byte // compact JSON objects
	Attempt     int      // 1 the first time; carried on the wire from 2 on
	Error       string   // why the last attempt was refused
	// Seed and Config are for kinds with a process per turn, which get no
	// init: TurnSeed's, and the agent's config. Others don't write them.
	Seed   uint64
	Config []byte
	// Schema is the JSON Schema of the action, for kinds that tell their agent
	// about it; empty where the world gave none. Others don't write it.
	Schema []byte
	// Scene is what the agent can look at beside this; nil for nothing. It is not
	// written.
	Scene *Scene
	// Strike is done to the agent's process once it has this; nil for nothing.
	// It is not written.
	Strike *Strike
}

// A Scene is what agents can ask about while they have an observe: all of it is
// as it was when their tick began. It never changes.
type Scene struct {
	Tree   *tree.Tree // the shared tree; nil where the run has none
	Agents []string   // that live, by id
	// MayWrite says whether one may write to another: of whom it may not write to,
	// it is told nothing. Any number of goroutines may call it.
	MayWrite func(from, to string) bool
	// Past is what came of the requests beside an answer that is on record, where
	// each was a record of its own: they are answered from it. Nil for none.
	Past *Past
}

// AgentsFor are those that live of whom an agent may know, itself among them.
func (s *Scene) AgentsFor(id string) []string {
	known := make([]string, 0, len(s.Agents))
	for _, other := range s.Agents {
		if other == id || s.MayWrite(id, other) {
			known = append(known, other)
		}
	}
	return known
}

// A Strike is what a fault of the scenario does to a process, once.
type Strike struct {
	Kill  bool
	Pause time.Duration // it is stopped for that long; its deadlines wait
}

// Add puts two together.
func (s *Strike) Add(t Strike) {
	s.Kill, s.Pause = s.Kill || t.Kill, max(s.Pause, t.Pause)
}

// Marked counts the messages that are marked as redelivered. They are the
// first ones.
func (o *Observe) Marked() int {
	n := 0
	for n < len(o.Messages) && o.Messages[n].Redelivered {
		n++
	}
	return n
}

// An Act is an agent's answer to an Observe. Its slices are its owner's: a
// decoder hands out copies.
type Act struct {
	Agent  string
	Tick   int
	Action []byte // compact JSON; "null" where the agent gave none
	Send   []Send
	Done   bool
}

// Redelivered is a list of messages whose first ones are marked, in a copy.
func Redelivered(list []Message, first int) []Message {
	marked := slices.Clone(list)
	for i := range marked[:first] {
		marked[i].Redelivered = true
	}
	return marked
}

// An Answer ends one Observe: with an act, or with a failure.
type Answer struct {
	Agent   string
	Ref     int // the observe's
	Tick    int
	Attempt int
	Act     Act           // when Failure is empty
	Staged  []Request     // what was asked for beside the answer, in order
	Failure Failure       // one of the constants above
	Detail  string        // for people: exit status, last log lines, a hint
	Unsent  bool          // the process never had the observation (still busy, or it could not be started)
	Timed   bool          // a clock or a sampled measure decided
	Took    time.Duration // from the observe to the answer; 0 where there was none
	// Marked is how many messages of the observe were marked as redelivered:
	// its first ones.
	Marked int
}
