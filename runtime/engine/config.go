package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/world"
)

// A fleet is the agents' processes. The engine calls it from one goroutine.
type fleet interface {
	// Ask puts each observe to its agent and never blocks. Exactly one Answer
	// comes for each, with its Tick and Attempt. The slice is the engine's
	// again when Ask returns; the observes and all they hold stay unchanged
	// until Committed of their tick, or the loop, has returned; in realtime,
	// for ever.
	Ask(batch []*agent.Observe)
	// Await waits until some answers have come, or ctx ends, and gives them, in
	// any order; none once ctx has ended. They are the engine's until the next
	// call. When the loop returns early, or ended the agent meanwhile, answers
	// may be left.
	Await(ctx context.Context) []agent.Answer
	// Committed says that the record of tick is acknowledged: what it holds
	// need no longer be remembered elsewhere.
	Committed(tick int)
	// Add brings agents that are in force from the next tick on, with the
	// processes that host them; it starts them and does not wait.
	Add(agents []plan.Agent, processes []plan.Process)
	// Retire ends agents that are never asked again: each is sent stop, and a
	// process ends with its last agent.
	Retire(ids []string, reason string)
	// Substitute makes a fresh process (init, no history) answer for the agent
	// from now on.
	Substitute(id string, s plan.Substitute)
	// Strike hits the process of an agent that is not asked at the moment.
	// Those that are have it with their observe.
	Strike(id string, s agent.Strike)
	// Facts is what happened to processes since the last call.
	Facts() []record.Fact
	// Owes says whether the process of an agent still owes an answer whose
	// deadline has passed.
	Owes(id string) bool
	// Wake makes Await return, though there be no answers. Any goroutine may
	// call it. Only Realtime is prepared for that.
	Wake()
	// Usages is what models were used for since the last call.
	Usages() []record.Usage
}

// A log keeps the run's records.
type log interface {
	// Append returns once the record is acknowledged, with the hash of the
	// chain up to it. The record is the engine's again then.
	Append(ctx context.Context, rec *record.Record) (hash [32]byte, err error)
	// Read calls fn with each record from the tick on, in order, with the hash
	// of the chain up to it. fn keeps nothing of a record. An error of fn ends
	// Read, which returns it.
	Read(ctx context.Context, from int, fn func(rec *record.Record, hash [32]byte) error) error
}

// A Config is what the loop works with. Plan, Fleet and Log are needed, and a
// World where the plan has one.
type Config struct {
	Plan  *plan.Plan
	World world.World
	Fleet fleet
	Log   log
	Run   string // the run's name, for the world's init
	// OnStart is called once, when the world stands and the first tick begins.
	OnStart func()
	// OnTick is called after each commit, before anything of the tick takes
	// effect. The record is valid during the call only.
	OnTick func(rec *record.Record, hash [32]byte)
	// OnAnswer is told how long an agent took to answer; nil for nobody. It must be
	// quick: the tick waits for it.
	OnAnswer func(agent string, took time.Duration)
	// OnCheckpoint is given what it needs to go on from here later, every so
	// many ticks as the plan says; nil where nothing is to be kept. It returns
	// once that is safe.
	OnCheckpoint func(*Checkpoint) error
	// Ledger and Die are for plans with faults of processes. Die ends this
	// process as a kill -9 would, and does not return.
	Ledger ledger
	Die    func()
	// Uncompared are agents that Repeat does not ask, and why.
	Uncompared map[string]string
	// Door is where whoever is no agent comes in; nil for nowhere. The loop shuts
	// it at its end.
	Door *Door
	// Pace is who holds the loop between ticks; nil for nobody. The loop tells it
	// of its end.
	Pace *Pace
	// Shelf keeps the files of the shared tree; nil where the plan has none.
	Shelf shelf
	// From is where the log ends, for a run that goes on; nil for a new one.
	From *Start
}

// A Result says how far the run is. It is complete with an error too.
type Result struct {
	Ticks       int      // committed, those before a resume included
	Hash        [32]byte // of the last record; zero where there is none
	End         record.End
	Interrupted bool // the context ended; the open tick was abandoned
	Timed       int  // outcomes that a clock decided, over the whole run
	Scores      []record.Score
}

// A StopError is the policy stop: the open tick was abandoned, and the run can
// be resumed from it.
type StopError struct {
	Tick    int
	Agent   string
	Failure agent.Failure
	Detail  string
}

func (e *StopError) Error() string {
	text := fmt.Sprintf("agent %q failed at tick %d (%s) and its policy is stop", e.Agent, e.Tick, e.Failure)
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return text + "; the run can be resumed from that tick once the cause is gone"
}

// WorldInit is what the world of a plan is started with.
func WorldInit(p *plan.Plan, run string) world.Init {
	init := world.Init{Run: run, Seed: agent.Seed(p.Seed, ""), Config: p.World.Config}
	init.Agents = make([]world.Agent, len(p.Agents))
	for i, a := range p.Agents {
		init.Agents[i] = world.Agent{ID: a.ID, Config: a.Config}
	}
	return init
}

// worldName is how errors call the world of a plan.
func worldName(p *plan.Plan) string {
	switch {
	case p.World.Kind != "":
		return p.World.Kind
	case p.World.Program != nil:
		return fmt.Sprint(p.World.Program.Command)
	}
	return "without a name"
}
