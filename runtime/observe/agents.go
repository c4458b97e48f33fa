package observe

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/record"
)

// An AgentState is how it goes for one agent of a run.
type AgentState struct {
	Agent   string `json:"agent"`
	Entry   string `json:"entry"`
	Kind    string `json:"kind"`    // of what answers for it now
	Process string `json:"process"` // that hosts it
	// State is that of its process, PID its number and Memory what it takes with
	// all that it has started, in bytes: while the run runs.
	State    string                `json:"state,omitempty"`
	PID      int                   `json:"pid,omitempty"`
	Memory   uint64                `json:"memory_bytes,omitempty"`
	Turns    int                   `json:"turns"`
	Failures map[agent.Failure]int `json:"failures"` // turns by type
	Last     *LastTurn             `json:"last,omitempty"`
	Score    json.RawMessage       `json:"score,omitempty"` // a number
	USD      float64               `json:"usd,omitempty"`
	Used     *Used                 `json:"tokens,omitempty"`
	Took     *Took                 `json:"latency_ms,omitempty"`
	Restarts int                   `json:"restarts"` // starts of its process after the first, but for those after it was parked
	Ended    bool                  `json:"ended"`
}

// A LastTurn is an agent's newest turn.
type LastTurn struct {
	Tick    int    `json:"tick"`
	Outcome string `json:"outcome"` // action or the type of a failure
}

// Used are the tokens that an agent's model took.
type Used struct {
	Input      int `json:"input"`
	Output     int `json:"output"`
	CacheRead  int `json:"cache_read"`
	CacheWrite int `json:"cache_write"`
}

// Took is how long an agent took for an answer, in milliseconds: of those that came
// since somebody first asked about the run's agents; of a run that does not run,
// where its model is on record with it.
type Took struct {
	Last float64 `json:"last"`
	Mean float64 `json:"mean"`
}

// Agents is a question for agents of a run.
type Agents struct {
	Entry  string // of this entry alone; empty for all
	Failed bool   // those that failed most first, else by id as bytes
	Offset int
	Limit  int
}

// A Cast is a part of a run's agents.
type Cast struct {
	Agents []AgentState `json:"agents"`
	Total  int          `json:"total"` // to choose from
}

// Agents implements Inspector.
func (s *Store) Agents(ctx context.Context, run string, q Agents) (Cast, error) {
	t, err := s.tally(ctx, run)
	if err != nil {
		return Cast{}, err
	}
	chosen := t.choose(q)
	c := Cast{Total: len(chosen)}
	from := min(q.Offset, len(chosen))
	c.Agents = t.states(chosen[from:min(from+q.Limit, len(chosen))])
	s.inhabit(run, c.Agents)
	return c, nil
}

// Agent implements Inspector.
func (s *Store) Agent(ctx context.Context, run, id string) (AgentState, error) {
	t, err := s.tally(ctx, run)
	if err != nil {
		return AgentState{}, err
	}
	t.mu.Lock()
	slot, ok := t.slots[id]
	t.mu.Unlock()
	if !ok {
		return AgentState{}, fmt.Errorf("%w: run %s has no agent %s", ErrNoAgent, run, id)
	}
	list := t.states([]int32{slot})
	s.inhabit(run, list)
	return list[0], nil
}

// choose gives the slots of those asked for, sorted.
func (t *tally) choose(q Agents) []int32 {
	type key struct {
		slot   int32
		failed int32
		id     string
	}
	t.mu.Lock()
	keys := make([]key, 0, len(t.agents))
	for i := range t.agents {
		if a := &t.agents[i]; q.Entry == "" || t.entryID(a) == q.Entry {
			keys = append(keys, key{int32(i), a.failed, a.id})
		}
	}
	t.mu.Unlock()
	slices.SortFunc(keys, func(a, b key) int {
		if q.Failed && a.failed != b.failed {
			return cmp.Compare(b.failed, a.failed)
		}
		return strings.Compare(a.id, b.id)
	})
	slots := make([]int32, len(keys))
	for i := range keys {
		slots[i] = keys[i].slot
	}
	return slots
}

