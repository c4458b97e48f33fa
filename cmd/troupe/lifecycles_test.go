package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// lifecycleScenario is one in which agents remember all, in their process or in
// files, and are asked in some ticks only.
const lifecycleScenario = `name: lifecycles
seed: 7
clock: {ticks: 24, deadline: 60s}
world: {kind: conversation, config: {rounds: 24, topic: all that was}}
channels: {square: {members: ["*"]}}
on_failure: {crash: {restart: {attempts: 100}}}
checkpoint: {every: 5}
%s
agents:
  - {id: "a-{n}", replicas: 3, %s, config: {peers: [nobody, a-1, b-2]}}
  - {id: "b-{n}", replicas: 2, per_process: %d, %s, config: {peers: [a-1, a-3]}}
`

// lifecycles are what a process may live like.
var lifecycles = map[string]struct{ run, entry string }{
	"long-running": {"", "lifecycle: {mode: long-running}"},
	"hybrid":       {"", "lifecycle: {mode: hybrid, idle: 1ms}"},
	"residents":    {"limits: {resident: 2}", "lifecycle: {mode: hybrid}"},
	"ephemeral":    {"", "lifecycle: {mode: ephemeral}"},
}

// remembrances are the states that agents may come back by, for those who
// remember by themselves and those who take notes.
var remembrances = map[string][]string{
	"command: [historian]":        {"reobserve", "snapshot"},
	"command: [historian, notes]": {"reobserve", "snapshot", "none"},
}

// TestLifecycles runs one scenario under every lifecycle and every state that
// there is, kills at random moments included: its hash is always the same.
func TestLifecycles(t *testing.T) {
	eachLifecycle(t, 2)
}

// TestE2ELifecycles is TestLifecycles with more kills.
func TestE2ELifecycles(t *testing.T) {
	eachLifecycle(t, 12)
}

func eachLifecycle(t *testing.T, kills int) {
	if testing.Short() {
		t.Skip("kills real processes for a while")
	}
	for command, states := range remembrances {
		calm := newCrashed(t, lifecycle("long-running", command+", state: reobserve", 2), 0)
		start := time.Now()
		want, _ := calm.turn()
		took := time.Since(start)
		if want.Hash == "" {
			t.Fatalf("the calm run ended as %+v", want)
		}
		try := func(name, yaml string) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				c := newCrashed(t, yaml, kills)
				c.longest = took
				if got := c.end(); got != want || got.Timed != 0 {
					t.Errorf("it ended as %+v; left alone, as %+v", got, want)
				}
			})
		}
		for mode := range lifecycles {
			for _, state := range states {
				try(mode+" "+state+" "+command, lifecycle(mode, command+", state: "+state, 2))
			}
		}
		if len(states) > 2 {
			try("exec", lifecycle("ephemeral", command+", kind: exec", 1))
			try("exec residents", fmt.Sprintf(lifecycleScenario, "limits: {resident: 2}", command+", kind: exec", 1, command+", kind: exec"))
		}
	}
}

func lifecycle(mode, entry string, shared int) string {
	l := lifecycles[mode]
	entry += ", " + l.entry
	return fmt.Sprintf(lifecycleScenario, l.run, entry, shared, entry)
}

// newCrashed is a run of a scenario that is to be killed that often.
func newCrashed(t *testing.T, yaml string, kills int) *crashed {
	t.Helper()
	path := filepath.Join(t.TempDir(), "scenario.yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return &crashed{t: t, data: t.TempDir(), scenario: path, kills: kills}
}
