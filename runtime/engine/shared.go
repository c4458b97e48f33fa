package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/tree"
)

// A shelf keeps the files of the shared tree.
type shelf interface {
	// Shelve brings in what a record that is acknowledged has committed: the
	// files are as the last of the commits has them. Contents are the caller's
	// again when it returns. It holds the locks of the leases that are held now.
	Shelve(commits []tree.Commit, now *tree.Tree) error
}

// NewTree is the shared tree that a run of a plan begins with; nil where it has
// none.
func NewTree(p *plan.Plan) *tree.Tree { return newTree(p.At(0)) }

func newTree(p *plan.Plan) *tree.Tree {
	if p.Shared == nil {
		return nil
	}
	files := make([]tree.File, len(p.Shared.Files))
	for i := range files {
		f := &p.Shared.Files[i]
		files[i] = tree.File{Path: f.Path, Hash: f.SHA256, Size: int(f.Size), Exec: f.Exec}
	}
	return tree.New(p.Shared, files)
}

// retree follows a fork: the rules are those of the new plan.
func (s *society) retree() {
	switch {
	case s.plan.Shared == nil:
		s.tree = nil
	case s.tree == nil:
		s.tree = newTree(s.plan)
	default:
		s.tree = s.tree.Ruled(s.plan.Shared)
	}
	s.scene = nil
}

// share takes in what a record has of the shared tree.
func (s *society) share(rec *record.Record) {
	if s.tree == nil {
		return
	}
	if now := s.tree.Apply(rec.Tick, rec.Commits, rec.Leases); now != s.tree {
		s.tree, s.scene = now, nil
	}
}

// look is what those can look at who are asked in the next tick.
func (s *society) look() *agent.Scene {
	if s.roster == nil {
		s.roster = make([]string, 0, s.living)
		for i := range s.members {
			if m := &s.members[i]; m.alive {
				s.roster = append(s.roster, m.id)
			}
		}
		slices.Sort(s.roster)
	}
	if s.scene == nil {
		s.scene = &agent.Scene{Tree: s.tree, Agents: s.roster, MayWrite: s.plan.MayWrite}
	}
	return s.scene
}

// shelve brings the files of the shared tree to where the record is.
func (l *loop) shelve(rec *record.Record) error {
	if l.Shelf == nil || len(rec.Commits)+len(rec.Leases) == 0 {
		return nil
	}
	if err := l.Shelf.Shelve(rec.Commits, l.soc.tree); err != nil {
		return fmt.Errorf("cannot write to the shared tree what tick %d has committed: %w", rec.Tick, err)
	}
	return nil
}

// early counts the messages that an accepted turn sent before its act.
func (t *turn) early() (n int) {
	if t.acted {
		for i := range t.staged {
			if t.staged[i].Op == agent.OpSend {
				n++
			}
		}
	}
	return n
}

// writeShared decides what agents have asked for beside their answers, in the
// order (agent, position), and who has which lease then.
func (l *loop) writeShared() {
	if l.soc.realtime {
		return
	}
	var d *tree.Draft
	if l.soc.tree != nil {
		d = l.soc.tree.Draft(l.rec.Tick)
	}
	before := len(l.rec.Results)
	for i := range l.turns {
		l.decideRequests(d, &l.turns[i])
	}
	if d != nil {
		l.writeLeases(d)
	}
	if len(l.rec.Results) > before {
		slices.SortStableFunc(l.rec.Results, func(a, b record.Result) int { return compare(a.Agent, b.Agent) })
	}
}

// writeLeases decides who has which lease once all requests are decided, and
// writes what came of it all.
func (l *loop) writeLeases(d *tree.Draft) {
	for _, id := range slices.Sorted(maps.Keys(l.gone)) {
		d.Leave(id, "its agent is no more")
	}
	from := len(d.Steps)
	d.Expire()
	d.Grant()
	for i := range d.Steps[from:] {
		s := &d.Steps[from+i]
		l.tellShared(s.Agent, leaseResult(l.rec.Tick, s))
	}
	l.rec.Commits, l.rec.Leases = d.Commits, d.Steps
}

// tellShared has an agent told with its next observation, if it has one.
func (l *loop) tellShared(id string, r *requestResult) {
	if l.gone[id] != 0 {
		return
	}
	text, err := json.Marshal(r)
	if err == nil {
		text, err = agent.Compact(nil, text)
	}
	if err != nil { // paths and messages are text
		panic(err)
	}
	l.rec.Results = append(l.rec.Results, record.Result{Agent: id, JSON: text})
}

// decideRequests decides those of one turn. They count with an accepted act
// alone. Without a shared tree d is nil, and all of them are messages.
func (l *loop) decideRequests(d *tree.Draft, t *turn) {
	for i := range t.staged {
		x := &t.staged[i]
		if !t.acted {
			if t.spoke || t.failure == agent.Deadline { // whose process knows that it asked
				l.tellShared(t.observe.Agent, &requestResult{Type: x.Op, Tick: l.rec.Tick, Request: x.Position, Paths: pathsOf(x),
					Error: fmt.Sprintf("dropped: the tick ended without an action that was accepted (%s)", t.failure)})
			}
			continue
		}
		if decide := deciders[x.Op]; decide != nil {
			r := decide(d, t.observe.Agent, x)
			r.Type, r.Tick, r.Request = x.Op, l.rec.Tick, x.Position
			if r.Lease == tree.Granted && x.TTL > 0 {
				r.Until = r.Tick + x.TTL
			}
			l.tellShared(t.observe.Agent, r)
		}
	}
}

