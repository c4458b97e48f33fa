//go:build e2e

package main

import (
	"path/filepath"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent/modeltest"
)

// newShippedRun is a run of scenarios that ship, with a stand-in for their models.
func newShippedRun(t *testing.T, script modeltest.Script) *claudeRun {
	t.Helper()
	return newClaudeRun(t, "", script)
}

// shippedPath is where a scenario lies.
func shippedPath(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("../../scenarios", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// playShipped plays a scenario to its end as run r, with what --set makes of it.
func (c *claudeRun) playShipped(t *testing.T, name string, sets ...string) jsonResult {
	t.Helper()
	return resultOf(t, c.troupe(t, 0, c.shipped(t, name, sets...)...))
}

// shipped is what troupe is called with to play a scenario as run r with the stand-in.
func (c *claudeRun) shipped(t *testing.T, name string, sets ...string) []string {
	t.Helper()
	args := []string{"run", "--json", "--name", "r", shippedPath(t, name), "--set", "gateway.anthropic.url=" + c.model.URL}
	for _, set := range sets {
		args = append(args, "--set", set)
	}
	return args
}
