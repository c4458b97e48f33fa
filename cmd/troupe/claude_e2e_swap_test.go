//go:build e2e

package main

import (
	"path/filepath"
	"reflect"
	"testing"
)

// The shipped scenario plays with models and, by one --set, without.
func TestE2EClaudeSwap(t *testing.T) {
	t.Parallel()
	path, err := filepath.Abs("../../scenarios/dilemma.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c := newClaudeRun(t, "", strategist)
	run := func(name string, args ...string) jsonResult {
		return resultOf(t, c.troupe(t, 0, append([]string{"run", "--json", "--name", name, path}, args...)...))
	}
	bots := run("bots", "--set", "agents.claude-*.kind=stdio")
	if n := len(c.model.Requests()); n > 0 || bots.Models != nil {
		t.Errorf("bots asked the model %d times: %+v", n, bots)
	}
	models := run("r", "--set", "gateway.anthropic.url="+c.model.URL)
	if n := len(c.model.Requests()); n != 2*models.Ticks || models.Models == nil || models.Models.Turns != n || models.Models.USD <= 0 {
		t.Errorf("the model was asked %d times: %+v", n, models)
	}
	if models.Hash != bots.Hash || !reflect.DeepEqual(models.Scores, bots.Scores) {
		t.Errorf("models: %+v\nbots: %+v", models, bots)
	}
}
