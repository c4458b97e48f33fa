// Package world holds the environments that agents act in: the rules of a
// game. The built-in ones are in a table, one file each; a world may also be
// a process in any language.
package world

import (
	"context"
	"fmt"
	"sort"
	"strings"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// A World is one game in play. The engine alone calls it, one call at a time.
//
// Under the realtime clock each agent that has an observation is asked by
// itself, and the world is stepped with that one action as soon as it is there,
// whoever else is still to act. So of the observations given, those that were
// not answered yet stand; a new one takes the place of an old one that its agent
// has not been asked with, and an agent may be at work on an old one. The answer
// to it comes like any other. A turn that an agent takes on its mail alone is no
// step. Ticks count the steps, under either clock.
type World interface {
	// Start is called once, before tick 0, and gives the observations of tick 0.
	Start(ctx context.Context, init Init) (Ready, error)
	// Step plays one tick. Actions are ordered by agent id, one for each
	// observation given last (in realtime for one of those not answered), plus one with Failure agent.Done for each agent
	// that ended itself and was not asked. A *Refusal as error means that
	// nothing was stepped and no random number drawn: the engine has the named
	// agents asked again and steps the same tick again. Any other error ends
	// the run.
	Step(ctx context.Context, tick int, actions []Action) (Stepped, error)
}

// A Nooper says, once constructed, what action does nothing in its game: the
// same as its Ready will carry, known before anything is started. Nil means
// that there is none.
type Nooper interface {
	Noop() []byte
}

// A Snapshotter gives its state between two steps, for a later Init to carry.
// A nil state means that this world has none to give: it is restored by
// stepping it through the recorded outcomes. The state is compact JSON.
type Snapshotter interface {
	Snapshot(ctx context.Context) (state []byte, err error)
}

// A Turner says, once constructed, whether its agents act one at a time, which
// the realtime clock wants.
type Turner interface {
	InTurn() bool
}

// A Lasting world says, once started with its game at the beginning, how often an agent
// is asked in all of the game, at most, in lockstep; 0 where only the play can tell.
type Lasting interface {
	Turns(agent string) int
}

// A Viewer says, once constructed, what is to be seen of its game. Of a world
// that does not, scores and messages are.
type Viewer interface {
	View() View
}

// A View is what is to be seen of a game.
type View struct {
	Grid    *ViewGrid // nil where its agents are no cells
	Race    bool      // scores over time
	Threads bool      // messages
}

// A ViewGrid is all agents as cells, row by row, in the natural order of their
// ids.
type ViewGrid struct {
	Columns int
	Value   string // what a cell shows: a dotted path below action or observation
}

// A Closer holds what outlives a call (a process) until it is closed. Close
// returns once all of it is gone; a context that is done makes it do so
// without grace.
type Closer interface {
	Close(ctx context.Context) error
}

// Init tells a world what it plays with.
type Init struct {
	Run    string
	Seed   uint64 // 53 bits
	Agents []Agent
	// Config was given to the constructor already; a world that is a process
	// is sent it.
	Config []byte
	// State is what an earlier Snapshot gave, empty for a game from its
	// beginning. Tick is the tick that Start's observations are then for.
	// Agents are those of the game's beginning all the same: who came and went
	// since is the state's to say, as is how far random numbers are drawn. The
	// game goes on to the byte as it did from there.
	State []byte
	Tick  int
}

// An Agent is a player as the world sees it.
type Agent struct {
	ID     string `json:"id"`
	Config []byte `json:"config"` // compact JSON
}

// An Observation is what one agent is told. JSON is compact.
type Observation struct {
	Agent string
	JSON  []byte
}

// An Action is one agent's outcome as the world gets it. JSON is compact, nil
// where the agent failed and its policy gave nothing in place of an action.
type Action struct {
	Agent   string
	JSON    []byte
	Failure agent.Failure // empty when JSON is an action
}

// Ready is a world's answer to Start.
type Ready struct {
	Observations []Observation // by agent id as bytes
	// ActionSchemas maps patterns of agent ids to JSON Schemas of their
	// actions; the most specific (longest) pattern that matches applies.
	ActionSchemas map[string][]byte
	// Noop is the action that does nothing; nil where the world has none.
	Noop []byte
}

// SchemaOf is the JSON Schema of an agent's actions; nil where there is none.
func (r *Ready) SchemaOf(agent string) []byte {
	longest, found := -1, []byte(nil)
	for pattern, schema := range r.ActionSchemas {
		if len(pattern) > longest && match(pattern, agent) {
			longest, found = len(pattern), schema
		}
	}
	return found
}

// A Score is an agent's total so far. Value is the text of a JSON number.
type Score struct {
	Agent string
	Value []byte
}

// A Column is one named figure of a tick. Value is compact JSON.
type Column struct {
	Name  string
	Value []byte
}

// A Channel is a channel's members as the world sets them.
type Channel struct {
	Name    string
	Members []string
}

// Stepped is a world's answer to Step. Observations are those of the next
// tick: an agent without one is not asked. Columns describe the tick that was
// played. Scores name only the agents whose total changed; the first time a
// total is named counts as a change, so that a score of 0 is known too. All of
// it belongs to the caller: a world keeps no slice that it gave away.
type Stepped struct {
	Observations []Observation // by agent id as bytes
	Scores       []Score       // by agent id as bytes
	Columns      []Column      // by name
	Events       [][]byte      // compact JSON
	Add          []Agent
	Remove       []string
	Channels     []Channel // by name
	Done         bool
}

// A Refusal names the agents whose actions the world refuses, and why.
type Refusal struct {
	Why map[string]string
}

func (r *Refusal) Error() string {
	ids := make([]string, 0, len(r.Why))
	for id := range r.Why {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	var b strings.Builder
	for i, id := range ids {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s: %s", id, r.Why[id])
	}
	return "world refused the action of " + b.String()
}
