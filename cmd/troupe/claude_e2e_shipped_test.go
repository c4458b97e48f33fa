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

// asked is the --set that sends the models of a pattern's agents to the stand-in.
func (c *claudeRun) asked(pattern string) string {
	return "agents." + pattern + ".env={ANTHROPIC_BASE_URL: '" + c.model.URL + "'}"
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
	args := []string{"run", "--json", "--name", "r", shippedPath(t, name)}
	for _, set := range sets {
		args = append(args, "--set", set)
	}
	return resultOf(t, c.troupe(t, 0, args...))
}
