//go:build e2e

package dashboards_test

import (
	"encoding/json"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/troupe-dev/troupe/dashboards"
)

// An expr is an expression of a panel.
type expr struct{ dashboard, panel, text string }

// exprs are all expressions of all dashboards, the variables' among them.
func exprs(t *testing.T) (all []expr, variables []string) {
	t.Helper()
	files, err := fs.Glob(dashboards.FS, "*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no dashboards: %v", err)
	}
	for _, file := range files {
		text, err := dashboards.FS.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var d struct {
			Panels []struct {
				Type, Title string
				Targets     []struct{ Expr string }
			}
			Templating struct {
				List []struct{ Type, Query string }
			}
		}
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatal(err)
		}
		for _, p := range d.Panels {
			if len(p.Targets) == 0 && p.Type != "row" {
				t.Errorf("%s: panel %s shows nothing", file, p.Title)
			}
			for _, x := range p.Targets {
				all = append(all, expr{file, p.Title, x.Expr})
			}
		}
		for _, v := range d.Templating.List {
			if v.Type == "query" {
				variables = append(variables, v.Query)
			}
		}
	}
	return all, variables
}

// on puts values in the place of Grafana's variables.
func (e expr) on(t *testing.T, run string) string {
	t.Helper()
	text := strings.NewReplacer("$run", run, "$__rate_interval", "4s", "$entry", ".+", "$instance", ".+").Replace(e.text)
	if strings.Contains(text, "$") {
		t.Fatalf("%s, %s: a variable that this test does not know: %s", e.dashboard, e.panel, text)
	}
	return text
}

// feeds says which run has what an expression shows: the one of crafted records has a
// model, and the one that is played all else.
func (e expr) feeds() string {
	for _, family := range []string{"troupe_model_", "troupe_gateway_", "troupe_budget_", "troupe_run_cost", "gen_ai_"} {
		if strings.Contains(e.text, family) {
			return "models"
		}
	}
	return "live"
}

var (
	quoted     = regexp.MustCompile(`"[^"]*"`)
	metricName = regexp.MustCompile(`\b(troupe|process|go|gen_ai)_\w+`)
	recorded   = regexp.MustCompile(`\b\w+:[\w:]+`)
	labels     = regexp.MustCompile(`\b(by|on|group_left) \([^)]*\)`)
)

// metrics are the families that an expression names.
func (e expr) metrics() (names []string) {
	text := e.text
	for _, no := range []*regexp.Regexp{quoted, recorded, labels} {
		text = no.ReplaceAllString(text, "")
	}
	for _, name := range metricName.FindAllString(text, -1) {
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			name = strings.TrimSuffix(name, suffix)
		}
		names = append(names, name)
	}
	return names
}

// A rule is one of rules.yaml.
type rule struct{ Record, Alert, Expr string }

func rules(t *testing.T) (all []rule) {
	t.Helper()
	text, err := dashboards.FS.ReadFile("rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Groups []struct{ Rules []rule } }
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	return all
}
