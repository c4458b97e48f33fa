package observe

import (
	"bytes"
	"fmt"
	"math"
	"net/http/httptest"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	"github.com/troupe-dev/troupe/bus"
	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// What /metrics is at most, for one run of whatever size; the README says so.
const (
	mostSeries = 10_000
	mostBytes  = 1 << 20
)

// crowd is a plan of agents in so many entries, each with a process of its own.
func crowd(agents, entries int) *plan.Plan {
	p := &plan.Plan{Name: "crowd"}
	for n := range entries {
		p.Entries = append(p.Entries, plan.Entry{ID: fmt.Sprintf("cell-%d-{n}", n), Kind: "stdio", Item: n})
	}
	for n := range agents {
		e := n % entries
		id := fmt.Sprintf("cell-%d-%d", e, n)
		p.Agents = append(p.Agents, plan.Agent{ID: id, Entry: e})
		p.Processes = append(p.Processes, plan.Process{ID: id, Entry: e, Agents: []string{id}})
	}
	return p
}

// troubled is a record in which each agent crashes and uses a model of its own.
func troubled(p *plan.Plan) *record.Record {
	rec := &record.Record{}
	for i, a := range p.Agents {
		f := agent.Failures[i%len(agent.Failures)]
		rec.Turns = append(rec.Turns, record.Turn{Agent: a.ID, Failure: f})
		rec.Annex.Facts = append(rec.Annex.Facts, record.Fact{Agent: a.ID, Kind: "started"}, record.Fact{Agent: a.ID, Kind: "started"})
		for m := range 3 {
			rec.Annex.Usages = append(rec.Annex.Usages, record.Usage{Agent: a.ID, Usage: agent.Usage{
				Model: fmt.Sprintf("model-%d-of-%s", m, a.ID), Input: 1, Output: 1, Took: time.Second,
			}})
		}
	}
	return rec
}

// scraped counts what a scrape in the text format has.
func scraped(t *testing.T, m *Metrics) (series, size int) {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for line := range bytes.Lines(w.Body.Bytes()) {
		if line[0] != '#' {
			series++
		}
	}
	return series, w.Body.Len()
}

// However many agents, entries, processes, models and budgets there are, and whatever
// happens to them, series are few.
func TestMetricsAreBounded(t *testing.T) {
	for name, p := range map[string]*plan.Plan{
		"100,000 agents of one entry": crowd(100_000, 1), "100,000 entries": crowd(100_000, 100_000),
		"as many as have names": crowd(mostNamed, mostNamed), "one more": crowd(mostNamed+1, mostNamed+1),
	} {
		t.Run(name, func(t *testing.T) {
			var processes []Process
			var uses []Use
			for _, x := range p.Processes {
				processes = append(processes, Process{ID: x.ID, Agents: x.Agents, State: "ready", PID: 1 << 30})
				for _, limit := range []string{"memory", "cpu", "wall", "processes", "disk"} {
					uses = append(uses, Use{Process: x.ID, Limit: limit, Share: 0.5})
				}
			}
			var budgets []Budget
			for n := range 1000 {
				budgets = append(budgets, Budget{Name: fmt.Sprint("gateway.budgets.", n), USD: 1})
			}
			budgets = append(budgets, Budget{Name: runBudget, USD: 1})
			m := NewMetrics("v1", "go1")
			r := m.Run(MeasuredRun{
				Name: "r1", Plan: p, States: []string{"down", "ready"}, Processes: func() []Process { return processes },
				Limits: func() []Use { return uses }, Budgets: func() []Budget { return budgets },
			})
			rec := troubled(p)
			for range 2 {
				r.Committed(rec)
			}
			for n := range 1200 {
				r.Requested(&Request{API: "openai", By: "upstream", Model: fmt.Sprint("m", n), Status: n, Input: 1, Output: 1, Took: 1})
			}
			series, size := scraped(t, m)
			t.Logf("%d series, %d bytes", series, size)
			if !slices.ContainsFunc(family(t, m, "troupe_budget_left_usd"), func(x *dto.Metric) bool { return x.GetLabel()[0].GetValue() == runBudget }) {
				t.Error("the run's own budget is not among those that are shown")
			}
			if series > mostSeries || size > mostBytes {
				t.Errorf("%d series, %d bytes; at most %d and %d", series, size, mostSeries, mostBytes)
			}
		})
	}
}

// The sums are all there, whatever labels they go by.
func TestAggregatesOfManyAgents(t *testing.T) {
	p := crowd(1000, 500)
	m, r := measured(p)
	r.Committed(troubled(p))
	for name, want := range map[string]float64{"troupe_turns_total": 1000, "troupe_failures_total": 1000, "troupe_restarts_total": 1000, "troupe_model_tokens_total": 6000} {
		if got := sum(t, m, name); got != want {
			t.Errorf("%s: %v in all, want %v", name, got, want)
		}
	}
}

func family(t *testing.T, g prometheus.Gatherer, name string) []*dto.Metric {
	t.Helper()
	all, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if f.GetName() == name {
			return f.GetMetric()
		}
	}
	return nil
}

