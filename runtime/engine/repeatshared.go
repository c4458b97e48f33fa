package engine

import (
	"bytes"
	"fmt"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/record"
)

// note remembers what an agent asked for beside an answer to the open tick: the
// last answer has all of it.
func (r *repetition) note(a *agent.Answer) {
	if a.Failure == "" && a.Tick == r.asked(a.Agent) {
		r.requests[a.Agent] = a.Staged
	}
}

// share decides again what the agents have asked for now, those who were not
// asked what they did then, as part of the record that l makes.
func (r *repetition) share(l *loop) error {
	if r.soc.realtime {
		return nil
	}
	l.turns = make([]turn, len(r.rec.Turns))
	for i := range r.rec.Turns {
		t := &r.rec.Turns[i]
		list, now := r.requests[t.Agent]
		if !now || t.Failure != "" {
			list = asked(r.rec, t)
		} else if err := r.differs(compareEarly(r.rec, t, list)); err != nil {
			return err
		}
		l.turns[i] = turn{observe: &agent.Observe{Agent: t.Agent}, acted: t.Failure == "", spoke: answered(t.Failure), failure: t.Failure, staged: list}
	}
	l.rec.Results = nil
	l.writeShared()
	r.results, l.rec.Results = l.rec.Results, r.rec.Results // those of who is not asked now are not known
	return nil
}

// compareResults finds where agents that are asked now would be told something else
// of their requests: refused ones are on record in no other way.
func (r *repetition) compareResults() *record.Difference {
	for i := range r.rec.Turns {
		t := &r.rec.Turns[i]
		if _, now := r.requests[t.Agent]; !now || t.Failure != "" {
			continue
		}
		then, now := sharedResults(r.rec.Results, t.Agent), sharedResults(r.results, t.Agent)
		for k := 0; k < len(then) || k < len(now); k++ {
			if d := record.NewDifference(r.rec.Tick, t.Agent, "result", nth(then, k), nth(now, k)); d != nil {
				return d
			}
		}
	}
	return nil
}

// sharedResults are those of requests to the shared tree that an agent is told.
func sharedResults(list []record.Result, id string) (texts [][]byte) {
	for i := range list {
		if list[i].Agent == id && !bytes.HasPrefix(list[i].JSON, []byte(`{"type":"send",`)) {
			texts = append(texts, list[i].JSON)
		}
	}
	return texts
}

// nth is an item of a list, nil where there is none.
func nth(list [][]byte, i int) []byte {
	if i >= len(list) {
		return nil
	}
	return list[i]
}

// compareEarly finds where the messages part that an agent sent before its act.
func compareEarly(rec *record.Record, t *record.Turn, list []agent.Request) *record.Difference {
	var then, now []agent.Send
	for _, x := range asked(rec, t) {
		if x.Op == agent.OpSend {
			then = append(then, x.Send)
		}
	}
	for i := range list {
		if list[i].Op == agent.OpSend {
			now = append(now, list[i].Send)
		}
	}
	for i := 0; i < len(then) || i < len(now); i++ {
		of := func(list []agent.Send) []byte {
			if i >= len(list) {
				return nil
			}
			return record.SendJSON(list[i].To, list[i].Channel, list[i].Body)
		}
		if x, y := of(then), of(now); !bytes.Equal(x, y) {
			return record.NewDifference(rec.Tick, t.Agent, "send", x, y)
		}
	}
	return nil
}

// shelve brings in what the open tick has committed.
func (r *repetition) shelve() error {
	if r.Shelf == nil || len(r.rec.Commits)+len(r.rec.Leases) == 0 {
		return nil
	}
	now := r.soc.tree.Apply(r.rec.Tick, r.rec.Commits, r.rec.Leases)
	if err := r.Shelf.Shelve(r.rec.Commits, now); err != nil {
		return fmt.Errorf("cannot write to the shared tree what tick %d has committed: %w", r.rec.Tick, err)
	}
	return nil
}
