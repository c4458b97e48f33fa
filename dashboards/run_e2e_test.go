//go:build e2e

package dashboards_test

import (
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/dashboards"
	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// shipped are scenarios that are played to their end beside the run that lasts.
var shipped = []string{"axelrod", "rabbits", "rumour"}

// TestE2ERun has a real Prometheus look at a supervisor with several runs: one in
// which something of everything happens but models, and some of the shipped scenarios;
// at a run of crafted records which has models; and at a replay. Then each expression
// of the dashboards must have a value, and each rule be worked out.
func TestE2ERun(t *testing.T) {
	bin := built(t)
	if out, err := exec.Command(bin, "validate", "tournament.yaml").CombinedOutput(); err != nil {
		t.Errorf("what compose.yaml is for: %v\n%s", err, out)
	}
	old := replaying(t, bin)
	troupe := serving(t, bin)
	troupe.live()
	for _, name := range shipped {
		troupe.submit(map[string]any{"name": name, "scenario": name + ".yaml"})
	}
	models, pause := thinking(t)
	s := prometheus(t, troupe.token("observe"), troupe.target, models, old)
	waits := []string{
		`count_over_time(troupe_ticks_total{run="live"}[1m]) >= 10`,
		`count_over_time(troupe_ticks_total{run="models"}[1m]) >= 10`,
		`sum(rate(troupe_failures_total{run="live",type="invalid_action"}[4s])) > 0`,
		`troupe_restarts_total{run="live",process="mortal"} > 1`,
		`rate(troupe_messages_total{run="live",kind="direct"}[4s]) > 0`,
		`rate(troupe_messages_total{run="live",kind="channel"}[4s]) > 0`,
		`rate(troupe_messages_total{run="live",kind="undelivered"}[4s]) > 0`,
		`rate(troupe_commits_total{run="live"}[4s]) > 0`,
		`rate(troupe_commit_conflicts_total{run="live"}[4s]) > 0`,
		`rate(troupe_lease_wait_seconds_count{run="live"}[4s]) > 0`,
		`max_over_time(troupe_leases{run="live",state="held"}[1m]) == 1`,
		`rate(troupe_action_latency_seconds_count{run="live",kind="exec"}[4s]) > 0`,
		`rate(troupe_tick_duration_seconds_sum{run="live",phase="observe"}[4s]) > 0`,
		`rate(troupe_tick_duration_seconds_sum{run="live",phase="act"}[4s]) > 0`,
		`rate(troupe_record_bytes_total{run="live"}[4s]) > 0`,
		`troupe_process_cpu_seconds_total{run="live",process="talker"} > 0`,
		`troupe_process_open_fds{run="live",process="talker"} > 2`,
		`troupe_limit_used_ratio{run="live",process="talker",limit="memory"} > 0`,
		`troupe_run_state{run="live",state="running"} == 1`,
		`sum(rate(troupe_model_tokens_total{run="models",type="output"}[4s])) > 0`,
		`troupe_budget_left_usd{run="models"} < 1e9`,
		`rate(troupe_ticks_total{run="old-replay"}[4s]) > 0`,
		`rate(troupe_record_bytes_total{run="old-replay"}[1m]) > 0`,
		`sum(troupe_agents{run="old-replay"}) == 8`,
	}
	for _, name := range shipped {
		waits = append(waits, `troupe_run_state{run="`+name+`",state="finished"} == 1`, `troupe_ticks_total{run="`+name+`"} > 0`)
	}
	for _, what := range waits {
		until(t, what, func() bool { return s.holds(what) })
	}
	t.Run("expressions", func(t *testing.T) { expressions(t, s) })
	t.Run("rules", func(t *testing.T) { worksOut(t, s) })
	exposed := scrape(t, troupe.target, troupe.control) + scrape(t, models, "")
	t.Run("names", func(t *testing.T) { everyNameExists(t, exposed) })
	t.Run("states", func(t *testing.T) { everyStateIsShown(t, exposed) })
	t.Run("promtool", func(t *testing.T) {
		promtool(t, scrape(t, troupe.target, troupe.control), "check", "metrics")
		promtool(t, scrape(t, models, ""), "check", "metrics")
		promtool(t, "", "check", "config", "--syntax-only", "prometheus.yaml")
		promtool(t, "", "check", "rules", "rules.yaml")
		promtool(t, "", "test", "rules", "testdata/rules_test.yaml")
	})
	t.Run("removed", func(t *testing.T) {
		troupe.ask(http.MethodDelete, "/v1/runs/"+shipped[0], nil, http.StatusNoContent)
		if text := scrape(t, troupe.target, troupe.control); strings.Contains(text, `run="`+shipped[0]+`"`) || !strings.Contains(text, `run="`+shipped[1]+`"`) {
			t.Error("what is removed is shown, or what is not is gone")
		}
	})
	pause()
	until(t, "the run with models is idle", func() bool {
		return s.holds(`rate(troupe_ticks_total{run="models"}[4s]) == 0`)
	})
	t.Run("idle", func(t *testing.T) {
		all, _ := exprs(t)
		for _, e := range all {
			if wrong := numbers(s.eval(e.on(t, "models"))); wrong != "" {
				t.Errorf("%s, %s: %s where nothing happens: %s", e.dashboard, e.panel, wrong, e.text)
			}
		}
	})
}

func expressions(t *testing.T, s *server) {
	all, variables := exprs(t)
	if len(all) < 60 || len(variables) < 5 {
		t.Errorf("only %d expressions and %d variables", len(all), len(variables))
	}
	for _, e := range all {
		fed := e.on(t, e.feeds())
		var values []float64
		until(t, e.dashboard+", "+e.panel+" has values: "+fed, func() bool { // a scrape may have come late
			values = s.eval(fed)
			return len(values) > 0
		})
		if wrong := numbers(values); wrong != "" {
			t.Errorf("%s, %s: %s: %s", e.dashboard, e.panel, wrong, fed)
		}
		// What a run never does is 0, or nothing where there is no such thing
		// as 0: never a value that is no number.
		for _, other := range append([]string{"live", "models", "old-replay"}, shipped...) {
			if wrong := numbers(s.eval(e.on(t, other))); wrong != "" {
				t.Errorf("%s, %s: %s: %s", e.dashboard, e.panel, wrong, e.on(t, other))
			}
		}
	}
	for _, v := range variables {
		of := regexp.MustCompile(`^label_values\((.+), (\w+)\)$`).FindStringSubmatch(v)
		if of == nil {
			t.Fatalf("a variable that this test does not know: %s", v)
		}
		var values []string
		match := expr{text: of[1]}.on(t, "live")
		s.get("label/"+of[2]+"/values", map[string][]string{"match[]": {match}}, &values)
		least := 3 // runs, supervisors or entries
		if strings.HasPrefix(v, "label_values(troupe_run_info{") {
			least = 1 // the one that has this run
		}
		if len(values) < least {
			t.Errorf("%s gives %v", v, values)
		}
	}
}

// worksOut looks at the rules as Prometheus has them, and at what they name.
func worksOut(t *testing.T, s *server) {
	var got struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError string }
		}
	}
	all := rules(t)
	until(t, "all rules are worked out", func() bool {
		s.get("rules", nil, &got)
		n := 0
		for _, g := range got.Groups {
			for _, r := range g.Rules {
				if r.Health == "err" {
					t.Fatalf("%s: %s", r.Name, r.LastError)
				}
				if r.Health == "ok" {
					n++
				}
			}
		}
		return n == len(all)
	})
	for _, r := range all {
		if r.Record != "" {
			until(t, r.Record+" has values", func() bool { return s.holds(r.Record) })
			if wrong := numbers(s.eval(r.Record)); wrong != "" {
				t.Errorf("%s: %s", r.Record, wrong)
			}
		}
		if wrong := numbers(s.eval(r.Expr)); wrong != "" {
			t.Errorf("%s%s: %s", r.Record, r.Alert, wrong)
		}
	}
}

