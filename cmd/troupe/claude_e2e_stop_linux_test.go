//go:build e2e

package main

import (
	"bytes"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Stopped in the middle of a turn, with a tool at work that has children in the
// background and in a session of their own, a run leaves nothing behind.
func TestE2EClaudeStop(t *testing.T) {
	t.Parallel()
	c := newPair(t, bash("tail -f /dev/null & setsid tail -f /dev/null & (trap '' TERM INT HUP; tail -f /dev/null) & "+atGate))
	cmd := c.command("run", "--name", "r", "scenario.yaml")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var began time.Time
	c.gate(t, func() {
		began = time.Now()
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait() // its code says it
	})
	took := time.Since(began)
	if code := cmd.ProcessState.ExitCode(); code != 130 || took > 15*time.Second {
		t.Errorf("exit %d after %s, want 130 within the 4 s of a stop\n%s", code, took, &said)
	}
	for _, p := range processes() {
		if strings.Contains(p.env, c.data) {
			t.Errorf("process %d is left: %q", p.pid, p.argv)
			_ = syscall.Kill(p.pid, syscall.SIGKILL)
		}
	}
	if out := c.troupe(t, 0, "ps"); !strings.Contains(out, "interrupted") {
		t.Errorf("ps says\n%s", out)
	}
}
