package record

import (
	"bytes"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/plan"

	"github.com/troupe-dev/troupe/runtime/tree"
)

// full is a record with something of everything.
func full() *Record {
	return &Record{
		Tick: 3,
		Turns: []Turn{
			{Agent: "a", Observation: []byte(`{"n":1}`), Action: []byte(`{"move":"C"}`)},
			{Agent: "b", Observation: []byte(`{"n":2}`), Failure: "deadline", Policy: "skip", Unsent: true},
		},
		Messages: []Message{{From: "a", To: "b", Body: []byte(`1`)}, {From: "a", Channel: "square", Body: []byte(`2`)}},
		Results:  []Result{{"a", []byte(`{"error":"no"}`)}},
		Scores:   []Score{{"a", []byte(`3`)}, {"b", []byte(`0`)}},
		Events:   [][]byte{[]byte(`"rain"`)},
		Columns:  []Column{{"wet", []byte(`1`)}},
		Added:    []Added{{"c", []byte(`{}`)}},
		Removed:  []string{"d"},
		Channels: []Channel{{"square", []string{"a", "b"}}},
		End:      EndDone,
	}
}

func TestCompare(t *testing.T) {
	if d := Compare(full(), full()); d != nil {
		t.Errorf("equal records differ: %s", d.Text("A", "B"))
	}
	for _, c := range []struct {
		change func(r *Record)
		want   string
	}{
		{func(r *Record) { r.Turns = r.Turns[:1] }, `tick 3, agent b, asked: A true, B nothing`},
		{func(r *Record) { r.Turns[0].Agent = "0" }, `tick 3, agent 0, asked: A nothing, B true`},
		{func(r *Record) { r.Turns[0].Observation = []byte(`{"n":7}`) }, `tick 3, agent a, observation: at byte 5: A {"n":1}, B {"n":7}`},
		{func(r *Record) { r.Turns[0].Action = []byte(`{"move":"D"}`) }, `tick 3, agent a, action: at byte 9: A {"move":"C"}, B {"move":"D"}`},
		{func(r *Record) { r.Turns[0].Action, r.Turns[0].Failure = nil, "crash" }, `tick 3, agent a, failure: A nothing, B crash`},
		{func(r *Record) { r.Turns[1].Failure = "crash" }, `tick 3, agent b, failure: at byte 0: A deadline, B crash`},
		{func(r *Record) { r.Turns[1].Policy = "noop" }, `tick 3, agent b, policy: at byte 0: A skip, B noop`},
		{func(r *Record) { r.Turns[0].Done = true }, `tick 3, agent a, done: A nothing, B true`},
		{func(r *Record) { r.Turns[1].Unsent = false }, `tick 3, agent b, unsent: A true, B nothing`},
		{func(r *Record) { r.Messages[1].Body = []byte(`3`) }, `tick 3, agent a, send: at byte 27: A …el":"square","body":2}, B …el":"square","body":3}`},
		{func(r *Record) { r.Messages = r.Messages[:1] }, `tick 3, agent a, send: A {"channel":"square","body":2}, B nothing`},
		{func(r *Record) { r.Messages[1].Fate = &Fate{} }, `tick 3, agent a, fate: A nothing, B {"copies":0}`},
		{func(r *Record) { r.Partitions = []Partition{{[][]string{{"a"}, {"b*"}}}} }, `tick 3, partition: A nothing, B [["a"],["b*"]]`},
		{func(r *Record) { r.Results = nil }, `tick 3, agent a, result: A {"error":"no"}, B nothing`},
		{func(r *Record) { r.Scores[1].Value = []byte(`1`) }, `tick 3, agent b, score: at byte 0: A 0, B 1`},
		{func(r *Record) { r.Columns[0].Value = []byte(`2`) }, `tick 3, column wet: at byte 0: A 1, B 2`},
		{func(r *Record) { r.Columns = nil }, `tick 3, column wet: A 1, B nothing`},
		{func(r *Record) { r.Events = append(r.Events, []byte(`0`)) }, `tick 3, event: A nothing, B 0`},
		{func(r *Record) { r.Added[0].Config = []byte(`{"x":1}`) }, `tick 3, added: at byte 20: A {"id":"c","config":{}}, B {"id":"c","config":{"x":1}}`},
		{func(r *Record) { r.Removed = nil }, `tick 3, removed: A d, B nothing`},
		{func(r *Record) { r.Channels[0].Members = []string{"a"} }, `tick 3, channel square: at byte 15: A {"members":["a","b"]}, B {"members":["a"]}`},
		{func(r *Record) { r.Turns[0].Early = 1 }, `tick 3, agent a, early: A nothing, B 1`},
		{func(r *Record) { r.Commits = []tree.Commit{{Number: 1, Author: "a"}} }, `tick 3, agent a, commit: A nothing, B {"number":1,"position":0,"files":[]}`},
		{func(r *Record) { r.Leases = []tree.Step{{Agent: "a", What: "waits", Ticket: 1}} }, `tick 3, lease: A nothing, B {"agent":"a","position":0,"lease":"waits","paths":[],"ticket":1}`},
		{func(r *Record) { r.End = EndTicks }, `tick 3, end: at byte 0: A done, B ticks`},
	} {
		b := full()
		c.change(b)
		d := Compare(full(), b)
		if d == nil {
			t.Errorf("no difference; want %s", c.want)
			continue
		}
		if got := d.Text("A", "B"); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// TestCompareFindsWhatTheHashFinds compares records at random.
func TestCompareFindsWhatTheHashFinds(t *testing.T) {
	for seed := range uint64(300) {
		m := newMaker(seed)
		a, b := m.record(3), newMaker(seed).record(3)
		if d := Compare(a, b); d != nil {
			t.Fatalf("seed %d: equal records differ: %s", seed, d.Text("A", "B"))
		}
		other := newMaker(seed + 1000).record(3)
		equal := bytes.Equal(appendHashed(nil, a), appendHashed(nil, other))
		if d := Compare(a, other); (d == nil) != equal {
			t.Errorf("seed %d: equal is %t, the difference %v", seed, equal, d)
		}
	}
}

func TestExcerpts(t *testing.T) {
	long := strings.Repeat("x", 200)
	d := NewDifference(0, "a", "action", []byte(long+"é1"+long), []byte(long+"é2"+long))
	half := strings.Repeat("x", 18)
	if got, want := d.ExcerptA(), "…"+half+"é1"+strings.Repeat("x", 99)+"…"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if d := NewDifference(0, "", "score", []byte(`1`), []byte(`1`)); d != nil {
		t.Errorf("equal values differ: %+v", d)
	}
}

func TestComparePlans(t *testing.T) {
	base := func() *plan.Plan {
		return &plan.Plan{
			Seed: 5, World: plan.World{Kind: "conversation", Config: []byte(`{"rounds":3}`)},
			Agents:   []plan.Agent{{ID: "a", Config: []byte(`{}`)}, {ID: "b", Config: []byte(`{"x":1}`)}},
			Channels: []plan.Channel{{Name: "square", Patterns: []string{"*"}}},
		}
	}
	if d := ComparePlans(base(), base()); d != nil {
		t.Errorf("equal plans differ: %s", d.Text("A", "B"))
	}
	for _, c := range []struct {
		change func(p *plan.Plan)
		want   string
	}{
		{func(p *plan.Plan) { p.Seed = 6 }, `before the first tick, seed: at byte 0: A 5, B 6`},
		{func(p *plan.Plan) { p.World.Program = &plan.Program{} }, `before the first tick, world: at byte 0: A conversation, B process`},
		{func(p *plan.Plan) { p.World.Config = []byte(`{"rounds":4}`) }, `before the first tick, world's config: at byte 10: A {"rounds":3}, B {"rounds":4}`},
		{func(p *plan.Plan) { p.Channels = nil }, `before the first tick, channel square: A {"members":["*"]}, B nothing`},
		{func(p *plan.Plan) { p.Agents[1].Config = []byte(`{"x":2}`) }, `before the first tick, agent b, config: at byte 5: A {"x":1}, B {"x":2}`},
		{func(p *plan.Plan) { p.Agents = p.Agents[:1] }, `before the first tick, agent b, config: A {"x":1}, B nothing`},
	} {
		b := base()
		c.change(b)
		if d := ComparePlans(base(), b); d == nil || d.Text("A", "B") != c.want {
			t.Errorf("got %v, want %s", d, c.want)
		}
		if base().Genesis() == b.Genesis() {
			t.Errorf("the genesis is the same: %s", c.want)
		}
	}
}

func TestDiff(t *testing.T) {
	log := func(ticks int, changed int) *Log {
		l := Create(newMemory(), genesis)
		for n := range ticks {
			r := full()
			r.Tick, r.End = n, NotEnded
			if n == changed {
				r.Scores[0].Value = []byte(`4`)
			}
			if _, err := l.Append(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		return l
	}
	for _, c := range []struct {
		a, b *Log
		same int
		want string
	}{
		{log(5, -1), log(5, -1), 5, ""},
		{log(0, -1), log(0, -1), 0, ""},
		{log(5, 3), log(5, -1), 3, "tick 3, agent a, score: at byte 0: A 4, B 3"},
		{log(5, 3), log(3, -1), 3, "tick 3, played: A true, B nothing"},
		{log(3, -1), log(5, 4), 3, "tick 3, played: A nothing, B true"},
	} {
		same, d, err := Diff(t.Context(), c.a, c.b, &plan.Plan{}, &plan.Plan{})
		got := ""
		if d != nil {
			got = d.Text("A", "B")
		}
		if err != nil || same != c.same || got != c.want {
			t.Errorf("same %d, %q, error %v; want %d, %q", same, got, err, c.same, c.want)
		}
	}
	s := newMemory()
	broken := Create(s, genesis)
	r := full()
	r.Tick = 0
	if _, err := broken.Append(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	s.entries[0][20] ^= 1
	if _, _, err := Diff(t.Context(), log(1, -1), broken, &plan.Plan{}, &plan.Plan{}); err == nil || !strings.Contains(err.Error(), "the second: the log is broken from its start") {
		t.Errorf("error is %v", err)
	}
}
