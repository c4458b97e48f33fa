package dashboards_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/troupe-dev/troupe/dashboards"
)

// A board is what matters of a dashboard's JSON.
type board struct {
	Title, UID, Description string
	Panels                  []panel
	Templating              struct {
		List []struct{ Name, Label, Type, Query string }
	}
}

type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               struct{ UID string }
	FieldConfig              struct{ Defaults struct{ Unit string } }
	Options                  struct{ TextMode string }
	Targets                  []struct {
		Expr, LegendFormat string
		Datasource         struct{ UID string }
	}
}

var (
	variable = regexp.MustCompile(`\$\{?(\w+)`)
	single   = regexp.MustCompile(`^(\d+ \* |time\(\) - )?(max|sum|count)\(`)
)

// Every panel says what it shows, of what, and in which unit; every series has a name;
// and what readers pick is there to be picked.
func TestPanels(t *testing.T) {
	files, err := fs.Glob(dashboards.FS, "*.json")
	if err != nil || len(files) != 5 {
		t.Fatalf("there are %v (%v)", files, err)
	}
	uids := map[string]bool{}
	for _, file := range files {
		text, err := dashboards.FS.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var b board
		if err := json.Unmarshal(text, &b); err != nil {
			t.Fatal(err)
		}
		if b.Title == "" || b.Description == "" || uids[b.UID] {
			t.Errorf("%s: title %q, description %q, uid %q", file, b.Title, b.Description, b.UID)
		}
		uids[b.UID] = true
		known := []string{"__rate_interval", "__all"}
		for _, v := range b.Templating.List {
			if v.Label == "" || v.Query == "" {
				t.Errorf("%s: variable %+v", file, v)
			}
			known = append(known, v.Name)
		}
		for _, used := range variable.FindAllStringSubmatch(string(text), -1) {
			if !slices.Contains(known, used[1]) {
				t.Errorf("%s: nobody can pick $%s", file, used[1])
			}
		}
		seen := map[int]bool{}
		for _, p := range b.Panels {
			if seen[p.ID] {
				t.Errorf("%s: two panels are %d", file, p.ID)
			}
			seen[p.ID] = true
			p.check(t, file)
		}
	}
}

func (p *panel) check(t *testing.T, file string) {
	if p.Type == "row" {
		return
	}
	if p.Title == "" || p.Description == "" || p.FieldConfig.Defaults.Unit == "" || p.Datasource.UID != "${datasource}" || len(p.Targets) == 0 {
		t.Errorf("%s: panel %q: description %q, unit %q, of %q, %d expressions", file, p.Title, p.Description, p.FieldConfig.Defaults.Unit, p.Datasource.UID, len(p.Targets))
	}
	for _, x := range p.Targets {
		if x.Expr == "" || x.Datasource.UID != "${datasource}" {
			t.Errorf("%s: panel %q: %+v", file, p.Title, x)
		}
		// Over the time that is looked at there may be several series of what is one
		// at any moment, and each would be a number of its own.
		if p.Type == "stat" && p.Options.TextMode != "name" && !single.MatchString(x.Expr) {
			t.Errorf("%s: panel %q may show several numbers: %s", file, p.Title, x.Expr)
		}
		if x.LegendFormat == "" && p.Type != "stat" { // which shows one number
			t.Errorf("%s: panel %q: no name for the series of %s", file, p.Title, x.Expr)
		}
	}
}

// Every alert says how bad it is, what has happened and what to do.
func TestAlerts(t *testing.T) {
	text, err := dashboards.FS.ReadFile("rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Rules []struct {
				Record, Alert, Expr string
				Labels, Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile("testdata/rules_test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	alerts := 0
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			if r.Alert == "" {
				continue
			}
			alerts++
			if !slices.Contains([]string{"info", "warning", "critical"}, r.Labels["severity"]) ||
				r.Annotations["summary"] == "" || !strings.Contains(r.Annotations["runbook"], "1. ") {
				t.Errorf("%s: %v %v", r.Alert, r.Labels, r.Annotations)
			}
			if !strings.Contains(string(tests), `alertname="`+r.Alert+`"`) {
				t.Errorf("no test has %s fire", r.Alert)
			}
		}
	}
	if alerts < 7 {
		t.Errorf("only %d alerts", alerts)
	}
}