func sum(t *testing.T, g prometheus.Gatherer, name string) (all float64) {
	for _, m := range family(t, g, name) {
		all += m.GetCounter().GetValue() + m.GetGauge().GetValue()
	}
	return all
}

// Runs that are over are shown for a while and then forgotten, and with them all that
// they were made of.
func TestRunsGo(t *testing.T) {
	m := NewMetrics("v1", "go1")
	stays := m.Run(MeasuredRun{Name: "stays", Plan: market()})
	freed := make(chan struct{}, 1)
	for n := range mostOver + 5 {
		p := market()
		if n == mostOver {
			goruntime.AddCleanup(p, func(c chan struct{}) { c <- struct{}{} }, freed)
		}
		r := m.Run(MeasuredRun{
			Name: fmt.Sprint("r", n), Plan: p, States: []string{"ready"}, Processes: func() []Process { return []Process{{ID: p.Name, State: "ready", Agents: []string{"ann"}}} },
			Written: func() int64 { return int64(p.Seed) }, Budgets: func() []Budget { return []Budget{{Name: p.Name, USD: 5, Spent: 2}} },
		})
		r.State(Running)
		r.Committed(busy())
		r.Over(Finished)
		r.Over(Finished) // is no harm
	}
	runs := func() int { return len(family(t, m, "troupe_run_info")) }
	if got := runs(); got != mostOver+1 {
		t.Errorf("%d runs are shown, want %d", got, mostOver+1)
	}
	isSeries(t, m, "troupe_budget_left_usd", lines(5, mostOver+5, `troupe_budget_left_usd{budget="market",run="r%d"} 3`)...)
	if got := sum(t, m, "troupe_record_bytes_total"); got != 7*mostOver {
		t.Errorf("%v bytes of records are shown", got)
	}
	if got := sum(t, m, "troupe_agents"); got != 0 {
		t.Errorf("%v agents are alive in runs that are over", got)
	}
	if got := sum(t, m, "troupe_run_state"); got != mostOver+1 {
		t.Errorf("runs are in %v states", got)
	}
	for gone := false; !gone; { // its plan, though the run is shown
		goruntime.GC()
		select {
		case <-freed:
			gone = true
		case <-time.After(time.Millisecond):
		}
	}
	again := m.Run(MeasuredRun{Name: "r20", Plan: market()}) // it is resumed
	if got := runs(); got != mostOver+1 {
		t.Errorf("%d runs are shown once one goes on", got)
	}
	for n := 30; n < 30+mostOver; n++ {
		m.Run(MeasuredRun{Name: fmt.Sprint("r", n), Plan: market()}).Over(Interrupted)
	}
	if got := runs(); got != mostOver+2 {
		t.Errorf("%d runs are shown, two of which go on", got)
	}
	for n := range 100 {
		m.Forget(fmt.Sprint("r", n))
	}
	again.Over(Finished) // it is removed already
	stays.Committed(busy())
	isSeries(t, m, "troupe_ticks_total", `troupe_ticks_total{run="stays"} 1`)
}

