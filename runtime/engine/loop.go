package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/world"
)

// errInterrupted says that the context ended and the open tick is abandoned.
var errInterrupted = errors.New("interrupted")

// A loop is what both clocks share: the society, and what the record that is
// decided next is made of.
type loop struct {
	Config
	fleet fleet
	log   log
	soc   *society
	noop  []byte
	ready world.Ready
	pick  collection
	given []world.Observation // where the loop begins

	keeper    checkpointer // the fleet; nil where it is none
	snapshots bool         // agents may come back by their state

	next    []seat           // what the world's last answer gives to whom, by id
	turns   []turn           // of the record, by id
	taken   *record.Taken    // by the only turn, under the realtime clock
	at      []int32          // of each slot: its place in turns
	outbox  []*agent.Observe // not asked yet
	actions []world.Action

	gone      map[string]fate // who ends with the record
	aborted   bool
	stopped   *StopError
	attempts  []record.Attempt
	facts     []record.Fact // for the record, beside the fleet's
	answers   []record.Latency
	elapsed   record.Elapsed
	took      time.Duration // the last commit
	began     time.Time
	before    agent.Spent      // that the run had taken
	told      agent.Spent      // of what it has taken, on record
	meter     meter            // the fleet; nil where it is none
	seconds   map[int32]second // under the realtime clock, of those with a limit of messages, by slot
	rec       record.Record
	added     addition
	calls     []*call            // from outside, that the record answers
	holders   map[int]chan<- int // who waits for leases, by ticket; told the token
	conflicts map[string]int     // commits that others came before, by agent, since the last record
	heed      func()             // takes the fleet's facts in, where their order tells something
}

// A seat is an agent that will be asked. Slots of agents added in the same
// tick are those that applying its record will give them.
type seat struct {
	id          string
	slot        int32
	observation []byte
}

// A turn is what becomes of one asked agent in the open tick. There may be
// hundreds of thousands.
type turn struct {
	slot     int32
	observe  *agent.Observe // the newest one
	open     bool           // an answer is still to come
	sent     bool           // the process that answers now has had the observation
	timed    bool           // a clock decided something
	replaced bool           // by a substitute, in this tick
	acted    bool
	spoke    bool         // when not acted: the process has answered all the same
	done     bool         // the act says so
	kind     *kind        // of what answers
	send     []agent.Send // of the act
	staged   []agent.Request
	failure  agent.Failure // when not acted
	policy   string
	action   []byte // the act's or, when not acted, what the policy gave; nil for null
}

// fate says how an agent ended in the open tick.
type fate uint8

const (
	endedItself fate = iota + 1
	removed
)

// open starts the world, or takes over from where the log ends.
func (l *loop) open(ctx context.Context, cfg Config) error {
	l.Config, l.fleet, l.log, l.gone = cfg, cfg.Fleet, cfg.Log, map[string]fate{}
	l.began = time.Now()
	l.keeper, _ = cfg.Fleet.(checkpointer)
	l.snapshots = snapshots(cfg.Plan)
	from := cfg.From
	if from == nil {
		from = &Start{soc: newSociety(cfg.Plan, 0)}
		l.soc = from.soc
		if cfg.World != nil {
			ready, err := cfg.World.Start(ctx, WorldInit(cfg.Plan, cfg.Run))
			if err != nil && ctx.Err() != nil {
				err = errInterrupted
			}
			if err != nil {
				return fmt.Errorf("world %s failed at its start: %w", worldName(cfg.Plan), err)
			}
			from.Ready, from.Observations = ready, ready.Observations
		}
	}
	l.soc, l.noop, l.ready, l.given = from.soc, from.Ready.Noop, from.Ready, from.Observations
	l.soc.copies = false
	l.before = agent.ParseSpent(l.soc.spent[""])
	l.told = l.before
	l.meter, _ = cfg.Fleet.(meter)
	l.pick = newCollection(cfg.Plan)
	if err := checkPolicies(cfg.Plan, l.noop); err != nil {
		return err
	}
	if l.soc.end != record.NotEnded {
		l.given = nil
		return nil
	}
	for _, slot := range l.soc.parting {
		l.gone[l.soc.members[slot].id] = endedItself
	}
	return nil
}

// over is what a loop that ended with err came to. Who waits at the door is
// told.
func (l *loop) over(err error) (Result, error) {
	l.shut(err)
	l.Pace.Close(l.soc.end == record.NotEnded)
	res := Result{
		Ticks: l.soc.tick, Hash: l.soc.hash, End: l.soc.end,
		Timed: l.soc.timed, Scores: l.soc.scores(),
	}
	if errors.Is(err, errInterrupted) {
		res.Interrupted, err = true, nil
	}
	return res, err
}

// commit appends the record and, once that is acknowledged, lets it take
// effect. A commit that has begun is brought to its end whatever ctx says.
func (l *loop) commit(ctx context.Context, facts []record.Fact, usages []record.Usage) error {
	if err := l.capture(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	rec := &l.rec
	rec.Annex.Facts, rec.Annex.Usages = l.clock(facts), usages
	slices.SortStableFunc(rec.Annex.Usages, func(a, b record.Usage) int { return compare(a.Agent, b.Agent) })
	rec.Annex.Time = time.Now()
	hash, err := l.log.Append(context.WithoutCancel(ctx), rec)
	l.took = time.Since(rec.Annex.Time)
	if err != nil {
		return fmt.Errorf("cannot commit tick %d: %w", rec.Tick, err)
	}
	l.fleet.Committed(rec.Tick)
	if l.OnTick != nil {
		l.OnTick(rec, hash)
	}
	if err := l.soc.apply(rec, hash); err != nil {
		return fmt.Errorf("cannot apply tick %d, which is committed: %w", rec.Tick, err)
	}
	if err := l.shelve(rec); err != nil {
		return err
	}
	l.tellHolders(rec)
	l.answerCalls(rec.Tick) // who looks now sees what it has done
	if rec.End == record.NotEnded {
		l.effect()
	}
	return nil
}

// effect tells the fleet who came and who went.
func (l *loop) effect() {
	var done, out []string
	for i := range l.rec.Turns {
		if t := &l.rec.Turns[i]; t.Done {
			done = append(done, t.Agent)
		}
	}
	for _, id := range l.rec.Removed {
		if l.gone[id] == removed {
			out = append(out, id)
		}
	}
	if len(done) > 0 {
		l.fleet.Retire(done, "done")
	}
	if len(out) > 0 {
		l.fleet.Retire(out, whyRemoved(&l.rec, l.soc))
	}
	if len(l.added.agents) > 0 {
		l.fleet.Add(l.added.agents, l.added.processes)
	}
}
