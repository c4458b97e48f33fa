//go:build e2e

// Package clients_test runs the clients and samples with the interpreters they
// are written for.
package clients_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// build makes the troupe that the tests run.
func build(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "troupe")
	out, err := exec.Command("go", "build", "-o", bin, "../../cmd/troupe").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

func run(t *testing.T, dir, bin string, args ...string) {
	t.Helper()
	cmd := exec.Command(bin, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TROUPE_DATA="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("troupe %v: %v\n%s", args, err, out)
	}
}

// TestE2ESamples runs every sample scenario: each expects its exact result.
func TestE2ESamples(t *testing.T) {
	bin := build(t)
	files, err := filepath.Glob("*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	for _, f := range files {
		t.Run(f, func(t *testing.T) { run(t, ".", bin, "run", f) })
	}
}

// TestE2ETry holds a conversation with each sample agent alone.
func TestE2ETry(t *testing.T) {
	bin := build(t)
	for _, command := range [][]string{
		{"python3", "agent.py"}, {"python3", "bare.py"}, {"node", "agent.mjs"}, {"sh", "agent.sh"},
	} {
		t.Run(command[1], func(t *testing.T) { run(t, ".", bin, append([]string{"try", "--"}, command...)...) })
	}
}

// TestE2EStarter runs what init writes, and twice gives the same hash.
func TestE2EStarter(t *testing.T) {
	bin, dir := build(t), t.TempDir()
	run(t, dir, bin, "init", ".")
	run(t, dir, bin, "run", "scenario.yaml")
	run(t, dir, bin, "try", "--", "python3", "agent.py")
}
