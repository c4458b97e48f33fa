package runtime

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/engine"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/scenarios"
	"github.com/troupe-dev/troupe/workspace"
)

// AuditOptions say which run is audited, and what of it is looked for. Patterns
// are as in scenarios; an empty one covers all.
type AuditOptions struct {
	Data    string // the data directory
	Run     string
	Command string // what is run, for whoever finds the data directory held

	Reader  string // pattern of processes
	Agent   string // pattern of agents that they were told for
	Channel string // pattern of channels: messages in these alone
	Sender  string // pattern of senders: messages of these alone, and their versions of files
	What    string // one of Told; empty for all

	// Each, if not nil, is called with each thing found, in the order in which it
	// was told; what it is given is valid during the call.
	Each func(*AuditItem) error
}

// An AuditItem is one thing that a process was told, or that waits for it.
type AuditItem = engine.Told

// Reach is the sort of what a process could read that it was not given, since no wall
// kept it from that: in the words of workspace.Attacks. It is told of where it is
// asked for alone.
const Reach = "reach"

// The sorts whose items are versions of files.
const (
	ToldCheckout = engine.ToldCheckout
	ToldCommit   = engine.ToldCommit
	ToldShared   = engine.ToldShared
)

// Told lists what AuditOptions.What may be.
var Told = []string{
	engine.ToldConfig, engine.ToldFile, engine.ToldSecret, engine.ToldObservation,
	engine.ToldMessage, engine.ToldResult, engine.ToldError, ToldCheckout, ToldCommit, ToldShared, Reach,
}

// An AuditResult is who was told what.
type AuditResult struct {
	Run   string
	Ticks int
	Walls workspace.Achieved // as they stood when the run began
	Reach []string           // what they let processes read, as items of Reach name it
	Rows  []AuditRow         // by reader, then in the order of Told, then by channel
	Items int                // of all rows
}

// An AuditRow is all of a sort that one process was told.
type AuditRow struct {
	Reader      string
	What        string
	Channel     string // of messages; empty for those to an agent alone
	Items       int
	Bytes       int
	First, Last int // ticks
	Waiting     int // of Items: on record and not told when it ends
}

// An UnknownError says that nothing is audited since a pattern covers nothing
// that there is: a finding of nothing would say nothing.
type UnknownError struct {
	Kind    string // reader, agent, channel or sender
	Pattern string
	Known   []string
}

func (e *UnknownError) Error() string {
	const most = 12
	known := e.Known
	if len(known) > most {
		known = append(slices.Clone(known[:most]), "…")
	}
	if len(known) == 0 {
		return fmt.Sprintf("no %s is called %q: there is none", e.Kind, e.Pattern)
	}
	return fmt.Sprintf("no %s is called %q: there are %s", e.Kind, e.Pattern, strings.Join(known, ", "))
}

// Audit finds out from a run's record and plan which process was told what. A
// process that several agents share is one reader. The run may go on meanwhile. A
// damaged log is a *record.BrokenError, a pattern that covers nothing an
// *UnknownError.
func Audit(ctx context.Context, o AuditOptions) (*AuditResult, error) {
	r, err := recall(ctx, o.Data, o.Run, o.Command)
	if err != nil {
		return nil, err
	}
	defer r.forget()
	p := &r.manifest.Plan
	a := &audit{o: o, rows: map[auditKey]*AuditRow{}, known: map[string]map[string]bool{
		"reader": {}, "agent": {}, "channel": {}, "sender": {},
	}, reach: reach(r.manifest.Isolation), host: p.Hosts(), entries: p.Entries}
	for i := range p.Channels {
		a.known["channel"][p.Channels[i].Name] = true
	}
	log, sum, err := record.Check(ctx, r.entries, p.Genesis())
	if err == nil {
		err = engine.Readings(ctx, log, p, a.add)
	}
	if err == nil {
		err = a.unknown()
	}
	if err != nil {
		return nil, fmt.Errorf("cannot audit run %s: %w", o.Run, err)
	}
	res := a.result(sum.Ticks)
	res.Walls, res.Reach = r.manifest.Isolation, a.reach
	return res, nil
}

