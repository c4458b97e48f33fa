package observe

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// Turns is a question for turns of an agent.
type Turns struct {
	Before int // turns of ticks before this one; 0 for the newest
	Limit  int
}

// A TurnState is what an agent was told in a turn, and what it did.
type TurnState struct {
	Tick        int             `json:"tick"`
	Observation json.RawMessage `json:"observation"`
	// Messages came for it since its turn before, Left more of them, and Results are
	// what it was told of what it had asked for.
	Messages []Heard           `json:"messages"`
	Left     int               `json:"messages_left_out,omitempty"`
	Results  []json.RawMessage `json:"results"`
	Action   json.RawMessage   `json:"action,omitempty"` // after a failure, what the policy put in its place
	Failure  agent.Failure     `json:"failure,omitempty"`
	Policy   string            `json:"policy,omitempty"` // that dealt with it
	Send     []Said            `json:"send"`
	Done     bool              `json:"done,omitempty"`   // it ended itself
	Unsent   bool              `json:"unsent,omitempty"` // its process never had the observation
	Attempts []Attempt         `json:"attempts,omitempty"`
	Latency  *float64          `json:"latency_ms,omitempty"` // of its model, attempts and all
	Usage    *TurnUsage        `json:"usage,omitempty"`

	asked int // the tick of its observe
}

// Heard is a message that came for an agent.
type Heard struct {
	Tick    int             `json:"tick"` // it was sent in
	From    string          `json:"from"`
	Channel string          `json:"channel,omitempty"`
	Body    json.RawMessage `json:"body"`

	arrived int // the tick after which it waited
}

// Said is a message of an agent's.
type Said struct {
	To      string          `json:"to,omitempty"`
	Channel string          `json:"channel,omitempty"`
	Body    json.RawMessage `json:"body"`
}

// An Attempt is an answer that was not accepted.
type Attempt struct {
	Attempt int             `json:"attempt"`
	Error   string          `json:"error"` // what the agent was told
	Failure agent.Failure   `json:"failure,omitempty"`
	Action  json.RawMessage `json:"action,omitempty"`
}

// A TurnUsage is what an agent's model took in a turn.
type TurnUsage struct {
	Model string `json:"model,omitempty"`
	Turns int    `json:"turns"`
	Used
	USD float64 `json:"usd"`
}

// What a question for turns reads of a log at most, in ticks, and in turns if all
// are asked in each; the first part is the smallest, since most agents are asked in
// most ticks.
const (
	firstPart  = 64
	mostPart   = 4096
	mostLooked = 1 << 14
	mostRead   = 4_000_000
)

// mostHeard is how many messages a turn has at most, the newest ones.
const mostHeard = 200

// Turns implements Inspector. It reads the log backwards in parts that grow.
func (s *Store) Turns(ctx context.Context, run, id string, q Turns) (list []TurnState, before int, err error) {
	t, err := s.tally(ctx, run)
	if err != nil {
		return nil, 0, err
	}
	t.mu.Lock()
	slot, ok := t.slots[id]
	most := max(min(mostLooked, mostRead/max(len(t.agents), 1)), 4)
	first, end := 0, t.next
	if ok {
		first = t.agents[slot].came + 1
		end = min(end, t.agents[slot].tick+1)
	}
	t.mu.Unlock()
	if !ok {
		return nil, 0, fmt.Errorf("%w: run %s has no agent %s", ErrNoAgent, run, id)
	}
	if q.Before > 0 {
		end = min(end, q.Before)
	}
	src, release, err := s.read(ctx, run)
	if err != nil {
		return nil, 0, err
	}
	defer release()
	look := &looker{tally: t, id: id, limit: q.Limit}
	from := end
	for size := min(firstPart, most/4); from > first && !look.enough() && end-from < most; size = min(2*size, mostPart, most/4) {
		to := from
		from = max(first, from-size)
		if err := look.read(ctx, src, from, to); err != nil {
			return nil, 0, err
		}
	}
	list, before = look.turns(from, first)
	return list, before, nil
}

// A looker gathers what a log says of one agent, part by part, the newest first.
type looker struct {
	tally *tally
	id    string
	limit int

	found   []TurnState // the newest last
	heard   []Heard
	results []told
}

// told is a result with the tick after which it waited.
type told struct {
	tick int
	json []byte
}

// read looks at the ticks from one up to another.
func (l *looker) read(ctx context.Context, src *source, from, to int) error {
	part := &looker{tally: l.tally, id: l.id}
	err := src.read(ctx, from, to, func(r *record.Record, _ [record.HashSize]byte) error {
		part.look(r)
		return nil
	})
	l.found = append(part.found, l.found...)
	l.heard = append(part.heard, l.heard...)
	l.results = append(part.results, l.results...)
	return err
}

// enough says whether all is there for as many turns as are wanted: what came
// before the oldest of them up to the turn before that.
func (l *looker) enough() bool {
	had := 0
	for i := range l.found {
		if !l.found[i].Unsent {
			had++
		}
	}
	return len(l.found) > l.limit && had > l.limit
}

// look takes what a record says of the agent. It keeps nothing of the record.
func (l *looker) look(r *record.Record) {
	i := sort.Search(len(r.Turns), func(i int) bool { return r.Turns[i].Agent >= l.id })
	if i < len(r.Turns) && r.Turns[i].Agent == l.id {
		l.found = append(l.found, turnOf(r, &r.Turns[i]))
	}
	member := map[string]bool{}
	for i := range r.Messages {
		m := &r.Messages[i]
		if m.Refused || m.To == "" && m.From == l.id || m.To != "" && m.To != l.id || !l.reaches(r, m, member) {
			continue
		}
		h := Heard{Tick: r.Tick, From: m.From, Channel: m.Channel, Body: value(m.Body), arrived: r.Tick}
		if m.Fate != nil {
			h.arrived += m.Fate.Delay
		}
		l.heard = append(l.heard, h)
	}
	from := sort.Search(len(r.Results), func(i int) bool { return r.Results[i].Agent >= l.id })
	for _, x := range r.Results[from:] {
		if x.Agent != l.id {
			break
		}
		l.results = append(l.results, told{r.Tick, bytes.Clone(x.JSON)})
	}
}