// A requestResult is what becomes of a request, as its agent is told.
type requestResult struct {
	Type    string       `json:"type"`
	Tick    int          `json:"tick"`
	Request int          `json:"request,omitempty"` // its position
	Paths   []string     `json:"paths,omitempty"`
	Version int          `json:"version,omitempty"`
	Lease   string       `json:"lease,omitempty"` // waits, granted or ended
	Token   int          `json:"token,omitempty"`
	Until   int          `json:"until,omitempty"` // the last tick at whose end the lease still counts
	Why     string       `json:"why,omitempty"`   // it ended
	Error   string       `json:"error,omitempty"`
	Moved   *movedResult `json:"moved,omitempty"`
}

// A movedResult says what became of a path since it was checked out.
type movedResult struct {
	Path    string `json:"path"`
	Version int    `json:"version"`
	Gone    bool   `json:"gone,omitempty"`
	By      string `json:"by,omitempty"`
	Tick    int    `json:"tick"`
	Message string `json:"message,omitempty"`
}

// deciders are what decides requests, by what they ask for.
var deciders = map[string]func(d *tree.Draft, id string, x *agent.Request) *requestResult{
	agent.OpCommit: func(d *tree.Draft, id string, x *agent.Request) *requestResult {
		c, err := d.Commit(id, x.Position, x.Message, x.Changes, x.Token)
		if err != nil {
			return refusedResult(x, err)
		}
		return &requestResult{Version: c.Number, Paths: pathsOf(x)}
	},
	agent.OpLock: func(d *tree.Draft, id string, x *agent.Request) *requestResult {
		s, err := d.Lock(id, x.Position, x.Paths, x.TTL)
		if err != nil {
			return refusedResult(x, err)
		}
		return leaseResult(0, s)
	},
	agent.OpUnlock: func(d *tree.Draft, id string, x *agent.Request) *requestResult {
		if err := d.Unlock(id, x.Position, x.Paths); err != nil {
			return refusedResult(x, err)
		}
		return &requestResult{Paths: x.Paths, Lease: tree.Ended}
	},
}

func refusedResult(x *agent.Request, err error) *requestResult {
	r := &requestResult{Paths: pathsOf(x), Error: err.Error()}
	var moved *tree.MovedError
	if errors.As(err, &moved) && moved.Now != nil {
		f := moved.Now
		r.Moved = &movedResult{f.Path, f.Version, f.Gone, f.By, f.Tick, cut(f.Message, maxName)}
	}
	return r
}

func leaseResult(tick int, s *tree.Step) *requestResult {
	r := &requestResult{Type: agent.OpLock, Tick: tick, Paths: s.Paths, Lease: s.What, Token: s.Token, Why: s.Why}
	if s.What == tree.Granted && s.TTL > 0 {
		r.Until = tick + s.TTL
	}
	return r
}

// mostTold is how many paths of a request are told back.
const mostTold = 20

func pathsOf(x *agent.Request) []string {
	paths := x.Paths
	for i := range x.Changes {
		paths = append(paths, x.Changes[i].Path)
	}
	return paths[:min(len(paths), mostTold)]
}

// asked are the requests of a turn, as the record has them: those that came to
// something. Its memory is its own.
func asked(rec *record.Record, t *record.Turn) []agent.Request {
	var list []agent.Request
	for i := range rec.Commits {
		c := &rec.Commits[i]
		if c.Author != t.Agent {
			continue
		}
		x := agent.Request{Op: agent.OpCommit, Position: c.Position, Message: c.Message}
		for _, change := range c.Changes {
			change.Base, change.Content = tree.Any, slices.Clone(change.Content)
			x.Changes = append(x.Changes, change)
		}
		list = append(list, x)
	}
	ops := map[string]string{tree.Waits: agent.OpLock, tree.Granted: agent.OpLock, tree.Ended: agent.OpUnlock}
	for i := range rec.Leases {
		s := &rec.Leases[i]
		if s.Agent == t.Agent && s.Position > 0 {
			x := agent.Request{Op: ops[s.What], Position: s.Position, Paths: slices.Clone(s.Paths), TTL: s.TTL}
			if n := len(list); n > 0 && list[n-1].Op == agent.OpUnlock && list[n-1].Position == s.Position {
				list[n-1].Paths = append(list[n-1].Paths, x.Paths...)
				continue
			}
			list = append(list, x)
		}
	}
	left := t.Early
	for i := range rec.Messages {
		if m := &rec.Messages[i]; m.From == t.Agent && left > 0 {
			left--
			list = append(list, agent.Request{Op: agent.OpSend, Send: agent.Send{To: m.To, Channel: m.Channel, Body: slices.Clone(m.Body)}})
		}
	}
	slices.SortStableFunc(list, func(a, b agent.Request) int { return a.Position - b.Position })
	return list
}