// reach is what walls let a process read.
func reach(walls workspace.Achieved) (names []string) {
	for _, attack := range workspace.Attacks {
		if strings.HasPrefix(attack.Name, "read ") && !attack.Stopped(walls.Tiers, walls.LandlockABI) {
			names = append(names, attack.Name)
		}
	}
	return names
}

type audit struct {
	o       AuditOptions
	rows    map[auditKey]*AuditRow
	known   map[string]map[string]bool // names by kind
	reach   []string
	host    func(agent string) *plan.Process
	entries []plan.Entry
}

type auditKey struct{ reader, what, channel string }

// add takes in one thing that a process was told, and before the first what it could
// read besides.
func (a *audit) add(x *AuditItem) error {
	if a.o.What == Reach && !a.known["reader"][x.Reader] && a.here(x) {
		for _, name := range a.reach {
			if err := a.item(&AuditItem{Tick: x.Tick, Reader: x.Reader, Agent: x.Agent, What: Reach, Name: name}); err != nil {
				return err
			}
		}
	}
	return a.item(x)
}

// here says whether a process is on this machine: its agent's is not where its program
// comes to the bus by itself.
func (a *audit) here(x *AuditItem) bool {
	p := a.host(x.Agent)
	if p == nil || p.ID != x.Reader {
		return true // it stood in, or had the agent before a fork
	}
	e := &a.entries[p.Entry]
	k, err := agent.Lookup(e.Kind)
	return err != nil || !k.Human && (!k.Bus || len(p.Command) > 0)
}

func (a *audit) item(x *AuditItem) error {
	a.known["reader"][x.Reader], a.known["agent"][x.Agent] = true, true
	a.known["sender"][x.Agent] = true // whoever is asked may send
	if x.From != "" {
		a.known["sender"][x.From] = true
	}
	covers := func(pattern, name string) bool { return pattern == "" || scenarios.Match(pattern, name) }
	if !covers(a.o.Reader, x.Reader) || !covers(a.o.Agent, x.Agent) || a.o.What != "" && a.o.What != x.What {
		return nil
	}
	if a.o.Channel != "" && (x.Channel == "" || !covers(a.o.Channel, x.Channel)) {
		return nil
	}
	if a.o.Sender != "" && (x.From == "" || !covers(a.o.Sender, x.From)) {
		return nil
	}
	key := auditKey{x.Reader, x.What, x.Channel}
	row := a.rows[key]
	if row == nil {
		row = &AuditRow{Reader: x.Reader, What: x.What, Channel: x.Channel, First: x.Tick}
		a.rows[key] = row
	}
	row.Items++
	row.Bytes += len(x.Text)
	row.Last = x.Tick
	if x.Waits {
		row.Waiting++
	}
	if a.o.Each != nil {
		return a.o.Each(x)
	}
	return nil
}

// unknown finds a pattern that covers nothing.
func (a *audit) unknown() error {
	for _, x := range []struct{ kind, pattern string }{
		{"reader", a.o.Reader}, {"agent", a.o.Agent}, {"channel", a.o.Channel}, {"sender", a.o.Sender},
	} {
		names := slices.Sorted(maps.Keys(a.known[x.kind]))
		if x.pattern != "" && !slices.ContainsFunc(names, func(name string) bool { return scenarios.Match(x.pattern, name) }) {
			return &UnknownError{x.kind, x.pattern, names}
		}
	}
	return nil
}

func (a *audit) result(ticks int) *AuditResult {
	res := &AuditResult{Run: a.o.Run, Ticks: ticks}
	for _, row := range a.rows {
		res.Rows = append(res.Rows, *row)
		res.Items += row.Items
	}
	slices.SortFunc(res.Rows, func(x, y AuditRow) int {
		return cmp.Or(cmp.Compare(x.Reader, y.Reader),
			cmp.Compare(slices.Index(Told, x.What), slices.Index(Told, y.What)), cmp.Compare(x.Channel, y.Channel))
	})
	return res
}
