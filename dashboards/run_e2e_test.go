//go:build e2e

package dashboards_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// TestE2ERun has a real Prometheus look at a real run in which something of
// everything happens but models, and at a run of crafted records which has
// those; then each expression of the dashboards must have a value.
func TestE2ERun(t *testing.T) {
	live := playing(t)
	models, pause := thinking(t)
	s := prometheus(t, live, models)
	for _, what := range []string{
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
		`troupe_process_cpu_seconds_total{run="live",process="talker"} > 0`,
		`sum(rate(troupe_model_tokens_total{run="models",type="output"}[4s])) > 0`,
	} {
		until(t, what, func() bool { return s.holds(what) })
	}
	t.Run("expressions", func(t *testing.T) { expressions(t, s) })
	t.Run("names", func(t *testing.T) { everyNameExists(t, scrape(t, live)) })
	t.Run("promtool", func(t *testing.T) {
		promtool(t, scrape(t, live), "check", "metrics")
		promtool(t, scrape(t, models), "check", "metrics")
		promtool(t, "", "check", "config", "prometheus.yaml")
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
	if len(all) < 20 || len(variables) == 0 {
		t.Errorf("only %d expressions and %d variables", len(all), len(variables))
	}
	for _, e := range all {
		run := "live"
		if strings.Contains(e.text, "troupe_model_") {
			run = "models"
		}
		values := s.eval(e.on(t, run))
		if wrong := numbers(values); wrong != "" || len(values) == 0 {
			t.Errorf("%s, %s: %d values, %s: %s", e.dashboard, e.panel, len(values), wrong, e.on(t, run))
		}
		// What a run never does is 0, or nothing where there is no such thing
		// as 0: never a value that is no number.
		other := map[string]string{"live": "models", "models": "live"}[run]
		if wrong := numbers(s.eval(e.on(t, other))); wrong != "" {
			t.Errorf("%s, %s: %s: %s", e.dashboard, e.panel, wrong, e.on(t, other))
		}
	}
	for _, v := range variables {
		of := regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`).FindStringSubmatch(v)
		if of == nil {
			t.Fatalf("a variable that this test does not know: %s", v)
		}
		var values []string
		s.get("label/"+of[2]+"/values", map[string][]string{"match[]": {of[1]}}, &values)
		if strings.Join(values, " ") != "live models" {
			t.Errorf("%s gives %v", v, values)
		}
	}
}

func everyNameExists(t *testing.T, exposed string) {
	all, _ := exprs(t)
	for _, e := range all {
		names := e.metrics()
		if len(names) == 0 {
			t.Errorf("%s, %s: no metric in %s", e.dashboard, e.panel, e.text)
		}
		for _, name := range names {
			if !strings.Contains(exposed, "\n# TYPE "+name+" ") {
				t.Errorf("%s, %s: there is no metric %s", e.dashboard, e.panel, name)
			}
		}
	}
}

// playing starts troupe with testdata/live.yaml and says where its metrics
// are. The test's end interrupts it.
func playing(t *testing.T) (target string) {
	t.Helper()
	dir := t.TempDir()
	bin := filepath.Join(dir, "troupe")
	if out, err := exec.Command("go", "build", "-o", bin, "../cmd/troupe").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := exec.Command(bin, "validate", "tournament.yaml").CombinedOutput(); err != nil {
		t.Errorf("what compose.yaml plays: %v\n%s", err, out)
	}
	cmd := exec.Command(bin, "run", "testdata/live.yaml", "--name", "live", "--listen", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), "TROUPE_DATA="+filepath.Join(dir, "data"))
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said []string
	drained := make(chan struct{})
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		<-drained
		_ = cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != 130 {
			t.Errorf("troupe exited with status %d:\n%s", code, strings.Join(said, "\n"))
		}
	})
	lines := bufio.NewScanner(stderr)
	for target == "" && lines.Scan() {
		said = append(said, lines.Text())
		if at, ok := strings.CutPrefix(lines.Text(), "metrics: http://"); ok {
			target = strings.TrimSuffix(at, "/metrics")
		}
	}
	go func() {
		defer close(drained)
		for lines.Scan() {
			said = append(said, lines.Text())
		}
	}()
	if target == "" {
		t.Fatal("troupe says no address of its metrics")
	}
	return target
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