// everyNameExists also looks whether all that is ours is on a dashboard.
func everyNameExists(t *testing.T, exposed string) {
	all, _ := exprs(t)
	shown := map[string]bool{}
	for _, e := range all {
		names := e.metrics()
		if len(names) == 0 {
			t.Errorf("%s, %s: no metric in %s", e.dashboard, e.panel, e.text)
		}
		for _, name := range names {
			shown[name] = true
		}
	}
	for _, r := range rules(t) {
		for _, name := range (expr{text: r.Expr}).metrics() {
			if !shown[name] {
				t.Errorf("%s%s: %s is on no dashboard", r.Record, r.Alert, name)
			}
		}
	}
	for name := range shown {
		if !strings.Contains(exposed, "\n# TYPE "+name+" ") {
			t.Errorf("there is no metric %s", name)
		}
	}
	for _, of := range regexp.MustCompile(`(?m)^# TYPE ((?:troupe|gen_ai)_\w+) `).FindAllStringSubmatch(exposed, -1) {
		if !shown[of[1]] {
			t.Errorf("%s is on no dashboard", of[1])
		}
	}
}

// everyStateIsShown looks whether the panel of a run's state knows all that it may be in.
func everyStateIsShown(t *testing.T, exposed string) {
	board, err := dashboards.FS.ReadFile("run.json")
	if err != nil {
		t.Fatal(err)
	}
	states := regexp.MustCompile(`troupe_run_state\{run="live",state="(\w+)"\}`).FindAllStringSubmatch(exposed, -1)
	if len(states) == 0 {
		t.Fatal("the run is in no state")
	}
	for _, of := range states {
		if !strings.Contains(string(board), `"text": "`+of[1]+`"`) || !strings.Contains(string(board), `state=\"`+of[1]+`\"`) {
			t.Errorf("the state %s has no name", of[1])
		}
	}
}

