package observe

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
)

// Where the table of metrics is in the README.
const (
	metricsBegin = "<!-- metrics: written by UPDATE_README=1 go test ./runtime/observe -run TestReadmeHasMetrics -->\n"
	metricsEnd   = "<!-- end of metrics -->\n"
)

// everything is metrics in which every family of ours is there.
func everything(t *testing.T) *Metrics {
	p := market()
	p.Shared, p.Limits.USD = &plan.Shared{}, agent.Dollar
	m := NewMetrics("v1", "go1")
	m.Data(t.TempDir())
	m.Bus(fixedBus{})
	m.Queue(func() int { return 0 })
	r := m.Run(MeasuredRun{
		Name: "r1", Plan: p, States: []string{"ready"}, Walls: map[string]bool{"uid": true},
		Processes: func() []Process {
			return []Process{{ID: "ann", Agents: []string{"ann"}, State: "ready", PID: os.Getpid()}}
		},
		Limits: func() []Use { return []Use{{Process: "ann", Limit: "memory", Share: 0.5}} },
	})
	r.Committed(busy())
	r.Requested(&Request{API: "openai", By: "upstream", Status: 200, Input: 1, Took: time.Second})
	return m
}

// table lists our families as the README does.
func table(all []*dto.MetricFamily) string {
	var b strings.Builder
	b.WriteString("| metric | type | labels | what it is |\n|---|---|---|---|\n")
	slices.SortFunc(all, func(a, b *dto.MetricFamily) int { return cmp.Compare(a.GetName(), b.GetName()) })
	for _, f := range all {
		if !strings.HasPrefix(f.GetName(), "troupe_") && !strings.HasPrefix(f.GetName(), "gen_ai_") {
			continue
		}
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, "`"+l.GetName()+"`")
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.GetName(), strings.ToLower(f.GetType().String()), strings.Join(labels, " "), f.GetHelp())
	}
	return b.String()
}

// The README lists the metrics that there are, and says how many series they are at
// most.
func TestReadmeHasMetrics(t *testing.T) {
	all, err := everything(t).Gather()
	if err != nil {
		t.Fatal(err)
	}
	const path = "../../README.md"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, bound := range []string{
		fmt.Sprintf("at most %d,000 series", mostSeries/1000), fmt.Sprintf("%d agents", mostNamed),
		fmt.Sprintf("%d models", mostModels), fmt.Sprintf("%d newer runs", mostOver),
	} {
		if !strings.Contains(strings.Join(strings.Fields(string(text)), " "), bound) {
			t.Errorf("the README does not say: %s", bound)
		}
	}
	want := table(all)
	before, rest, ok := strings.Cut(string(text), metricsBegin)
	old, after, ended := strings.Cut(rest, metricsEnd)
	switch {
	case !ok || !ended:
		t.Errorf("the README has no table of metrics:\n%s", want)
	case old == want:
	case os.Getenv("UPDATE_README") != "":
		if err := os.WriteFile(path, []byte(before+metricsBegin+want+metricsEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the README's table of metrics is not what there is; UPDATE_README=1 writes it:\n%s", want)
	}
}
