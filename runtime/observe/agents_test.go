package observe

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// village is a plan of two who have processes of their own, two who share one, and
// rabbits that come.
func village() plan.Plan {
	p := plan.Plan{
		Name: "village", Clock: plan.Clock{Mode: plan.Lockstep},
		Entries: []plan.Entry{
			{ID: "{name}", Kind: "claude", Policies: map[agent.Failure]plan.Policy{
				agent.Refused: {Name: "substitute", Substitute: &plan.Substitute{Kind: "exec"}},
			}},
			{ID: "twin-{n}", Kind: "stdio", PerProcess: 2},
			{ID: "rabbit-{n}", Kind: "stdio", Max: 9},
		},
		Channels: []plan.Channel{
			{Name: "den", Patterns: []string{"rabbit-*"}},
			{Name: "square", Patterns: []string{"ann", "bob"}, Members: []string{"ann", "bob"}},
		},
		Processes: []plan.Process{{ID: "ann", Agents: []string{"ann"}}, {ID: "bob", Agents: []string{"bob"}}, {ID: "twin-p1", Entry: 1, Agents: []string{"twin-1", "twin-2"}}},
	}
	for _, id := range []string{"ann", "bob", "twin-1", "twin-2"} {
		p.Agents = append(p.Agents, plan.Agent{ID: id, Entry: len(id) / 5})
	}
	return p
}

// turn is one of an agent's that came to an action or, by a policy, to a failure.
func turn(id, action string, f agent.Failure, policy string) record.Turn {
	return record.Turn{Agent: id, Observation: []byte(`{"sees":"` + id + `"}`), Action: []byte(action), Failure: f, Policy: policy}
}

// lived is what has happened in the village.
func lived() []*record.Record {
	use := func(id string, dollars agent.USD, took time.Duration) record.Usage {
		return record.Usage{Agent: id, Attempt: 1, Usage: agent.Usage{Model: "m", Turns: 1, Input: 10, Output: 2, CacheRead: 3, USD: dollars * agent.Dollar, Took: took}}
	}
	began := record.Annex{Facts: []record.Fact{
		{Agent: "ann", Kind: "started"}, {Agent: "bob", Kind: "started"},
		{Agent: "twin-p1", Kind: "started"}, {Agent: "twin-p1", Kind: "parked"}, {Agent: "twin-p1", Kind: "started"}, // it comes back
	}}
	began.Usages = []record.Usage{use("ann", 1, time.Second)}
	return []*record.Record{
		{Turns: []record.Turn{turn("ann", `1`, "", ""), turn("bob", ``, agent.Deadline, "skip"), turn("twin-1", `2`, "", ""), turn("twin-2", `3`, "", "")},
			Scores: []record.Score{{Agent: "ann", Value: []byte("3")}, {Agent: "twin-2", Value: []byte("1.5")}}, Annex: began},
		{Tick: 1, Turns: []record.Turn{turn("ann", `1`, "", ""), turn("bob", `"noop"`, agent.Crash, "noop")},
			Added: []record.Added{{Agent: "rabbit-1", Config: []byte(`{}`)}}, Scores: []record.Score{{Agent: "ann", Value: []byte("7")}},
			Annex: record.Annex{Facts: []record.Fact{{Agent: "bob", Kind: "crashed"}, {Agent: "bob", Kind: "started"}, {Agent: "rabbit-1", Kind: "started"}},
				Usages: []record.Usage{use("ann", 2, 3*time.Second)}}},
		{Tick: 2, Turns: []record.Turn{turn("ann", `5`, agent.Refused, "substitute"), turn("bob", ``, agent.Deadline, "skip"), {Agent: "rabbit-1", Done: true, Action: []byte(`0`)}},
			Removed: []string{"twin-1"},
			Annex: record.Annex{Facts: []record.Fact{{Agent: "ann", Kind: "substituted"}, {Agent: "ann", Kind: "started"}},
				Usages: []record.Usage{use("bob", 1, 0)}}}, // billed, and not measured
	}
}

