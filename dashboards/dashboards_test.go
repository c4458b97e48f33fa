package dashboards_test

import (
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/troupe-dev/troupe/dashboards"
)

// All that Grafana and Prometheus need is embedded.
func TestFS(t *testing.T) {
	for _, name := range []string{
		"run.json", "agents.json", "cost.json", "bus.json", "fleet.json", "prometheus.yaml", "rules.yaml", "provisioning/datasources/prometheus.yaml", "provisioning/dashboards/troupe.yaml",
	} {
		if text, err := dashboards.FS.ReadFile(name); err != nil || len(text) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// No port of the compose file is open to other machines, and what it mounts is
// there.
func TestCompose(t *testing.T) {
	text, err := os.ReadFile("compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Services map[string]struct {
			Build   struct{ Context, Target string }
			Image   string
			Ports   []string
			Volumes []string
		}
		Volumes map[string]any
	}
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	if b := c.Services["troupe"].Build; b.Context != ".." || b.Target != "agents" {
		t.Errorf("troupe is built as %+v", b)
	}
	for name, s := range c.Services {
		if len(s.Ports) == 0 {
			t.Errorf("%s has no port", name)
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s is open to other machines: %s", name, p)
			}
		}
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			if !strings.HasPrefix(from, ".") {
				if _, ok := c.Volumes[from]; !ok {
					t.Errorf("%s: no volume %s", name, from)
				}
			} else if _, err := os.Stat(from); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
