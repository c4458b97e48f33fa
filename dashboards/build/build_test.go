package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// What is committed is what the code builds, and nothing else is committed.
func TestCommitted(t *testing.T) {
	for file, build := range dashboards {
		want, err := build()
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join("..", file))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("dashboards/%s is not what the code builds: go generate ./dashboards", file)
		}
	}
	files, err := filepath.Glob("../*.json")
	if err != nil || len(files) != len(dashboards) {
		t.Errorf("%d dashboards are built, and there are %v (%v)", len(dashboards), files, err)
	}
}

// What is built is what Grafana's schema has, of panels, queries and variables too: no
// field but those that it knows, and none of those missing that it needs.
func TestSchema(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	for file, build := range dashboards {
		text, err := build()
		if err != nil {
			t.Fatal(err)
		}
		var d dashboard.Dashboard //nolint:staticcheck // the classic schema, which newSheet writes
		// Of no problem the SDK makes an error without a text.
		if err := d.UnmarshalJSONStrict(text); err != nil && err.Error() != "" {
			t.Errorf("%s: %v", file, err)
		}
		if len(d.Panels) < 10 {
			t.Errorf("%s has %d panels", file, len(d.Panels))
		}
	}
}