// wantVillage is how it goes for them all then.
const wantVillage = `[
{"agent":"ann","entry":"{name}","kind":"exec","process":"ann","turns":3,"failures":{"refused":1},"last":{"tick":2,"outcome":"refused"},"score":7,"usd":3,
 "tokens":{"input":20,"output":4,"cache_read":6,"cache_write":0},"latency_ms":{"last":3000,"mean":2000},"restarts":0,"ended":false},
{"agent":"bob","entry":"{name}","kind":"claude","process":"bob","turns":3,"failures":{"crash":1,"deadline":2},"last":{"tick":2,"outcome":"deadline"},"usd":1,
 "tokens":{"input":10,"output":2,"cache_read":3,"cache_write":0},"restarts":1,"ended":false},
{"agent":"rabbit-1","entry":"rabbit-{n}","kind":"stdio","process":"rabbit-1","turns":1,"failures":{},"last":{"tick":2,"outcome":"action"},"restarts":0,"ended":true},
{"agent":"twin-1","entry":"twin-{n}","kind":"stdio","process":"twin-p1","turns":1,"failures":{},"last":{"tick":0,"outcome":"action"},"restarts":0,"ended":true},
{"agent":"twin-2","entry":"twin-{n}","kind":"stdio","process":"twin-p1","turns":1,"failures":{},"last":{"tick":0,"outcome":"action"},"score":1.5,"restarts":0,"ended":false}]`

func sameJSON(t *testing.T, what, got, want string) {
	t.Helper()
	var a, b any
	if err := errors.Join(json.Unmarshal([]byte(got), &a), json.Unmarshal([]byte(want), &b)); err != nil {
		t.Fatalf("%s: %v\n%s", what, err, got)
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("%s: got\n%s\nwant\n%s", what, got, want)
	}
}

