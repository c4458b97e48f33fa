package engine

import (
	"bytes"
	"slices"
	"strings"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/tree"
)

// Under the realtime clock an agent's requests are records of their own, before
// that of the turn in which it made them. A past gathers them from there.
type past struct {
	asked map[string][]agent.Asked // by agent, since its newest turn
	torn  map[string]int           // the newest tick in which its process died
}

// gather takes in what a record has that is not applied yet.
func (p *past) gather(s *society, rec *record.Record, only map[string]bool) {
	if !s.realtime {
		return
	}
	if p.asked == nil {
		p.asked, p.torn = map[string][]agent.Asked{}, map[string]int{}
	}
	add := func(id string, a agent.Asked) {
		if only == nil || only[id] {
			a.Tick, a.Scene = rec.Tick, s.look()
			list := append(p.asked[id], a) //nolint:gocritic // the key outlives the record
			p.asked[strings.Clone(id)] = list
		}
	}
	for i := range rec.Commits {
		c := &rec.Commits[i]
		x := agent.Request{Op: agent.OpCommit, Changes: c.Changes}
		add(c.Author, agent.Asked{Op: x.Op, About: clones(x.About()), Text: record.CommitJSON(c), Version: c.Number})
	}
	p.leases(rec, add)
	for i := range rec.Messages {
		if m := &rec.Messages[i]; len(rec.Turns) == 0 {
			x := agent.Request{Op: agent.OpSend, Send: agent.Send{To: m.To, Channel: m.Channel}}
			add(m.From, agent.Asked{Op: x.Op, About: clones(x.About()), Text: record.SendJSON(m.To, m.Channel, m.Body)})
		}
	}
	for i := range rec.Annex.Facts {
		if f := &rec.Annex.Facts[i]; f.Kind == "crashed" {
			for _, id := range s.hosted(f.Agent) {
				p.torn[id] = rec.Tick
			}
		}
	}
}

// leases are those that agents have asked for, and unlocked.
func (*past) leases(rec *record.Record, add func(id string, a agent.Asked)) {
	for i := range rec.Leases {
		switch s := &rec.Leases[i]; {
		case s.What == tree.Granted:
			paths := clones(s.Paths)
			add(s.Agent, agent.Asked{Op: agent.OpLock, About: paths, Text: record.LeaseJSON(s.What, paths), Token: s.Token})
		case s.Why == tree.Unlocked && (i == 0 || rec.Leases[i-1].Why != tree.Unlocked): // one request may end several
			var paths []string
			for _, other := range rec.Leases[i:] {
				if other.Why == tree.Unlocked {
					paths = append(paths, clones(other.Paths)...)
				}
			}
			add(s.Agent, agent.Asked{Op: agent.OpUnlock, About: paths, Text: record.LeaseJSON(s.What, paths)})
		}
	}
}

func clones(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = strings.Clone(s)
	}
	return out
}

// of is what belongs to a turn: what was asked for since its agent was asked.
func (p *past) of(t *record.Turn) *agent.Past {
	x := &agent.Past{}
	if t.Taken == nil {
		return x
	}
	for _, a := range p.asked[t.Agent] {
		if a.Tick >= t.Taken.Tick {
			x.Asked = append(x.Asked, a)
		}
	}
	died, ok := p.torn[t.Agent]
	x.Torn = ok && died >= t.Taken.Tick
	return x
}

// hosted are the agents of a process, by the name that facts have.
func (s *society) hosted(name string) []string {
	for _, p := range slices.Concat(s.plan.Processes, s.processes) {
		if p.ID == name {
			return p.Agents
		}
	}
	return []string{name}
}

// recalls has an observe that is told again carry what was asked for in answering
// it.
func recalls(o *agent.Observe, x *agent.Past, whole bool) *agent.Observe {
	if x == nil || o.Scene == nil {
		return o
	}
	scene, c := *o.Scene, *x
	c.Whole = whole
	scene.Past = &c
	o.Scene = &scene
	return o
}

// compareAsked holds what an agent asked for now against what it asked for then;
// what came to nothing then is not known.
func compareAsked(o *agent.Observe, now []agent.Request) *record.Difference {
	if o.Scene == nil || o.Scene.Past == nil || !o.Scene.Past.Whole || o.Scene.Past.Torn {
		return nil
	}
	for i := range o.Scene.Past.Asked {
		then := &o.Scene.Past.Asked[i]
		var text []byte
		if k := slices.IndexFunc(now, func(x agent.Request) bool { return x.Position == i+1 }); k >= 0 {
			text = requestText(&now[k], then)
		}
		if !bytes.Equal(then.Text, text) {
			return record.NewDifference(then.Tick, o.Agent, then.Op, then.Text, text)
		}
	}
	return nil
}

// requestText is a request as Asked.Text has it.
func requestText(x *agent.Request, then *agent.Asked) []byte {
	switch x.Op {
	case agent.OpCommit:
		return record.CommitJSON(&tree.Commit{Message: x.Message, Changes: x.Changes})
	case agent.OpSend:
		return record.SendJSON(x.Send.To, x.Send.Channel, x.Send.Body)
	}
	return then.Text // which is of its paths alone
}
