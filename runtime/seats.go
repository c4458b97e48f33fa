package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupe-dev/troupe/bus"
	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/engine"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/supervisor"
	"github.com/troupe-dev/troupe/workspace"
)

// usual is where the bus listens for the programs of agents where nobody says.
const usual = "127.0.0.1:0"

// onBus says whether agents of the plan are programs on the bus.
func onBus(p *plan.Plan) bool {
	return slices.ContainsFunc(p.Entries, func(e plan.Entry) bool {
		k, err := agent.Lookup(e.Kind)
		return err == nil && k.Bus
	})
}

// A seats is the places on the bus of a run's agents that are programs there, and
// the channels that they are in. Its methods are for the loop's goroutine.
type seats struct {
	bus  *bus.Bus
	run  string
	plan *plan.Plan
	all  map[string]*seat // by agent
	set  []record.Channel // by the newest record: newcomers go by it too
}

type seat struct {
	*bus.Seat
	channels []string
}

func newSeats(b *bus.Bus, run string, p *plan.Plan) *seats {
	return &seats{bus: b, run: run, plan: p, all: map[string]*seat{}}
}

// open makes an agent's place, in the channels of the plan that it is in.
func (s *seats) open(id string) (*seat, error) {
	var in []string
	for i := range s.plan.Channels {
		if c := &s.plan.Channels[i]; c.Covers(id) {
			in = append(in, c.Name)
		}
	}
	in = changed(in, s.set, id)
	at, err := s.bus.Seat(s.run, id, s.rate(id), in)
	if err != nil {
		return nil, err
	}
	s.all[id] = &seat{at, in}
	return s.all[id], nil
}

// rate is what the program of an agent may publish. How much of that are messages,
// and how many it may send, the engine sees; what the bus drops is far beyond. In
// lockstep that hangs on how long ticks take, so that a limit only raises it.
func (s *seats) rate(id string) bus.Rate {
	entry, known := s.plan.EntryOf(id)
	if !known || s.plan.Entries[entry].Limits.Messages == 0 {
		return bus.Rate{}
	}
	n := s.plan.Entries[entry].Limits.Messages
	if s.plan.Clock.Mode == plan.Realtime {
		n = max(n, fewest)
		return bus.Rate{Burst: 2 * n, Second: float64(n)}
	}
	return bus.Rate{Burst: max(bus.Usual.Burst, 2*n), Second: max(bus.Usual.Second, float64(n))}
}

// fewest is how many lines a second a program may publish that may send fewer
// messages: its log is among them.
const fewest = 20

// changed is what becomes of an agent's channels where the members of some are
// set.
func changed(in []string, set []record.Channel, id string) []string {
	for _, c := range set {
		in = slices.DeleteFunc(in, func(name string) bool { return name == c.Name })
		if slices.Contains(c.Members, id) {
			in = append(in, c.Name)
		}
	}
	return in
}

// restore has every agent in the channels that it is in where a run goes on.
func (s *seats) restore(from *engine.Start) {
	for id, at := range s.all {
		at.channels = from.Channels(id)
		at.Join(at.channels)
	}
}

// committed follows who comes into which channel, and who leaves.
func (s *seats) committed(rec *record.Record) {
	s.set = nil
	for _, c := range rec.Channels {
		s.set = append(s.set, record.Channel{Name: strings.Clone(c.Name), Members: slices.Clone(c.Members)})
	}
	if len(s.set) == 0 {
		return
	}
	for id, at := range s.all {
		at.channels = changed(at.channels, s.set, id)
		at.Join(at.channels)
	}
}

// A badge is what a program connects with, as it is written down for it.
type badge struct {
	URL      string   `json:"url"`
	User     string   `json:"user"`
	Password string   `json:"password"`
	Run      string   `json:"run"`
	Agent    string   `json:"agent"`
	Ask      string   `json:"ask"`    // subject
	Out      string   `json:"out"`    // subject
	Inbox    string   `json:"inbox"`  // what subjects of answers begin with
	Listen   []string `json:"listen"` // further subjects
}

func (s *seats) badge(id string, at *seat) badge {
	login := at.Credentials()
	return badge{
		URL: "nats://" + s.bus.Addr(), User: login.User, Password: login.Password, Run: s.run, Agent: id,
		Ask: bus.Ask(s.run, id), Out: bus.Out(s.run, id), Inbox: at.Inbox(), Listen: at.Subjects(),
	}
}

// outsiders are the agents of the plan whose programs nobody here starts.
func outsiders(p *plan.Plan) (ids []string) {
	for i := range p.Processes {
		x := &p.Processes[i]
		if k, err := agent.Lookup(p.Entries[x.Entry].Kind); err == nil && k.Bus && len(x.Command) == 0 {
			ids = append(ids, x.ID)
		}
	}
	return ids
}

// seated gives a process what it needs where its agent is asked over the bus.
func (f *fleet) seated(s *supervisor.Spec) {
	if !s.Kind.Bus || f.seats == nil {
		return
	}
	id := s.Agents[0].Agent
	at, err := f.seats.open(id)
	if err != nil { // ids were checked when the plan was made
		s.Caller = noSeat{err}
		return
	}
	b := f.seats.badge(id, at)
	text, _ := json.MarshalIndent(b, "", "  ") // of strings
	s.Caller, s.Texts = caller{at.Seat, f.dir.Text(s.ID, supervisor.CredentialsFile)}, map[string]string{supervisor.CredentialsFile: string(text) + "\n"}
	if len(s.Command) == 0 {
		return
	}
	s.Ports = append(slices.Clone(s.Ports), f.seats.bus.Port())
	line, _ := json.Marshal(b)
	s.Env["TROUPE_NATS_URL"], s.Env["TROUPE_NATS_USER"] = b.URL, b.User
	s.Secrets = append(s.Secrets,
		supervisor.Secret{Name: "TROUPE_NATS_PASSWORD", Value: b.Password},
		supervisor.Secret{Name: "TROUPE_NATS", Value: string(line)})
}

// A caller is a seat in the supervisor's words, with the file that its
// credentials are in.
type caller struct {
	*bus.Seat
	file string
}

// Close implements supervisor.Caller. The file would only mislead.
func (c caller) Close() {
	c.Seat.Close()
	_ = os.Remove(c.file)
}

// Call implements supervisor.Caller.
func (c caller) Call(ctx context.Context, e supervisor.Ear) (supervisor.Call, error) {
	line, err := c.Await(ctx, bus.Ear(e))
	if errors.Is(err, bus.ErrAbsent) {
		return nil, supervisor.ErrAbsent
	}
	if err != nil {
		return nil, err
	}
	return line, nil
}

// noSeat says why there is none.
type noSeat struct{ err error }

// Call implements supervisor.Caller.
func (n noSeat) Call(context.Context, supervisor.Ear) (supervisor.Call, error) { return nil, n.err }

// Close implements supervisor.Caller.
func (noSeat) Close() {}

// publish is the realtime way of what a program on the bus says.
func (r *run) publish(ctx context.Context, from string, m agent.Send) error {
	_, err := r.door.SendAs(ctx, from, m)
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("not sent: %w", engine.ErrShut)
	}
	return err
}

// CredentialsFile is where a run's agent on the bus has what its program
// connects with, while it may.
func CredentialsFile(data, run, id string) string {
	return workspace.Run{Dir: filepath.Join(data, "runs", run)}.Text(id, supervisor.CredentialsFile)
}