// The same is told of a run that was looked at from its start, one that is looked
// at late, one that is over, and one that was asked for at each tick.
func TestAgents(t *testing.T) {
	h, _ := open(t)
	at, _ := serveTCP(t, &Store{Data: h.data, Bus: h.bus, Live: h.live})
	at = at.as(Observe)
	for _, name := range []string{"early", "late", "over"} {
		h.runOf(name, village(), 0, name != "over")
		for _, r := range lived() {
			if name == "early" || name == "over" && r.Tick == 1 {
				at.is(t, "GET /v1/runs/"+name+"/agents?limit=1", 200, fmt.Sprintf(`"turns":%d,`, r.Tick))
			}
			h.commit(name, r)
		}
		res := at.ask(t, "GET /v1/runs/"+name+"/agents", "")
		sameJSON(t, name, res.body, `{"total":5,"agents":`+wantVillage+`}`)
	}
	agents := func(query string) string {
		res := at.ask(t, "GET /v1/runs/late/agents"+query, "")
		var c Cast
		if err := json.Unmarshal([]byte(res.body), &c); err != nil {
			t.Fatal(err)
		}
		ids := []string{fmt.Sprint(c.Total)}
		for _, a := range c.Agents {
			ids = append(ids, a.Agent)
		}
		return strings.Join(ids, " ")
	}
	for query, want := range map[string]string{
		"?sort=failures": "5 bob ann rabbit-1 twin-1 twin-2", "?sort=failures&limit=1&offset=1": "5 ann", "?offset=4": "5 twin-2", "?offset=9": "5", "?limit=0": "5",
		"?entry=twin-{n}": "2 twin-1 twin-2", "?entry=nobody": "0",
	} {
		if got := agents(query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	at.is(t, "GET /v1/runs/late/agents?sort=age", 400)
	at.is(t, "GET /v1/runs/late/agents?limit=10001", 400)
	at.is(t, "GET /v1/runs/late/agents/twin-2", 200, `"score":1.5`)
	at.is(t, "GET /v1/runs/late/agents/zoe", 404, "run late has no agent zoe")
	at.is(t, "GET /v1/runs/none/agents", 404, "no such run: none")
	at.is(t, "GET /v1/runs/late/plan", 200, `"name":"village"`)
}

// Who answers after somebody has asked about agents is told with how long that took.
func TestAgentsLatency(t *testing.T) {
	h, _ := open(t)
	at, _ := serveTCP(t, &Store{Data: h.data, Bus: h.bus, Live: h.live})
	at = at.as(Observe)
	h.runOf("r", village(), 0, true)
	h.live("r").Answered("bob", time.Hour) // nobody looks
	at.is(t, "GET /v1/runs/r/agents/bob", 200)
	h.live("r").Answered("bob", 10*time.Millisecond)
	h.live("r").Answered("zoe", time.Hour)
	h.live("r").Answered("bob", 20*time.Millisecond)
	at.is(t, "GET /v1/runs/r/agents/bob", 200, `"latency_ms":{"last":20,"mean":15}`)
}

// While a run is played, its agents' processes are told too.
func TestAgentsAtHome(t *testing.T) {
	h, _ := open(t)
	at, _ := serveTCP(t, &Store{Data: h.data, Bus: h.bus, Live: h.live})
	h.runOf("r", village(), 0, true)
	for _, r := range lived() {
		h.commit("r", r)
	}
	h.live("r").Hosted(func() []Process {
		return []Process{
			{ID: "ann-substitute", Agents: []string{"ann"}, State: "ready", PID: os.Getpid()},
			{ID: "bob", Agents: []string{"bob"}, State: "backoff"}, {ID: "twin-p1", Agents: []string{"twin-2"}, State: "parked"},
		}
	})
	at = at.as(Observe)
	at.is(t, "GET /v1/runs/r/agents/ann", 200, `"process":"ann-substitute","state":"ready","pid":`+fmt.Sprint(os.Getpid()), `"memory_bytes":`)
	at.is(t, "GET /v1/runs/r/agents/bob", 200, `"process":"bob","state":"backoff","turns":3`)
	at.is(t, "GET /v1/runs/r/agents/twin-1", 200, `"process":"twin-p1","turns":1`)
	at.is(t, "GET /v1/runs/r/agents/twin-2", 200, `"process":"twin-p1","state":"parked","turns":1`)
}

// A run that was removed, or whose log was repaired, is not told of by what it was.
func TestAgentsOfAnotherRun(t *testing.T) {
	h, c := open(t)
	s := &Store{Data: h.data, Bus: h.bus, Live: h.live}
	turns := func() int {
		t.Helper()
		a, err := s.Agent(t.Context(), "r", "ann")
		if err != nil {
			t.Fatal(err)
		}
		return a.Turns
	}
	h.runOf("r", village(), time.Hour, false)
	for _, r := range lived() {
		h.commit("r", r)
	}
	if n := turns(); n != 3 {
		t.Errorf("%d turns, want 3", n)
	}
	if err := c.Remove(t.Context(), "r", false); err != nil {
		t.Fatal(err)
	}
	h.runOf("r", village(), 0, false)
	h.commit("r", lived()[0])
	if n := turns(); n != 1 {
		t.Errorf("%d turns of another run of that name, want 1", n)
	}
	for i := range mostTallies + 1 {
		name := fmt.Sprint("other-", i)
		h.runOf(name, village(), 0, false)
		if _, err := s.Agents(t.Context(), name, Agents{}); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.kept) != mostTallies {
		t.Errorf("%d are kept, want %d", len(s.kept), mostTallies)
	}
	if n := turns(); n != 1 {
		t.Errorf("%d turns, read again; want 1", n)
	}
	for i, ticks := range []int{3, 1, 2, 2} { // each of another log than the one before
		h.relog("r")
		for _, r := range lived()[:ticks] {
			r.Events = [][]byte{fmt.Append(nil, i)}
			h.commit("r", r)
		}
		if n := turns(); n != ticks {
			t.Errorf("%d turns of another log, want %d", n, ticks)
		}
	}
}
