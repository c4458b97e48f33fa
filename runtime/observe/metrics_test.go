package observe

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// market has two agents of their own, two in one process, and an entry that
// the world adds to.
func market() *plan.Plan {
	return &plan.Plan{
		Name: "market", Seed: 7,
		Entries: []plan.Entry{
			{ID: "{name}", Kind: "stdio", Policies: map[agent.Failure]plan.Policy{
				agent.Crash: {Name: "substitute", Substitute: &plan.Substitute{Kind: "exec"}},
			}},
			{ID: "cell-{n}", Kind: "stdio", PerProcess: 2, Item: 1},
			{ID: "rabbit-{n}", Kind: "stdio", Max: 1000, Item: 2},
		},
		Agents: []plan.Agent{
			{ID: "ann"}, {ID: "bob"}, {ID: "cell-1", Entry: 1}, {ID: "cell-2", Entry: 1}, {ID: "rabbit-1", Entry: 2},
		},
		Processes: []plan.Process{
			{ID: "ann", Agents: []string{"ann"}}, {ID: "bob", Agents: []string{"bob"}},
			{ID: "cell-p1", Entry: 1, Agents: []string{"cell-1", "cell-2"}},
			{ID: "rabbit-1", Entry: 2, Agents: []string{"rabbit-1"}},
		},
	}
}

// measured makes the metrics of a run whose processes are not on this system.
func measured(p *plan.Plan, processes ...Process) (*Metrics, *RunMetrics) {
	m := NewMetrics("v1", "go1")
	return m, m.Run(MeasuredRun{Name: "r1", Plan: p, Isolation: "uid+landlock", States: []string{"down", "ready"}, Processes: func() []Process { return processes }})
}

// series are a family as it is shown, less its help, which is for people.
func series(t *testing.T, m *Metrics, name string) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	var lines []string
	for line := range strings.Lines(w.Body.String()) {
		of, _, _ := strings.Cut(line, "{")
		of, _, _ = strings.Cut(of, " ")
		for _, suffix := range []string{"", "_bucket", "_sum", "_count"} {
			if of == name+suffix {
				lines = append(lines, strings.TrimSpace(line))
			}
		}
	}
	return strings.Join(lines, "\n")
}