func (t *tally) entryID(a *agentTally) string {
	if a.entry < 0 {
		return ""
	}
	return t.plan.Entries[a.entry].ID
}

// states are what the record says of agents.
func (t *tally) states(slots []int32) []AgentState {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]AgentState, len(slots))
	for i, slot := range slots {
		list[i] = t.state(&t.agents[slot])
		t.latency(slot, &list[i])
	}
	return list
}

func (t *tally) state(a *agentTally) AgentState {
	s := AgentState{
		Agent: a.id, Entry: t.entryID(a), Process: t.process(a.id), Turns: int(a.turns),
		Failures: map[agent.Failure]int{}, Ended: a.ended, Score: slices.Clone(a.score),
	}
	s.Restarts = max(t.starts[s.Process]-1, 0)
	if a.entry >= 0 {
		s.Kind = t.plan.Entries[a.entry].Kind
	}
	if a.tick >= 0 {
		s.Last = &LastTurn{a.tick, cmp.Or(string(a.failure), record.Acted)}
	}
	if m := a.more; m != nil {
		s.Kind = cmp.Or(m.kind, s.Kind)
		for f, n := range m.failures {
			s.Failures[f] = n
		}
		m.spent(&s)
	}
	return s
}

// latency adds how long the agent in a slot took for the answers that were seen to
// come, which is better than what is on record of its model: attempts that were
// refused are among them. The caller holds mu.
func (t *tally) latency(slot int32, s *AgentState) {
	if int(slot) < len(t.answers) && t.answers[slot].n > 0 {
		a := &t.answers[slot]
		s.Took = &Took{milliseconds(a.last), milliseconds(a.sum) / float64(a.n)}
	}
}

// spent tells what an agent's model took, if it has one.
func (m *rareTally) spent(s *AgentState) {
	if u := m.used; u != nil {
		s.USD = u.USD.Dollars()
		s.Used = &Used{u.Input, u.Output, u.CacheRead, u.CacheWrite}
		if m.answers > 0 {
			s.Took = &Took{milliseconds(u.Took), milliseconds(m.took) / float64(m.answers)}
		}
	}
}

// inhabit adds what is known of agents' processes while their run runs.
func (s *Store) inhabit(run string, list []AgentState) {
	l := s.live(run)
	if l == nil {
		return
	}
	at := make(map[string]*AgentState, len(list))
	for i := range list {
		at[list[i].Agent] = &list[i]
	}
	processes, memory := l.fleet()
	for i := range processes {
		p := &processes[i]
		for _, id := range p.Agents {
			if a := at[id]; a != nil && !a.Ended {
				a.Process, a.State, a.PID, a.Memory = p.ID, p.State, p.PID, memory[p.PID]
			}
		}
	}
}

// agentRoutes are those that tell of agents.
func agentRoutes(mux *routes, runs Inspector) {
	mux.HandleFunc("GET /v1/runs/{run}/agents", func(w http.ResponseWriter, r *http.Request) {
		q := queryOf(r)
		asked := Agents{
			Entry: q.values.Get("entry"), Failed: q.word("sort", "id", "failures") == "failures",
			Offset: q.number("offset", 0, mostTick), Limit: q.number("limit", 1000, 10_000),
		}
		if q.err != nil {
			fail(w, q.err)
			return
		}
		c, err := runs.Agents(r.Context(), r.PathValue("run"), asked)
		tell(w, http.StatusOK, c, err)
	})
	mux.HandleFunc("GET /v1/runs/{run}/agents/{agent}", func(w http.ResponseWriter, r *http.Request) {
		a, err := runs.Agent(r.Context(), r.PathValue("run"), r.PathValue("agent"))
		tell(w, http.StatusOK, a, err)
	})
}
