package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/troupe-dev/troupe/runtime/bench"
)

// lifecycleScenario is one in which agents remember all, in their process or in
// files.
const lifecycleScenario = `name: %s
seed: 7
clock: {ticks: 12, deadline: 60s}
world: {kind: conversation, config: {rounds: 12, topic: all that was}}
channels: {square: {members: ["*"]}}
on_failure: {crash: {restart: {attempts: 100}}}
checkpoint: {every: 4}
%s
agents:
  - {id: "a-{n}", replicas: 3, command: [troupe, bot, historian], %s, config: {notes: %t, peers: [nobody, a-1, b-2]}}
  - {id: "b-{n}", replicas: 2, per_process: %d, command: [troupe, bot, historian], %[3]s, config: {notes: %[4]t, peers: [a-1, a-3]}}
`

// lifecycles are what a process may live like: keys of the run and of an entry.
var lifecycles = []struct{ name, run, entry string }{
	{"long-running", "", "lifecycle: {mode: long-running}"},
	{"hybrid", "", "lifecycle: {mode: hybrid, idle: 1ms}"},
	{"residents", "limits: {resident: 2}", "lifecycle: {mode: hybrid}"},
	{"ephemeral", "", "lifecycle: {mode: ephemeral}"},
}

// TestLifecycles runs one scenario under every lifecycle and every state that
// there is, killed at random moments: its hash is always the same.
func TestLifecycles(t *testing.T) {
	if testing.Short() {
		t.Skip("kills real processes for a while")
	}
	t.Setenv("GORACE", "atexit_sleep_ms=0")
	var mu sync.Mutex
	hashes := map[bool]string{} // of those who remember, and of those who take notes
	same := func(t *testing.T, notes bool, hash string) {
		mu.Lock()
		defer mu.Unlock()
		if hashes[notes] == "" {
			hashes[notes] = hash
		}
		if hash != hashes[notes] {
			t.Errorf("its hash is %s, that of the others %s", hash, hashes[notes])
		}
	}
	try := func(name, yaml string, notes bool) {
		t.Run(fmt.Sprintf("%s notes=%t", name, notes), func(t *testing.T) {
			t.Parallel()
			same(t, notes, crashAlone(t, yaml, 2))
		})
	}
	for notes, states := range map[bool][]string{false: {"reobserve", "snapshot"}, true: {"reobserve", "snapshot", "none"}} {
		for _, l := range lifecycles {
			for _, state := range states {
				name := l.name + "-" + state
				yaml := fmt.Sprintf(lifecycleScenario, name, l.run, l.entry+", state: "+state, notes, 2)
				try(name, yaml, notes)
			}
		}
	}
	for _, run := range []string{"", "limits: {resident: 2}"} {
		try("exec "+run, fmt.Sprintf(lifecycleScenario, "exec", run, "kind: exec", true, 1), true)
	}
}

// crashAlone crashes a scenario and gives its hash.
func crashAlone(t *testing.T, yaml string, kills int) string {
	path := filepath.Join(t.TempDir(), "scenario.yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	seed := rand.Uint64()
	rep, err := bench.Crash(t.Context(), bench.CrashOptions{Scenarios: []string{path}, Kills: kills, Seed: seed})
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	var text strings.Builder
	if err := rep.Print(&text); err != nil {
		t.Fatal(err)
	}
	if t.Log(text.String()); !rep.Holds() {
		t.Errorf("seed %d: something is lost, doubled or left", seed)
	}
	return rep.Scenarios[0].Hash
}
