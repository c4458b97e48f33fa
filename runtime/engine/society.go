package engine

import (
	"bytes"
	"slices"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/tree"
)

// A member is one agent, living or ended. Ids are never used twice. There may
// be hundreds of thousands: what few of them need is behind a pointer.
type member struct {
	id         string
	config     []byte
	entry      int
	kind       *kind            // of what answers for it
	substitute *plan.Substitute // what answers for it since an earlier tick
	since      int              // that tick
	used       *agent.Usage     // by its model so far; nil for nothing
	score      []byte           // nil until the world gave one
	mail       []agent.Message  // not delivered yet, by (tick, sender, position)
	results    [][]byte         // not delivered yet
	alive      bool
	done       bool  // it ended itself
	turns      int32 // that it was asked in, where there is a limit of them
}

// A kind is what a member needs to know of its kind of agents.
type kind struct {
	name    string
	perTurn bool // every turn has a process of its own
	model   bool // it is one
	schema  bool // it is told the schema of its actions
}

// A society is all that committed records say about who is alive, who is in
// which channel, and what is still to be delivered. Only apply changes it. Its
// members are numbered by slots, in the order in which they came.
type society struct {
	plan     *plan.Plan // of the next tick
	whole    *plan.Plan // the run's, which may be a fork of that
	members  []member
	kinds    map[string]*kind // by name
	slots    map[string]int32
	channels map[string]*channel
	living   int
	perEntry []int   // living, by entry
	parting  []int32 // ended themselves in the last tick, by id: the world is yet to be told

	realtime bool // the clock
	stepped  int  // how often the world was

	tick  int      // the next one
	hash  [32]byte // of the last record
	end   record.End
	timed int
	usd   agent.USD // all models' so far
	// spent is what those have taken that are limited in it, by their names in
	// facts, as the facts say; the run's own time by the empty name.
	spent map[string]string

	tree   *tree.Tree   // the shared one; nil where the plan has none
	scene  *agent.Scene // of the next tick; nil until it is asked for
	roster []string     // who lives, by id; nil until it is asked for

	// outside are the names of those who are no agents and have written to the run:
	// agents may answer them.
	outside map[string]bool

	parcels []parcel // on their way, in the order in which they were sent

	// copies says that records do not outlive their application. only, if not
	// nil, are the agents whose mail and results are kept.
	copies bool
	only   map[string]bool
	// arrived, if not nil, is told who got mail or results.
	arrived func(slot int32)

	agents    []plan.Agent // that came later
	processes []plan.Process
}

// newSociety is that of the start of a run, or of the start as the plan of a
// later tick has it.
func newSociety(p *plan.Plan, tick int) *society {
	whole := p
	p = whole.At(tick)
	s := &society{
		plan:     p,
		whole:    whole,
		realtime: p.Clock.Mode == plan.Realtime,
		members:  make([]member, 0, len(p.Agents)),
		kinds:    map[string]*kind{},
		slots:    make(map[string]int32, len(p.Agents)),
		channels: make(map[string]*channel, len(p.Channels)),
		perEntry: make([]int, len(p.Entries)),
		tree:     newTree(p),
	}
	for _, a := range p.Agents {
		s.join(a)
	}
	for i := range p.Channels {
		s.channels[p.Channels[i].Name] = s.newChannel(&p.Channels[i])
	}
	return s
}

func (s *society) join(a plan.Agent) int32 {
	slot := int32(len(s.members))
	s.slots[a.ID] = slot
	s.members = append(s.members, member{
		id: a.ID, config: a.Config, entry: a.Entry, alive: true,
		kind: s.kind(s.plan.Entries[a.Entry].Kind),
	})
	s.living++
	s.scene, s.roster = nil, nil
	s.perEntry[a.Entry]++
	return slot
}

// kind is the one of a name, the same for all who ask.
func (s *society) kind(name string) *kind {
	k := s.kinds[name]
	if k == nil {
		k = &kind{name: name}
		if known, err := agent.Lookup(name); err == nil {
			k.perTurn, k.model, k.schema = known.PerTurn, known.Tool != nil, known.Tool != nil || known.Human
		}
		s.kinds[name] = k
	}
	return k
}

// usage is what a member's model was used for so far.
func (m *member) usage() agent.Usage {
	if m.used == nil {
		return agent.Usage{}
	}
	return *m.used
}

// find gives the slot of an agent that lives or lived.
func (s *society) find(id string) (slot int32, known bool) {
	slot, known = s.slots[id]
	return slot, known
}

func (s *society) policy(m *member, f agent.Failure) plan.Policy {
	p := s.plan.Entries[m.entry].Policies[f]
	if p.Name == "" {
		p.Name = "skip"
	}
	return p
}

// scores are the last known totals, by id.
func (s *society) scores() []record.Score {
	var list []record.Score
	for i := range s.members {
		if m := &s.members[i]; m.score != nil {
			list = append(list, record.Score{Agent: m.id, Value: bytes.Clone(m.score)})
		}
	}
	slices.SortFunc(list, func(a, b record.Score) int { return compare(a.Agent, b.Agent) })
	return list
}
