package observe

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// A tally is what the records of a run come to for each of its agents, so far. It
// is fed each commit while the run is played, and from the log what it has missed.
// It may be used concurrently.
type tally struct {
	plan    *plan.Plan
	hosts   func(agent string) *plan.Process // nil for one with a process of its own
	reading sync.Mutex                       // held by who feeds it from the log

	mu       sync.Mutex
	next     int // the tick that comes next
	hash     [record.HashSize]byte
	slots    map[string]int32
	agents   []agentTally   // in the order in which they came
	answers  []answers      // by slot, of those that were seen to come; may be shorter
	hint     int32          // the slot that may answer next
	starts   map[string]int // by process, less those of who took over from its agent, and after it was parked
	parked   map[string]bool
	channels map[string][]membership
}

// An agentTally is that of one agent; there may be hundreds of thousands.
type agentTally struct {
	id      string
	entry   int32
	turns   int32
	failed  int32
	ended   bool
	tick    int           // of the newest turn; -1 for none
	failure agent.Failure // of that; empty for an action
	came    int           // the tick in which it was added; -1 for the start
	score   []byte
	more    *rareTally // nil for an agent without
}

// Answers are how long an agent took for those that were seen to come.
type answers struct {
	n         int64
	last, sum time.Duration
}

// answered takes in how long an agent took to answer.
func (t *tally) answered(id string, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	slot, ok := t.find(id, t.hint)
	if !ok {
		return
	}
	t.hint = slot + 1
	if grow := len(t.agents) - len(t.answers); grow > 0 {
		t.answers = append(t.answers, make([]answers, grow)...)
	}
	a := &t.answers[slot]
	a.n++
	a.last, a.sum = took, a.sum+took
}

// A rareTally is what few agents have.
type rareTally struct {
	failures map[agent.Failure]int
	kind     string // of a substitute that has taken over; empty for none
	used     *agent.Usage
	answers  int           // of its model that were measured
	took     time.Duration // by those together
}

// A membership says who is in a channel from the tick after this one on.
type membership struct {
	tick    int
	members []string
}

// mostMemberships is how many changes of a channel are remembered.
const mostMemberships = 4096

func newTally(p *plan.Plan) *tally {
	first := p.At(0)
	t := &tally{plan: p, hosts: p.Hosts(), slots: make(map[string]int32, len(first.Agents)), starts: map[string]int{}, parked: map[string]bool{}, channels: map[string][]membership{}}
	t.agents = make([]agentTally, 0, len(first.Agents))
	for i := range first.Agents {
		t.join(first.Agents[i].ID, -1)
	}
	return t
}

func (t *tally) join(id string, came int) {
	entry, ok := t.plan.EntryOf(id)
	if !ok {
		entry = -1
	}
	t.slots[id] = int32(len(t.agents))
	t.agents = append(t.agents, agentTally{id: id, entry: int32(entry), tick: -1, came: came})
}

// find gives an agent's slot; hint is where it probably is.
func (t *tally) find(id string, hint int32) (slot int32, ok bool) {
	if int(hint) < len(t.agents) && t.agents[hint].id == id {
		return hint, true
	}
	slot, ok = t.slots[id]
	return slot, ok
}

func (a *agentTally) rare() *rareTally {
	if a.more == nil {
		a.more = &rareTally{}
	}
	return a.more
}

// add takes the next record in; another one it leaves. It keeps nothing of r.
func (t *tally) add(r *record.Record, hash [record.HashSize]byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r.Tick != t.next {
		return
	}
	hint := int32(0)
	for i := range r.Turns {
		x := &r.Turns[i]
		slot, ok := t.find(x.Agent, hint)
		if !ok {
			continue
		}
		t.turn(&t.agents[slot], r.Tick, x)
		hint = slot + 1
	}
	hint = 0
	for i := range r.Scores {
		x := &r.Scores[i]
		if slot, ok := t.find(x.Agent, hint); ok {
			a := &t.agents[slot]
			a.score = append(a.score[:0], x.Value...)
			hint = slot + 1
		}
	}
	t.change(r)
	t.annex(&r.Annex)
	t.next, t.hash = r.Tick+1, hash
}

func (t *tally) turn(a *agentTally, tick int, x *record.Turn) {
	a.turns++
	a.tick, a.failure = tick, x.Failure
	a.ended = a.ended || x.Done
	if x.Failure == "" {
		return
	}
	a.failed++
	m := a.rare()
	if m.failures == nil {
		m.failures = map[agent.Failure]int{}
	}
	m.failures[x.Failure]++
	if x.Policy == "substitute" && a.entry >= 0 {
		if s := t.plan.Entries[a.entry].Policies[x.Failure].Substitute; s != nil {
			m.kind = s.Kind
		}
	}
}

// change takes in who came and went, and whose channels are others.
func (t *tally) change(r *record.Record) {
	for i := range r.Added {
		t.join(strings.Clone(r.Added[i].Agent), r.Tick)
	}
	for _, id := range r.Removed {
		if slot, ok := t.slots[id]; ok {
			t.agents[slot].ended = true
		}
	}
	for i := range r.Channels {
		c := &r.Channels[i]
		list := t.channels[c.Name]
		if len(list) == mostMemberships {
			list = slices.Delete(list, 0, mostMemberships/2)
		}
		t.channels[c.Name] = append(list, membership{r.Tick, slices.Clone(c.Members)})
	}
}

func (t *tally) annex(x *record.Annex) {
	for i := range x.Facts {
		switch f := &x.Facts[i]; f.Kind {
		case "parked":
			t.parked[f.Agent] = true
		case "started":
			if t.parked[f.Agent] {
				delete(t.parked, f.Agent)
			} else {
				t.starts[f.Agent]++
			}
		case "substituted": // whose start is told by the agent's name
			t.starts[f.Agent]--
		}
	}
	for i := range x.Usages {
		u := &x.Usages[i]
		slot, ok := t.slots[u.Agent]
		if !ok {
			continue
		}
		m := t.agents[slot].rare()
		if m.used == nil {
			m.used = &agent.Usage{}
		}
		m.used.Add(&u.Usage)
		if u.Took > 0 { // else it was billed, and not measured
			m.used.Took = u.Took
			m.answers++
			m.took += u.Took
		}
	}
}

// member says whether an agent was in a channel when the messages of a tick were
// delivered. The caller holds mu.
func (t *tally) member(channel, id string, tick int) bool {
	slot, ok := t.slots[id]
	if !ok || t.agents[slot].came >= tick {
		return false
	}
	p := t.plan.At(tick)
	i, ok := slices.BinarySearchFunc(p.Channels, channel, func(c plan.Channel, name string) int { return strings.Compare(c.Name, name) })
	if !ok {
		return false
	}
	came, changed := t.agents[slot].came, -1
	members := p.Channels[i].Members
	for _, m := range slices.Backward(t.channels[channel]) {
		if m.tick < tick {
			members, changed = m.members, m.tick
			break
		}
	}
	return slices.Contains(members, id) || came > changed && p.Channels[i].Covers(id)
}

// process names the process that hosts an agent.
func (t *tally) process(id string) string {
	if p := t.hosts(id); p != nil {
		return p.ID
	}
	return id
}
