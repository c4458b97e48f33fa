//go:build e2e

package clients_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestE2EOnTheBus plays the samples that are programs on the bus, with the
// official clients. That of Python is not there to be installed: its sample plays
// with what stands in for it.
func TestE2EOnTheBus(t *testing.T) {
	modules := os.Getenv("TROUPE_NATS_JS")
	if modules == "" {
		t.Fatal("TROUPE_NATS_JS names no node_modules with the client for JavaScript: .ci/run installs it")
	}
	bin, dir := build(t), t.TempDir()
	for _, name := range []string{"nats/agent.mjs", "nats/agent.py", "nats/game.yaml", "testdata/nats.py"} {
		text, err := os.ReadFile(name)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(name)), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(dir, "node_modules"), os.DirFS(modules)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, "agent"), "./nats").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	run(t, dir, bin, "run", "game.yaml")
	run(t, dir, bin, "run", "game.yaml", "--set", "agents.javascript.command=[python3, agent.py]", "--set", "agents.javascript.files=[nats.py]")
}