func isSeries(t *testing.T, m *Metrics, name string, want ...string) {
	t.Helper()
	if got := series(t, m, name); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestAllIsThereBeforeTheFirstTick(t *testing.T) {
	m, _ := measured(market())
	for name, want := range map[string]int{
		"troupe_build_info": 1, "troupe_run_info": 1, "troupe_ticks_total": 1, "troupe_timed_outcomes_total": 1,
		"troupe_tick_duration_seconds":  4,
		"troupe_outcomes_total":         1 + len(agent.Failures),
		"troupe_failures_total":         3 * len(agent.Failures),
		"troupe_restarts_total":         4,
		"troupe_survivors_killed_total": 4,
		"troupe_messages_total":         3,
		"troupe_action_latency_seconds": 2, // stdio, and exec, which may stand in
		"troupe_model_tokens_total":     4, "troupe_model_cost_usd_total": 1, "troupe_model_turn_duration_seconds": 1,
		"troupe_agents": 2, "troupe_run_state": 8, "troupe_run_last_tick_timestamp_seconds": 1, "troupe_run_deadline_seconds": 1,
		"troupe_run_planned_ticks": 1, "troupe_turns_total": 3, "troupe_record_bytes_total": 1,
		"troupe_gateway_requests_total": 2, "troupe_gateway_retries_total": 2,
	} {
		got, err := testutil.GatherAndCount(m, name)
		if err != nil || got != want {
			t.Errorf("%s: %d series, want %d (%v)", name, got, want, err)
		}
	}
	isSeries(t, m, "troupe_run_info", `troupe_run_info{clock="lockstep",isolation="uid+landlock",run="r1",scenario="market",seed="7"} 1`)
	isSeries(t, m, "troupe_build_info", `troupe_build_info{go_version="go1",version="v1"} 1`)
	isSeries(t, m, "troupe_restarts_total",
		`troupe_restarts_total{process="ann",run="r1"} 0`, `troupe_restarts_total{process="bob",run="r1"} 0`,
		`troupe_restarts_total{process="cell-p1",run="r1"} 0`, `troupe_restarts_total{process="rabbit-{n}",run="r1"} 0`)
}

// A busy record has something of everything.
func busy() *record.Record {
	fact := func(who, what string) record.Fact { return record.Fact{Agent: who, Kind: what} }
	quick, slow := record.Latency{Kind: "stdio"}, record.Latency{Kind: "exec"}
	quick.Add(200 * time.Microsecond)
	quick.Add(20 * time.Millisecond)
	slow.Add(time.Hour)
	return &record.Record{
		Turns: []record.Turn{
			{Agent: "ann"}, {Agent: "bob", Failure: agent.Deadline}, {Agent: "cell-1"},
			{Agent: "rabbit-1", Failure: agent.Crash}, {Agent: "rabbit-77", Failure: agent.Crash},
		},
		Messages: []record.Message{{To: "bob"}, {To: "zoe"}, {Channel: "square"}, {Channel: "square"}, {Channel: "moon"}},
		Results: []record.Result{
			{JSON: []byte(`{"type":"send","tick":0,"position":1,"to":"zoe","error":"no such agent"}`)},
			{JSON: []byte(`{"type":"send","tick":0,"position":4,"channel":"moon","error":"no such channel"}`)},
			{JSON: []byte(`{"type":"lease"}`)},
		},
		Annex: record.Annex{
			Timed:   1,
			Elapsed: record.Elapsed{Ask: 20 * time.Millisecond, Observe: 5 * time.Millisecond, Step: time.Millisecond},
			Answers: []record.Latency{quick, slow},
			Facts: []record.Fact{
				fact("ann", "started"), fact("bob", "started"), fact("cell-p1", "started"), fact("rabbit-77", "started"),
				fact("ann", "crashed"), fact("ann", "started"), fact("cell-p1", "started"), fact("rabbit-77", "started"),
				{Agent: "rabbit-77", Kind: "swept", Detail: "12 processes that it left behind were killed"}, {Agent: "rabbit-1", Kind: "swept", Detail: "3 more"},
				fact("bob", "crashed"), fact("bob", "started"), fact("bob", "substituted"), fact("bob", "stopped"), // the last start is the substitute's
			},
			Usages: []record.Usage{
				{Agent: "ann", Usage: agent.Usage{Model: "m", Input: 10, Output: 20, CacheRead: 30, CacheWrite: 40, USD: agent.Dollar / 2, Took: 3 * time.Second}},
				{Agent: "ann", Attempt: 2, Usage: agent.Usage{Model: "m", Input: 1, Output: -5, USD: -agent.Dollar}},
			},
		},
	}
}

func TestCommitted(t *testing.T) {
	m, r := measured(market())
	r.Committed(busy())
	isSeries(t, m, "troupe_ticks_total", `troupe_ticks_total{run="r1"} 1`)
	isSeries(t, m, "troupe_timed_outcomes_total", `troupe_timed_outcomes_total{run="r1"} 1`)
	for _, want := range []string{
		`troupe_outcomes_total{run="r1",type="action"} 2`,
		`troupe_outcomes_total{run="r1",type="deadline"} 1`,
		`troupe_outcomes_total{run="r1",type="crash"} 2`,
		`troupe_outcomes_total{run="r1",type="limit"} 0`,
		`troupe_failures_total{entry="{name}",run="r1",type="deadline"} 1`,
		`troupe_failures_total{entry="rabbit-{n}",run="r1",type="crash"} 2`,
		`troupe_failures_total{entry="cell-{n}",run="r1",type="crash"} 0`,
		`troupe_action_latency_seconds_bucket{kind="stdio",run="r1",le="0.0001"} 0`,
		`troupe_action_latency_seconds_bucket{kind="stdio",run="r1",le="0.00025"} 1`,
		`troupe_action_latency_seconds_bucket{kind="stdio",run="r1",le="0.025"} 2`,
		`troupe_action_latency_seconds_bucket{kind="exec",run="r1",le="300"} 0`,
		`troupe_action_latency_seconds_bucket{kind="exec",run="r1",le="+Inf"} 1`,
		`troupe_action_latency_seconds_sum{kind="exec",run="r1"} 3600`,
		`troupe_tick_duration_seconds_sum{phase="observe",run="r1"} 0.005`,
		`troupe_tick_duration_seconds_sum{phase="act",run="r1"} 0.015`,
		`troupe_turns_total{entry="{name}",run="r1"} 2`,
		`troupe_turns_total{entry="cell-{n}",run="r1"} 1`,
		`troupe_turns_total{entry="rabbit-{n}",run="r1"} 2`,
		`gen_ai_client_token_usage_sum{gen_ai_operation_name="invoke_agent",gen_ai_provider_name="_OTHER",gen_ai_request_model="m",gen_ai_token_type="input",run="r1"} 81`,
		`gen_ai_client_operation_duration_seconds_sum{error_type="",gen_ai_operation_name="invoke_agent",gen_ai_provider_name="_OTHER",gen_ai_request_model="m",run="r1"} 3`,
		`troupe_tick_duration_seconds_count{phase="step",run="r1"} 1`,
		`troupe_tick_duration_seconds_count{phase="commit",run="r1"} 0`,
		`troupe_model_turn_duration_seconds_count{model="m",run="r1"} 1`, // of the two nobody measured one
		`gen_ai_client_operation_duration_seconds_count{error_type="",gen_ai_operation_name="invoke_agent",gen_ai_provider_name="_OTHER",gen_ai_request_model="m",run="r1"} 1`,
		`troupe_model_turn_duration_seconds_sum{model="m",run="r1"} 3`,
	} {
		name, _, _ := strings.Cut(want, "{")
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			name = strings.TrimSuffix(name, suffix)
		}
		if got := series(t, m, name); !strings.Contains(got+"\n", want+"\n") {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	isSeries(t, m, "troupe_messages_total",
		`troupe_messages_total{kind="channel",run="r1"} 2`, `troupe_messages_total{kind="direct",run="r1"} 1`,
		`troupe_messages_total{kind="undelivered",run="r1"} 2`)
	isSeries(t, m, "troupe_survivors_killed_total",
		`troupe_survivors_killed_total{process="ann",run="r1"} 0`, `troupe_survivors_killed_total{process="bob",run="r1"} 0`,
		`troupe_survivors_killed_total{process="cell-p1",run="r1"} 0`, `troupe_survivors_killed_total{process="rabbit-{n}",run="r1"} 15`)
	isSeries(t, m, "troupe_restarts_total",
		`troupe_restarts_total{process="ann",run="r1"} 1`, `troupe_restarts_total{process="bob",run="r1"} 0`,
		`troupe_restarts_total{process="cell-p1",run="r1"} 1`, `troupe_restarts_total{process="rabbit-{n}",run="r1"} 1`)
	isSeries(t, m, "troupe_model_cost_usd_total",
		`troupe_model_cost_usd_total{agent="",model="",run="r1"} 0`, `troupe_model_cost_usd_total{agent="ann",model="m",run="r1"} 0.5`)
	if got := series(t, m, "troupe_model_tokens_total"); !strings.Contains(got, `{agent="ann",model="m",run="r1",type="input"} 11`) ||
		!strings.Contains(got, `type="output"} 20`) || !strings.Contains(got, `type="cache_read"} 30`) || !strings.Contains(got, `type="cache_write"} 40`) {
		t.Error(got)
	}
	later := busy()
	later.Annex.Elapsed.Commit = time.Second
	r.Committed(later)
	if got := series(t, m, "troupe_tick_duration_seconds"); !strings.Contains(got, `_count{phase="commit",run="r1"} 1`) {
		t.Error(got)
	}
}

// A process that comes back from where it was parked has not been restarted, in
// whichever records the two are; one that crashes as it comes back has.
func TestComingBackIsNoRestart(t *testing.T) {
	m, r := measured(market())
	life := func(kinds ...string) {
		rec := &record.Record{}
		for _, kind := range kinds {
			rec.Annex.Facts = append(rec.Annex.Facts, record.Fact{Agent: "ann", Kind: kind})
		}
		r.Committed(rec)
	}
	life("started", "parked")
	life("started", "parked", "started")
	life("parked")
	life("started", "crashed", "started")
	isSeries(t, m, "troupe_restarts_total",
		`troupe_restarts_total{process="ann",run="r1"} 1`, `troupe_restarts_total{process="bob",run="r1"} 0`,
		`troupe_restarts_total{process="cell-p1",run="r1"} 0`, `troupe_restarts_total{process="rabbit-{n}",run="r1"} 0`)
}

// Linters of metrics have nothing to say.
func TestLint(t *testing.T) {
	m, r := measured(market())
	r.Committed(busy())
	problems, err := testutil.GatherAndLint(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// Scrapes may come at any time, side by side.
func TestScrapesWhileCommitting(t *testing.T) {
	m, r := measured(market(), Process{ID: "ann", Agents: []string{"ann"}, State: "ready", PID: 1})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				if _, err := m.Gather(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 200 {
		r.Committed(busy())
	}
	wg.Wait()
	isSeries(t, m, "troupe_ticks_total", `troupe_ticks_total{run="r1"} 200`)
}

// The loop waits for Committed: turns that went well cost it next to nothing.
func TestCommittedAllocatesNothing(t *testing.T) {
	_, r := measured(market())
	rec := busy()
	rec.Annex.Usages, rec.Annex.Facts = nil, nil
	rec.Turns = make([]record.Turn, 10_000)
	if n := testing.AllocsPerRun(10, func() { r.Committed(rec) }); n > 0 {
		t.Errorf("a tick makes %v allocations", n)
	}
}

// Of the processes that have one label, the one that is nearest to its limit
// counts.
func TestUseOfLimits(t *testing.T) {
	m := NewMetrics("v1", "go1")
	m.Run(MeasuredRun{Name: "r1", Plan: market(), Processes: func() []Process { return nil }, Limits: func() []Use {
		return []Use{
			{Process: "ann", Limit: "memory", Share: 0.25}, {Process: "cell-p1", Limit: "wall", Share: 1},
			{Process: "rabbit-1", Limit: "memory", Share: 0.75}, {Process: "rabbit-9", Limit: "memory", Share: 0.5},
		}
	}})
	isSeries(t, m, "troupe_limit_used_ratio",
		`troupe_limit_used_ratio{limit="memory",process="ann",run="r1"} 0.25`,
		`troupe_limit_used_ratio{limit="memory",process="rabbit-{n}",run="r1"} 0.75`,
		`troupe_limit_used_ratio{limit="wall",process="cell-p1",run="r1"} 1`)
}

// BenchmarkCommitted is what a tick of many agents waits for.
func BenchmarkCommitted(b *testing.B) {
	p := &plan.Plan{Name: "crowd", Entries: []plan.Entry{{ID: "cell-{n}", Kind: "stdio"}}}
	rec := &record.Record{}
	for n := range 10_000 {
		id := fmt.Sprint("cell-", n)
		p.Agents = append(p.Agents, plan.Agent{ID: id})
		rec.Turns = append(rec.Turns, record.Turn{Agent: id})
	}
	_, r := measured(p)
	b.ReportAllocs()
	for b.Loop() {
		r.Committed(rec)
	}
}
