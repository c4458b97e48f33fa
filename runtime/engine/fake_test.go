package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/world"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A memory log keeps records as JSON and chains all but their annexes.
type memory struct {
	records []string
	hashes  [][32]byte
	fail    error
}

func (m *memory) Append(_ context.Context, rec *record.Record) ([32]byte, error) {
	if m.fail != nil {
		return [32]byte{}, m.fail
	}
	whole, err := json.Marshal(rec)
	if err != nil {
		return [32]byte{}, err
	}
	hashed := *rec
	hashed.Annex = record.Annex{}
	hashed.Messages = nil
	part := fmt.Appendf(nil, "%+v", hashed) // an empty list is written as none is
	for _, m := range rec.Messages {
		fate := m.Fate
		m.Fate = nil
		part = fmt.Appendf(part, "%+v %+v", m, fate)
	}
	var last [32]byte
	if n := len(m.hashes); n > 0 {
		last = m.hashes[n-1]
	}
	hash := sha256.Sum256(append(last[:], part...))
	m.records = append(m.records, string(whole))
	m.hashes = append(m.hashes, hash)
	return hash, nil
}

func (m *memory) at(t *testing.T, tick int) *record.Record {
	t.Helper()
	if tick >= len(m.records) {
		t.Fatalf("no record of tick %d: there are %d", tick, len(m.records))
	}
	rec := &record.Record{}
	if err := json.Unmarshal([]byte(m.records[tick]), rec); err != nil {
		t.Fatal(err)
	}
	return rec
}

// Read spoils each record once fn has returned, as one that is decoded into
// the same memory again and again would be.
func (m *memory) Read(_ context.Context, from int, fn func(*record.Record, [32]byte) error) error {
	for i := from; i < len(m.records); i++ {
		rec := &record.Record{}
		if err := json.Unmarshal([]byte(m.records[i]), rec); err != nil {
			return err
		}
		if err := fn(rec, m.hashes[i]); err != nil {
			return err
		}
		spoil(rec)
	}
	return nil
}

func spoil(rec *record.Record) {
	wipe := func(b []byte) {
		for i := range b {
			b[i] = '!'
		}
	}
	for i := range rec.Turns {
		wipe(rec.Turns[i].Observation)
		wipe(rec.Turns[i].Action)
	}
	for i := range rec.Messages {
		wipe(rec.Messages[i].Body)
	}
	for i := range rec.Results {
		wipe(rec.Results[i].JSON)
	}
	for i := range rec.Scores {
		wipe(rec.Scores[i].Value)
	}
	for i := range rec.Added {
		wipe(rec.Added[i].Config)
	}
	for i := range rec.Annex.Attempts {
		act := &rec.Annex.Attempts[i].Act
		wipe(act.Action)
		for j := range act.Send {
			wipe(act.Send[j].Body)
		}
	}
}

// A played world is made of functions. Nil step observes all its agents again
// for ever.
type played struct {
	ready  func(init world.Init) world.Ready
	step   func(tick int, actions []world.Action) (world.Stepped, error)
	inited world.Init
	given  []string // the actions of each step
}

func (w *played) Start(_ context.Context, init world.Init) (world.Ready, error) {
	w.inited = init
	if w.ready != nil {
		return w.ready(init), nil
	}
	ids := make([]string, len(init.Agents))
	for i, a := range init.Agents {
		ids[i] = a.ID
	}
	return world.Ready{Observations: sees(0, ids...)}, nil
}

func (w *played) Step(_ context.Context, tick int, actions []world.Action) (world.Stepped, error) {
	text := make([]string, len(actions))
	for i, a := range actions {
		text[i] = a.Agent + "=" + string(a.JSON)
		if a.Failure != "" {
			text[i] += string(a.Failure)
		}
	}
	w.given = append(w.given, strings.Join(text, " "))
	if w.step != nil {
		return w.step(tick, actions)
	}
	return world.Stepped{Observations: again(tick, actions)}, nil
}

// sees gives each agent the observation {"t":tick}.
func sees(tick int, ids ...string) []world.Observation {
	list := make([]world.Observation, len(ids))
	for i, id := range ids {
		list[i] = world.Observation{Agent: id, JSON: fmt.Appendf(nil, `{"t":%d}`, tick)}
	}
	return list
}

// again observes those who acted, and did not end, once more.
func again(tick int, actions []world.Action) []world.Observation {
	var ids []string
	for _, a := range actions {
		if a.Failure != agent.Done {
			ids = append(ids, a.Agent)
		}
	}
	return sees(tick+1, ids...)
}

// planOf is a plan of agents of one entry, with the policies given.
func planOf(ticks int, policies map[agent.Failure]plan.Policy, ids ...string) *plan.Plan {
	p := &plan.Plan{
		Name: "test", Seed: 7, Clock: plan.Clock{Mode: "lockstep", Ticks: ticks},
		World:   plan.World{Kind: "played"},
		Entries: []plan.Entry{{ID: "test", Kind: "stdio", Policies: policies}},
	}
	for _, id := range ids {
		p.Agents = append(p.Agents, plan.Agent{ID: id, Config: []byte(`{}`)})
	}
	return p
}

// A trial is one run in memory.
type trial struct {
	cfg   Config
	fleet *scripted
	world *played
	log   *memory
}

func newTrial(t *testing.T, p *plan.Plan) *trial {
	tr := &trial{fleet: newFleet(t, 1), world: &played{}, log: &memory{}}
	tr.cfg = Config{Plan: p, World: tr.world, Fleet: tr.fleet, Log: tr.log, Run: "r1"}
	return tr
}

func (tr *trial) run(t *testing.T) Result {
	t.Helper()
	res, err := Lockstep(context.Background(), tr.cfg)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(tr.log.records); res.Ticks != n || n > 0 && res.Hash != tr.log.hashes[n-1] {
		t.Fatalf("result says %d ticks and hash %x; the log has %d", res.Ticks, res.Hash, n)
	}
	return res
}

// fault runs what must end with an error that says each of the words.
func (tr *trial) fault(t *testing.T, words ...string) error {
	t.Helper()
	_, err := Lockstep(context.Background(), tr.cfg)
	if err == nil {
		t.Fatalf("no error; want one that says %q", words)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
	return err
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want)
	if g != w {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}

// heard gives the messages and results part of the line that an agent was
// first asked with in a tick.
func (tr *trial) heard(t *testing.T, id string, tick int) string {
	t.Helper()
	for _, l := range tr.fleet.asked {
		head := fmt.Sprintf(`{"type":"observe","agent":%q,"tick":%d,`, id, tick)
		if strings.HasPrefix(l, head) {
			_, rest, _ := strings.Cut(l, `"messages":`)
			return string(bytes.TrimSuffix([]byte(rest), []byte("}\n")))
		}
	}
	return "not asked"
}
