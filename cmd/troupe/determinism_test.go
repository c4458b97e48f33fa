package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// outcome is what --json says of a run.
type outcome struct {
	Hash  string
	Ticks int
	Timed int `json:"timed_outcomes"`
}

// play runs six historians, each entry with the command that it is given, in
// the order of the list, and gives the result.
func play(t *testing.T, seed int, commands map[string]string, perProcess int) outcome {
	t.Helper()
	ids := []string{"a-1", "a-2", "a-3", "b-1", "b-2", "b-3"}
	var entries []string
	for _, group := range []string{"a", "b"} {
		entries = append(entries, fmt.Sprintf("  - {id: '%s-{n}', replicas: 3, per_process: %d, command: %s, config: {peers: [nobody, %s]}}",
			group, perProcess, commands[group], strings.Join(ids, ", ")))
	}
	rand.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
	dir := t.TempDir()
	yaml := fmt.Sprintf(`name: history
seed: %d
clock: {ticks: 20, deadline: 60s}
world: {kind: conversation, config: {rounds: 20, topic: all that was}}
channels: {square: {members: ["a-*", b-1]}}
on_failure: {crash: {restart: {attempts: 100}}}
agents:
%s
`, seed, strings.Join(entries, "\n"))
	path := filepath.Join(dir, "history.yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("troupe", "run", "--json", "--data", filepath.Join(dir, "data"), path)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, said.Bytes())
	}
	var got outcome
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Timed != 0 || got.Ticks != 20 {
		t.Errorf("%+v: want 20 ticks and no outcome that a clock decided\n%s", got, said.Bytes())
	}
	return got
}

// TestSameRunWhateverHappens is promise 1: delays, deaths, the order of entries
// and how agents share processes leave the hash alone; the seed does not.
func TestSameRunWhateverHappens(t *testing.T) {
	calm := map[string]string{"a": "[historian]", "b": "[historian]"}
	want := play(t, 7, calm, 1)
	if other := play(t, 8, calm, 1); other.Hash == want.Hash {
		t.Errorf("another seed gives the same hash")
	}
	for i := range 3 {
		late := map[string]string{"a": "[historian, late]", "b": "[historian]"}
		if got := play(t, 7, late, 1+i); got.Hash != want.Hash {
			t.Errorf("delays, %d to a process: hash %s, want %s", 1+i, got.Hash, want.Hash)
		}
	}
	for i := range 5 {
		// Two deaths in one tick make a shared process ask its agents one by
		// one; a third would rightly be the outcome of the one that died.
		most, perProcess := 2, 1+i%3
		if perProcess == 1 {
			most = 1000
		}
		dirs := map[string]string{"a": t.TempDir(), "b": t.TempDir()}
		commands := map[string]string{}
		for group, dir := range dirs {
			commands[group] = fmt.Sprintf("[historian, die, %s, '%d']", dir, most)
		}
		got := play(t, 7, commands, perProcess)
		deaths, err := os.ReadDir(dirs["a"])
		if err != nil || got.Hash != want.Hash {
			t.Errorf("%d deaths, %d to a process: hash %s, want %s (%v)", len(deaths), perProcess, got.Hash, want.Hash, err)
		}
	}
}
