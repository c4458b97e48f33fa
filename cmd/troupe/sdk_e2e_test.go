//go:build e2e

package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// newSDKRun is a run of the scenario sdk.yaml, with the SDK and the Node that
// .ci/run installs.
func newSDKRun(t *testing.T) (c *claudeRun, sets []string) {
	t.Helper()
	modules, node := os.Getenv("TROUPE_AGENT_SDK"), os.Getenv("TROUPE_NODE")
	if modules == "" || node == "" {
		t.Fatal("TROUPE_AGENT_SDK names no node_modules with the Agent SDK, or TROUPE_NODE no Node that takes TypeScript: .ci/run installs them")
	}
	c = newShippedRun(t, strategist)
	c.path = filepath.Dir(node) + string(filepath.ListSeparator) + c.path
	return c, []string{
		// Where .ci/run puts them is in a home, which other users cannot read.
		"isolation=landlock", "agents.player.readable=[" + modules + "]",
		"agents.player.env={AGENT_SDK: " + filepath.Join(modules, "@anthropic-ai/claude-agent-sdk") + "}",
	}
}

// The program in TypeScript plays what a bot plays that remembers the match, though
// each turn is a process of the SDK's, and though its own is killed on the way.
func TestE2ESDKTypeScript(t *testing.T) {
	t.Parallel()
	c, sets := newSDKRun(t)
	got := c.playShipped(t, "sdk.yaml", append(sets, "faults=[{kill: player, at: 2}, {kill: player, at: 6}]")...)
	bots := resultOf(t, c.troupe(t, 0, "run", "--json", "--name", "bots", shippedPath(t, "sdk.yaml"), "--set", "agents.player.command=[troupe, bot, grudger]"))
	if !reflect.DeepEqual(got.Scores, bots.Scores) || got.Outcomes["action"] != bots.Outcomes["action"] || got.Timed != 0 || got.Survivors != 0 {
		t.Errorf("the program: %+v\nthe bot: %+v", got, bots)
	}
	requests := c.model.Requests()
	if len(requests) < 8 {
		t.Errorf("the model was asked %d times for 8 turns", len(requests))
	}
	for _, r := range requests {
		if r.Key != c.key {
			t.Errorf("a request came with the key %q, and not with the supervisor's", r.Key)
		}
	}
}

// The protocol half of the program in Python, with what stands in for the SDK: it
// goes on with its session after it was killed, and says why it has no answer.
func TestE2ESDKPython(t *testing.T) {
	t.Parallel()
	c := newShippedRun(t, strategist)
	c.path = "/usr/bin:" + c.path // a python3 in a home is not for agents
	stand, err := filepath.Abs("../../scenarios/sdk/testdata")
	if err != nil {
		t.Fatal(err)
	}
	program := func(name, env string, code int, sets ...string) jsonResult {
		args := []string{"run", "--json", "--name", name, shippedPath(t, "sdk.yaml"),
			"--set", "isolation=landlock", "--set", "agents.player.command=[python3, sdk/agent.py]", "--set", "agents.player.files=[clients/troupe.py]",
			"--set", "agents.player.readable=[" + stand + "]", "--set", "agents.player.env={PYTHONPATH: " + stand + env + "}",
		}
		for _, set := range sets {
			args = append(args, "--set", set)
		}
		return resultOf(t, c.troupe(t, code, args...))
	}
	got := program("r", "", 0, "faults=[{kill: player, at: 2}, {kill: player, at: 6}]")
	bots := resultOf(t, c.troupe(t, 0, "run", "--json", "--name", "bots", shippedPath(t, "sdk.yaml"), "--set", "agents.player.command=[troupe, bot, grudger]"))
	if !reflect.DeepEqual(got.Scores, bots.Scores) || got.Outcomes["action"] != bots.Outcomes["action"] || got.Timed != 0 {
		t.Errorf("the program: %+v\nthe bot: %+v", got, bots)
	}
	program("fails", ", STAND_IN_FAILS: '1'", 0, "agents.player.on_failure={crash: skip}")
	if log := c.troupe(t, 0, "logs", "fails", "player"); !strings.Contains(log, "RuntimeError: the model gave no answer: error_during_execution: ") {
		t.Errorf("it has logged\n%s", log)
	}
}