// reaches says whether a message comes to the agent, sooner or later. Member
// remembers which channels of the record it is in.
func (l *looker) reaches(r *record.Record, m *record.Message, member map[string]bool) bool {
	if m.Channel != "" {
		in, known := member[m.Channel]
		if !known {
			l.tally.mu.Lock()
			in = l.tally.member(m.Channel, l.id, r.Tick)
			l.tally.mu.Unlock()
			member[m.Channel] = in
		}
		if !in {
			return false
		}
	}
	if m.Fate == nil {
		return true
	}
	return m.Fate.Copies > 0 && !slices.ContainsFunc(r.Partitions, func(p record.Partition) bool {
		a, b := plan.GroupOf(p.Groups, m.From), plan.GroupOf(p.Groups, l.id)
		return a >= 0 && b >= 0 && a != b
	})
}

// turns are those found, the newest first, with what was there for each, and the
// tick that further ones are before; 0 where nothing is left. From is the oldest
// tick that was looked at, and first the agent's first.
func (l *looker) turns(from, first int) (list []TurnState, before int) {
	list = []TurnState{}
	for i := len(l.found) - 1; i >= 0 && len(list) < l.limit; i-- {
		t := l.found[i]
		since, all := 0, from <= first
		for j := i - 1; j >= 0; j-- {
			if !l.found[j].Unsent {
				since, all = l.found[j].asked, true
				break
			}
		}
		if !all && len(list) > 0 { // what came for it may be in what was not looked at
			break
		}
		if !t.Unsent {
			l.address(&t, since)
		}
		list = append(list, t)
	}
	switch {
	case len(list) > 0 && (len(l.found) > len(list) || from > first):
		before = list[len(list)-1].Tick
	case from > first:
		before = from
	}
	return list, before
}

// address adds to a turn what waited for it since another one was asked.
func (l *looker) address(t *TurnState, since int) {
	for _, h := range l.heard {
		if since <= h.arrived && h.arrived < t.asked {
			t.Messages = append(t.Messages, h)
		}
	}
	if n := len(t.Messages) - mostHeard; n > 0 {
		t.Messages, t.Left = t.Messages[n:], n
	}
	for _, x := range l.results {
		if since <= x.tick && x.tick < t.asked {
			t.Results = append(t.Results, x.json)
		}
	}
}

// turnOf is what a record says of a turn itself.
func turnOf(r *record.Record, x *record.Turn) TurnState {
	t := TurnState{
		Tick: r.Tick, asked: r.Tick, Observation: value(x.Observation), Failure: x.Failure, Policy: x.Policy,
		Action: bytes.Clone(x.Action), Done: x.Done, Unsent: x.Unsent,
		Messages: []Heard{}, Results: []json.RawMessage{}, Send: []Said{},
	}
	if x.Taken != nil {
		t.asked = x.Taken.Tick
	}
	from := sort.Search(len(r.Messages), func(i int) bool { return r.Messages[i].From >= x.Agent })
	for _, m := range r.Messages[from:] {
		if m.From != x.Agent {
			break
		}
		t.Send = append(t.Send, Said{m.To, m.Channel, value(m.Body)})
	}
	for i := range r.Annex.Attempts {
		if a := &r.Annex.Attempts[i]; a.Agent == x.Agent {
			t.Attempts = append(t.Attempts, Attempt{a.Attempt, a.Error, a.Failure, bytes.Clone(a.Act.Action)})
		}
	}
	t.use(x.Agent, r.Annex.Usages)
	return t
}

// use adds up what the agent's model took.
func (t *TurnState) use(id string, list []record.Usage) {
	var sum agent.Usage
	for i := range list {
		u := &list[i]
		if u.Agent != id {
			continue
		}
		sum.Add(&u.Usage)
		sum.Model, sum.Took = u.Model, sum.Took+u.Took
		if took := milliseconds(sum.Took); took > 0 { // what is billed alone is not measured
			t.Latency = &took
		}
		t.Usage = &TurnUsage{sum.Model, sum.Turns, Used{sum.Input, sum.Output, sum.CacheRead, sum.CacheWrite}, sum.USD.Dollars()}
	}
}

// value is a JSON value that is kept; null for none.
func value(b []byte) json.RawMessage {
	if len(b) == 0 {
		return json.RawMessage("null")
	}
	return bytes.Clone(b)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// beforeHeader tells how to ask for further turns.
const beforeHeader = "Troupe-Before"

func turnRoutes(mux *routes, runs Inspector) {
	mux.HandleFunc("GET /v1/runs/{run}/agents/{agent}/turns", func(w http.ResponseWriter, r *http.Request) {
		q := queryOf(r)
		asked := Turns{Before: q.number("before", 0, mostTick), Limit: q.within("limit", 50, 1, 500)}
		if q.err != nil {
			fail(w, q.err)
			return
		}
		list, before, err := runs.Turns(r.Context(), r.PathValue("run"), r.PathValue("agent"), asked)
		if err == nil && before > 0 {
			w.Header().Set(beforeHeader, strconv.Itoa(before))
		}
		tell(w, http.StatusOK, list, err)
	})
}