func lines(from, to int, format string) (all []string) {
	var byName []string
	for n := from; n < to; n++ {
		byName = append(byName, fmt.Sprintf(format, n))
	}
	for _, first := range []func(s int) bool{func(n int) bool { return n >= 10 && n < 20 }, func(n int) bool { return n >= 20 }, func(n int) bool { return n < 10 }} {
		for i, line := range byName {
			if first(from + i) {
				all = append(all, line)
			}
		}
	}
	return all
}

// Native histograms hold what the classic ones do, in narrower buckets.
func TestNativeHistograms(t *testing.T) {
	m, r := measured(market())
	rec := busy()
	rec.Annex.Elapsed.Commit = time.Millisecond
	r.Committed(rec)
	stored := busy()
	for i := range stored.Annex.Answers {
		stored.Annex.Answers[i].Fine = record.Latency{}.Fine // a record that was read
	}
	r.Committed(stored)
	r.Requested(&Request{API: "openai", By: "upstream", Model: "m", Status: 200, Input: 5, Output: 1, Took: time.Second})
	for _, name := range []string{
		"troupe_tick_duration_seconds", "troupe_action_latency_seconds", "troupe_model_turn_duration_seconds",
		"gen_ai_client_token_usage", "gen_ai_client_operation_duration_seconds",
	} {
		all := family(t, m, name)
		if len(all) == 0 {
			t.Errorf("there is no %s", name)
		}
		for _, x := range all {
			h := x.GetHistogram()
			native, now := int64(h.GetZeroCount()), int64(0)
			for _, d := range h.GetPositiveDelta() {
				now += d
				native += now
			}
			if h.GetSchema() != 3 || native != int64(h.GetSampleCount()) || len(h.GetBucket()) == 0 {
				t.Errorf("%s: schema %d, %d natively of %d, %d classic buckets", name, h.GetSchema(), native, h.GetSampleCount(), len(h.GetBucket()))
			}
		}
	}
}

// Requests to models are counted by who answered, and their tokens by OpenTelemetry's
// names.
func TestRequests(t *testing.T) {
	p := market()
	p.Entries[0].Gateway = []string{"anthropic"}
	m, r := measured(p)
	r.Committed(busy()) // a turn of a tool whose requests go by the gateway: they are counted there
	if got := family(t, m, "gen_ai_client_token_usage"); len(got) > 0 {
		t.Errorf("turns are counted beside requests: %v", got)
	}
	r.Requested(&Request{API: "anthropic", By: "upstream", Model: "m", Status: 200, Input: 1000, Output: 20, Took: 3 * time.Second})
	r.Requested(&Request{API: "anthropic", By: "upstream", Model: "m", Status: 529, Took: time.Second})
	r.Requested(&Request{API: "anthropic", By: "record", Model: "m", Status: 200})
	r.Requested(&Request{API: "anthropic", By: "gateway", Status: 403})
	r.Requested(&Request{API: "openai", By: "gateway"})
	r.Requested(&Request{API: "openai", By: "upstream", Model: "\xff", Status: 999, Took: 1})
	r.Retried("openai")
	isSeries(t, m, "troupe_gateway_requests_total",
		`troupe_gateway_requests_total{api="anthropic",by="gateway",run="r1",status="403"} 1`,
		`troupe_gateway_requests_total{api="anthropic",by="record",run="r1",status="200"} 1`,
		`troupe_gateway_requests_total{api="anthropic",by="upstream",run="r1",status="200"} 1`,
		`troupe_gateway_requests_total{api="anthropic",by="upstream",run="r1",status="529"} 1`,
		`troupe_gateway_requests_total{api="openai",by="gateway",run="r1",status="none"} 1`,
		`troupe_gateway_requests_total{api="openai",by="upstream",run="r1",status="200"} 0`,
		`troupe_gateway_requests_total{api="openai",by="upstream",run="r1",status="other"} 1`)
	isSeries(t, m, "troupe_gateway_retries_total",
		`troupe_gateway_retries_total{api="anthropic",run="r1"} 0`, `troupe_gateway_retries_total{api="openai",run="r1"} 1`)
	got := map[string]float64{}
	for _, x := range family(t, m, "gen_ai_client_token_usage") {
		got[fmt.Sprint(x.GetLabel()[0].GetValue(), x.GetLabel()[2].GetValue(), x.GetLabel()[3].GetValue())] = x.GetHistogram().GetSampleSum()
	}
	if want := map[string]float64{"chatminput": 1000, "chatmoutput": 20}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("tokens %v, want %v", got, want)
	}
	ended := map[string]float64{}
	for _, x := range family(t, m, "gen_ai_client_operation_duration_seconds") {
		labels := map[string]string{}
		for _, l := range x.GetLabel() {
			labels[l.GetName()] = l.GetValue()
		}
		ended[labels["gen_ai_request_model"]+labels["error_type"]] = x.GetHistogram().GetSampleSum()
	}
	if want := map[string]float64{"m": 3, "m529": 1, "\uFFFDother": 1e-9}; fmt.Sprint(ended) != fmt.Sprint(want) {
		t.Errorf("durations %v, want %v", ended, want)
	}
}

