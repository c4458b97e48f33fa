package runtime

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/troupe-dev/troupe/runtime/engine"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/scenarios"
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
	Sender  string // pattern of senders: messages of these alone
	What    string // one of Told; empty for all

	// Each, if not nil, is called with each thing found, in the order in which it
	// was told; what it is given is valid during the call.
	Each func(*AuditItem) error
}

// An AuditItem is one thing that a process was told, or that waits for it.
type AuditItem = engine.Told

// Told lists what AuditOptions.What may be.
var Told = []string{
	engine.ToldConfig, engine.ToldFile, engine.ToldSecret, engine.ToldObservation,
	engine.ToldMessage, engine.ToldResult, engine.ToldError,
}

// An AuditResult is who was told what.
type AuditResult struct {
	Run   string
	Ticks int
	Rows  []AuditRow // by reader, then in the order of Told, then by channel
	Items int        // of all rows
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
	}}
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
	return a.result(sum.Ticks), nil
}

type audit struct {
	o     AuditOptions
	rows  map[auditKey]*AuditRow
	known map[string]map[string]bool // names by kind
}

type auditKey struct{ reader, what, channel string }

func (a *audit) add(x *AuditItem) error {
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