// thinking shows the metrics of a run with two models, which has a tick every
// 20 ms until pause is called.
func thinking(t *testing.T) (target string, pause func()) {
	t.Helper()
	l, err := observe.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := observe.NewMetrics("test", "test")
	run := m.Run(observe.MeasuredRun{
		Name: "models", States: []string{"down", "ready"}, Processes: func() []observe.Process { return nil },
		Budgets: func() []observe.Budget { return []observe.Budget{{Name: "limits.usd", USD: 1e9, Spent: 5}} },
		Plan: &plan.Plan{
			Name: "models", Entries: []plan.Entry{{ID: "{name}", Kind: "stdio"}},
			Agents:    []plan.Agent{{ID: "ann"}, {ID: "bob"}},
			Processes: []plan.Process{{ID: "ann", Agents: []string{"ann"}}, {ID: "bob", Agents: []string{"bob"}}},
		},
	})
	used := func(id, model string) record.Usage {
		return record.Usage{Agent: id, Attempt: 1, Usage: agent.Usage{
			Model: model, Turns: 1, Input: 100, Output: 20, CacheRead: 1000, CacheWrite: 50, USD: agent.Dollar / 100, Took: 2 * time.Second}}
	}
	answers := record.Latency{Kind: "stdio"}
	answers.Add(2 * time.Second)
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-over:
				return
			case <-tick.C:
			}
			run.Requested(&observe.Request{API: "anthropic", By: "upstream", Model: "small", Status: 200, Input: 1000, Output: 20, Took: time.Second})
			run.Retried("anthropic")
			run.Committed(&record.Record{
				Turns: []record.Turn{{Agent: "ann"}, {Agent: "bob"}},
				Annex: record.Annex{
					Elapsed: record.Elapsed{Ask: 2 * time.Second, Step: time.Millisecond, Commit: time.Millisecond},
					Usages:  []record.Usage{used("ann", "small"), used("bob", "large")}, Answers: []record.Latency{answers},
				},
			})
		}
	}()
	stop := observe.ServeTCP(l, observe.Public{Metrics: m, Unready: func() string { return "" }})
	pause = func() {
		select {
		case <-over:
		default:
			close(over)
		}
		<-ended
	}
	t.Cleanup(func() {
		pause()
		stop()
	})
	return l.Addr().String(), pause
}
