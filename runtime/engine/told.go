package engine

import (
	"context"
	"slices"
	"strings"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// What a process can be told.
const (
	ToldConfig      = "config"      // of an agent, in its init
	ToldFile        = "file"        // copied for its entry, or into its directory
	ToldSecret      = "secret"      // in its environment, or handed to its tool
	ToldObservation = "observation" // the world's
	ToldMessage     = "message"
	ToldResult      = "result"   // of what an agent asked for
	ToldError       = "error"    // why an answer was refused
	ToldCheckout    = "checkout" // a version of a file of the shared tree
	ToldCommit      = "commit"   // one that its agent wrote
	ToldShared      = "shared"   // one that it may have read directly
)

// A Told is one thing that a process has been told, or that waits for it.
type Told struct {
	Tick    int
	Reader  string // the process: one reader, whatever agent of it this is for
	Agent   string
	What    string
	From    string // of a message, or of a version of a file
	Channel string // of a message; empty for one to the agent alone
	Name    string // of a file or a secret
	Text    []byte // compact JSON, but for an error's; none of a file and a secret
	Waits   bool   // to be told with the agent's next observation, should there be one
}

// Readings yields all that the processes of agents have been told by a run's
// record and plan, in the order of ticks. It is told alike whether the process
// was alive then, or came back later and was told its past. At a fork the past
// goes to whoever has the agents from then on as well. Where an agent is
// substituted in a tick, both its process and the other have been told of it.
// What is yielded is valid during the call.
func Readings(ctx context.Context, lg log, p *plan.Plan, yield func(*Told) error) error {
	r := &readings{yield: yield, hosts: map[*plan.Plan]func(string) *plan.Process{}, had: map[[3]string]bool{}}
	soc, err := replay(ctx, lg, p, nil, nil, r.tick)
	if err != nil {
		return err
	}
	if err := r.start(soc); err != nil { // of a run without a tick, or who came in the last one
		return err
	}
	return r.waiting(soc)
}

type readings struct {
	yield func(*Told) error
	met   int // members whose beginning was told of
	hosts map[*plan.Plan]func(string) *plan.Process
	had   map[[3]string]bool // by reader: files and secrets

	authors map[int]string // of the commits of the shared tree so far
	viewers []viewer       // of it
}

// tick yields what was told in the tick of one record.
func (r *readings) tick(s *society, rec *record.Record) error {
	if err := r.start(s); err != nil {
		return err
	}
	for i := range rec.Turns {
		t := &rec.Turns[i]
		slot := s.slots[t.Agent]
		m := &s.members[slot]
		var heir *plan.Substitute
		if t.Policy == policySubstitute {
			heir = s.successor(m, rec)
		}
		own, rest := attemptsOf(rec.Annex.Attempts, t.Agent, heir != nil)
		sent := !t.Unsent || slices.ContainsFunc(rest, func(a record.Attempt) bool { return spoke(a.Failure, &a.Act) })
		readers := r.readers(s, m)
		if heir != nil {
			had := slices.ContainsFunc(own, func(a record.Attempt) bool { return a.Failure != agent.Spawn })
			if err := r.turn(s, t, slot, readers, had, own[:len(own)-1]); err != nil {
				return err
			}
			readers = []string{s.plan.SubstituteID(m.id)}
			if err := r.begin(Told{Tick: rec.Tick, Reader: readers[0], Agent: m.id}, m.config, &heir.Program, []string{heir.Credential}); err != nil {
				return err
			}
		}
		if n := len(rest); n > 0 && rest[n-1].Failure == t.Failure {
			rest = rest[:n-1] // the last one: it was not asked again
		}
		if err := r.turn(s, t, slot, readers, sent, rest); err != nil {
			return err
		}
	}
	return r.tree(s, rec)
}

// start yields what those who are new began with.
func (r *readings) start(s *society) error {
	for ; r.met < len(s.members); r.met++ {
		m := &s.members[r.met]
		for _, host := range r.hosting(s, m) {
			told := Told{Tick: s.tick, Reader: host.ID, Agent: m.id}
			e := host.entry
			err := r.begin(told, m.config, &e.Program, append(slices.Clone(e.Secrets), e.Credential))
			if err == nil {
				err = r.template(told, e.Workspace)
			}
			if err == nil {
				err = r.view(s, told, e.Shared)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// begin yields what a process has of an agent before it is asked; what it has
// for all of its agents, with the first.
func (r *readings) begin(told Told, config []byte, program *plan.Program, secrets []string) error {
	told.What, told.Text = ToldConfig, config
	if err := r.yield(&told); err != nil {
		return err
	}
	for i := range program.Files {
		if err := r.once(told, ToldFile, program.Files[i].Path); err != nil {
			return err
		}
	}
	for _, name := range secrets {
		if err := r.once(told, ToldSecret, name); err != nil {
			return err
		}
	}
	return nil
}

// template yields what its directory begins as.
func (r *readings) template(told Told, w *plan.Workspace) error {
	if w == nil || w.Template == nil {
		return nil
	}
	if t := w.Template; t.Git != "" {
		return r.once(told, ToldFile, strings.TrimSuffix("work/ of "+t.Git+" "+t.Ref, " "))
	}
	for i := range w.Template.Files {
		if f := &w.Template.Files[i]; !f.Dir {
			if err := r.once(told, ToldFile, "work/"+f.Path); err != nil {
				return err
			}
		}
	}
	return nil
}

// once yields what a process has by a name, if that is not empty.
func (r *readings) once(told Told, what, name string) error {
	told.What, told.Name, told.Text = what, name, nil
	key := [3]string{told.Reader, what, name}
	if name == "" || r.had[key] {
		return nil
	}
	r.had[key] = true
	return r.yield(&told)
}

// A host is a process with the entry that it has by its plan.
type host struct {
	*plan.Process
	entry *plan.Entry
}

// hosting are the processes that an agent has by the plan of the tick and, where
// that is a fork's parent, by the run's. Where its answers are on record it has
// none.
func (r *readings) hosting(s *society, m *member) (list []host) {
	for p := s.plan; ; p = s.whole {
		if process := r.host(p)(m.id); process != nil && p.Entries[process.Entry].Run == "" {
			list = append(list, host{process, &p.Entries[process.Entry]})
		}
		if p == s.whole {
			return list
		}
	}
}

// readers are the processes that are told what an agent is told.
func (r *readings) readers(s *society, m *member) (list []string) {
	if m.substitute != nil {
		return []string{s.plan.SubstituteID(m.id)}
	}
	for _, host := range r.hosting(s, m) {
		if !slices.Contains(list, host.ID) {
			list = append(list, host.ID)
		}
	}
	return list
}

func (r *readings) host(p *plan.Plan) func(string) *plan.Process {
	host := r.hosts[p]
	if host == nil {
		host = p.Hosts()
		r.hosts[p] = host
	}
	return host
}

// turn yields what processes were told in a turn, if it was sent to them, and why
// they were asked again.
func (r *readings) turn(s *society, t *record.Turn, slot int32, readers []string, sent bool, again []record.Attempt) error {
	if !sent {
		return nil
	}
	var o agent.Observe
	s.observe(&o, slot, t.Observation, s.takenBy(slot, t))
	for _, reader := range readers {
		told := Told{Tick: s.tick, Reader: reader, Agent: t.Agent}
		if err := r.mail(told, o.Messages, o.Results); err != nil {
			return err
		}
		if err := r.text(told, ToldObservation, o.Observation); err != nil {
			return err
		}
		for i := range again {
			if err := r.text(told, ToldError, []byte(again[i].Error)); err != nil {
				return err
			}
		}
	}
	return nil
}

// text yields a text, if there is one.
func (r *readings) text(told Told, what string, text []byte) error {
	if len(text) == 0 {
		return nil
	}
	told.What, told.Text = what, text
	return r.yield(&told)
}

// mail yields messages and results.
func (r *readings) mail(told Told, messages []agent.Message, results [][]byte) error {
	for i := range messages {
		m := &messages[i]
		x := told
		x.What, x.From, x.Channel, x.Text = ToldMessage, m.From, m.Channel, m.Body
		if err := r.yield(&x); err != nil {
			return err
		}
	}
	told.What = ToldResult
	for _, result := range results {
		told.Text = result
		if err := r.yield(&told); err != nil {
			return err
		}
	}
	return nil
}

// waiting yields what is on record for those who live and was not told by the end
// of it. They may have been told of it all the same, in a tick that was not
// committed.
func (r *readings) waiting(s *society) error {
	for i := range s.members {
		if err := r.waits(s, &s.members[i], s.members[i].mail, s.members[i].results); err != nil {
			return err
		}
	}
	for i := range s.parcels {
		for _, slot := range s.parcels[i].to {
			if err := r.waits(s, &s.members[slot], []agent.Message{s.parcels[i].message}, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *readings) waits(s *society, m *member, mail []agent.Message, results [][]byte) error {
	if !m.alive || len(mail)+len(results) == 0 {
		return nil
	}
	for _, reader := range r.readers(s, m) {
		if err := r.mail(Told{Tick: s.tick, Reader: reader, Agent: m.id, Waits: true}, mail, results); err != nil {
			return err
		}
	}
	return nil
}
