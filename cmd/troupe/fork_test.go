package main

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestAForkIsThereOrNot kills forks at any moment. What was there with its manifest
// goes on; else the name is free. Either ends as the parent did.
func TestAForkIsThereOrNot(t *testing.T) {
	if testing.Short() {
		t.Skip("kills real processes for a while")
	}
	dir := t.TempDir()
	troupe := troupeIn(filepath.Join(dir, "data"))
	path := filepath.Join(dir, "s.yaml")
	write(t, path, `name: s
seed: 7
clock: {ticks: 12, deadline: 60s}
world: {kind: conversation, config: {rounds: 20}}
channels: {square: {members: ["*"]}}
agents:
  - {id: "a-{n}", replicas: 3, command: [troupe, bot, historian], config: {peers: [nobody, a-1]}}
  - {id: notes, command: [troupe, bot, historian], state: none, config: {notes: true, peers: [a-1]}}
`)
	start := time.Now()
	whole, err := troupe("run", "--name", "p", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	there := 0
	for range 12 {
		cmd := troupe("fork", "p", "--at", "11", "--name", "f")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		killed := time.AfterFunc(rand.N(took), func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		killed.Stop()
		last := troupe("fork", "p", "--at", "11", "--name", "f")
		if _, err := os.Stat(filepath.Join(dir, "data", "runs", "f", "plan.json")); err == nil {
			there++
			last = troupe("resume", "f")
		} else if !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		var said bytes.Buffer
		last.Stderr = &said
		if got, err := last.Output(); err != nil || !bytes.Equal(got, whole) {
			t.Fatalf("%v: %v\n%s%s\nwant %s", last.Args, err, got, said.Bytes(), whole)
		}
		if out, err := troupe("rm", "f").CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	t.Logf("of 12 forks that were killed, %d were there", there)
	if left := processesIn(filepath.Join(dir, "data"), 30*time.Second); len(left) > 0 {
		t.Errorf("there are still %v", left)
	}
}