// What is left of the run's own budget follows the record, where there is no gateway;
// below a bound nothing is shown. A run that goes on has spent and done what it had.
func TestBudgetOfTheRun(t *testing.T) {
	p := market()
	m, r := measured(p)
	isSeries(t, m, "troupe_budget_left_usd")
	r.Over(Failed)
	p.Limits.USD = 10 * agent.Dollar
	m = NewMetrics("v1", "go1")
	r = m.Run(MeasuredRun{Name: "r1", Plan: p, Past: &record.Summary{Ticks: 7, Timed: 2, Outcomes: map[string]int{record.Acted: 30, "deadline": 2, "novel": 1}, Usage: agent.Usage{USD: 3 * agent.Dollar}}})
	r.Committed(busy())
	isSeries(t, m, "troupe_budget_left_usd", `troupe_budget_left_usd{budget="limits.usd",run="r1"} 6.5`)
	isSeries(t, m, "troupe_budget_limit_usd", `troupe_budget_limit_usd{budget="limits.usd",run="r1"} 10`)
	isSeries(t, m, "troupe_run_cost_usd", `troupe_run_cost_usd{run="r1"} 3.5`)
	isSeries(t, m, "troupe_ticks_total", `troupe_ticks_total{run="r1"} 8`)
	isSeries(t, m, "troupe_timed_outcomes_total", `troupe_timed_outcomes_total{run="r1"} 3`)
	if got := series(t, m, "troupe_outcomes_total"); !strings.Contains(got, `type="action"} 32`) || !strings.Contains(got, `type="deadline"} 3`) {
		t.Error(got)
	}
}

type fixedBus bus.Stats

func (b fixedBus) Stats() bus.Stats { return bus.Stats(b) }

// The process's own sources are shown once, beside its runs.
func TestDataAndBus(t *testing.T) {
	m := NewMetrics("v1", "go1")
	m.Data(t.TempDir())
	m.Bus(fixedBus{Connections: 2, Pending: 7, SlowConsumers: 3, InMessages: 4, OutMessages: 5, StoreBytes: 6})
	isSeries(t, m, "troupe_bus_slow_consumers_total", `troupe_bus_slow_consumers_total 3`)
	isSeries(t, m, "troupe_bus_pending_bytes", `troupe_bus_pending_bytes 7`)
	isSeries(t, m, "troupe_bus_messages_total", `troupe_bus_messages_total{direction="in"} 4`, `troupe_bus_messages_total{direction="out"} 5`)
	free, size := sum(t, m, "troupe_data_free_bytes"), sum(t, m, "troupe_data_size_bytes")
	if free <= 0 || size < free || math.IsNaN(size) {
		t.Errorf("%v of %v bytes are free", free, size)
	}
	if problems, err := testutil.GatherAndLint(m); err != nil || len(problems) > 0 {
		t.Errorf("linters say %v (%v)", problems, err)
	}
}
