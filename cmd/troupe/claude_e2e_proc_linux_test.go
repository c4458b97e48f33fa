//go:build e2e

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A process is one of the machine's, as it was when it was looked at.
type process struct {
	pid, group int
	since      int    // when it was started, in ticks of the machine's clock
	env, argv  string // with a zero byte behind each part
}

// processes lists those whose environment can be read.
func processes() (all []process) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		dir := filepath.Join("/proc", e.Name())
		env, err := os.ReadFile(filepath.Join(dir, "environ"))
		if err != nil {
			continue
		}
		argv, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		stat, err := os.ReadFile(filepath.Join(dir, "stat"))
		_, rest, ok := strings.Cut(string(stat), ") ") // its name is before that
		fields := strings.Fields(rest)
		if err != nil || !ok || len(fields) < 20 {
			continue
		}
		group, _ := strconv.Atoi(fields[2])
		since, _ := strconv.Atoi(fields[19])
		all = append(all, process{pid, group, since, string(env), string(argv)})
	}
	return all
}

// processOf finds the process that the supervisor started for an agent: the first of
// those that there are, as that may have started others in groups of their own.
func (c *claudeRun) processOf(t *testing.T, id string) int {
	t.Helper()
	home := "HOME=" + filepath.Join(c.data, "runs", "r", "agents", id) + "/"
	var first process
	for _, p := range processes() {
		if strings.Contains(p.env, home) && p.pid == p.group && (first.pid == 0 || p.since < first.since) {
			first = p
		}
	}
	if first.pid == 0 {
		t.Errorf("agent %s has no process", id)
	}
	return first.pid
}

// signal sends a signal to all of an agent's process group.
func (c *claudeRun) signal(t *testing.T, id string, sig syscall.Signal) {
	t.Helper()
	pid := c.processOf(t, id)
	if pid == 0 {
		return
	}
	if err := syscall.Kill(-pid, sig); err != nil {
		t.Error(err)
	}
}

// awaitResult returns once the supervisor has heard a result of an agent's.
func (c *claudeRun) awaitResult(t *testing.T, id string) {
	t.Helper()
	result := []byte(`"type":"result"`)
	eventually(t, "a result of "+id, func() bool {
		files, _ := filepath.Glob(filepath.Join(c.data, "runs", "r", "agents", id, "transcript*"))
		for _, name := range files {
			if text, _ := os.ReadFile(name); bytes.Contains(text, result) {
				return true
			}
		}
		return false
	})
}

// eventually looks again and again until something is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Errorf("waited in vain for %s", what)
			return
		}
	}
}

// claudeHistory tells what became of an agent, as history does, with moves for
// actions.
func claudeHistory(events []claudeEvent, id string) string {
	var parts []string
	counts := map[string]int{}
	for _, e := range events {
		switch {
		case e.Agent != id:
		case e.Type == "outcome":
			var move struct{ Move string }
			text := fmt.Sprintf("%s/%s ", e.Failure, e.Policy)
			if json.Unmarshal(e.Action, &move) == nil && move.Move != "" {
				text += move.Move
			} else {
				text += string(e.Action)
			}
			if e.Unsent {
				text += " unsent"
			}
			parts = append(parts, text)
		case e.Type == "attempt":
			counts["attempts"]++
		case e.Type == "fact":
			counts[e.Fact]++
		}
	}
	for _, k := range sortedKeys(counts) {
		// Whether a tool that is killed leaves a helper in a group of its own is chance.
		if !slices.Contains([]string{"stopped", "swept"}, k) {
			parts = append(parts, fmt.Sprintf("%d %s", counts[k], k))
		}
	}
	return strings.Join(parts, "; ")
}
