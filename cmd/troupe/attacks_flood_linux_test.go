package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A flood takes more than the agent may of something. It blocks where it was let,
// and waits to be ended; an error says what has held it.
type flood struct {
	limits string // of the scenario
	pour   func(o told) error
}

// errAnswered says that the flood was the answer.
var errAnswered = errors.New("it has answered")

// Sizes of floods, beside the limits below.
const (
	mostProcesses = 40
	mostDisk      = 32 << 20
	mostMemory    = 256 << 20
	mostLog       = 4 << 20
)

// logLimit is what a log may take, in bytes; twice as much while it is replaced.
const logLimit = 64 << 10

var floods = map[string]flood{
	"messages": {"messages: 5", func(o told) error {
		act(o, `null`, `"send":[`+strings.Repeat(`{"to":"good","body":1},`, 999)+`{"to":"good","body":1}]`)
		return errAnswered
	}},
	"long-messages": {"message_bytes: 1KiB", func(o told) error {
		act(o, `null`, `"send":[{"to":"good","body":"`+strings.Repeat("x", 512<<10)+`"}]`)
		return errAnswered
	}},
	"log": {"log: 64KiB", func(told) error {
		line := strings.Repeat("x", 1<<10) + "\n"
		for range mostLog / len(line) {
			fmt.Fprint(os.Stderr, line)
		}
		return errors.New("it is cut: see its file")
	}},
	"disk": {"disk: 4MiB", func(told) error {
		for n := range mostDisk >> 20 {
			if err := os.WriteFile(fmt.Sprint("drop-", n), make([]byte, 1<<20), 0o600); err != nil {
				return err
			}
		}
		return nil
	}},
	"file": {"file_size: 1MiB", func(told) error { return os.WriteFile("sea", make([]byte, 2<<20), 0o600) }},
	"files": {"files: 64", func(told) error {
		for range 200 {
			if _, err := os.Open("/dev/null"); err != nil {
				return err
			}
		}
		return nil
	}},
	"processes": {"processes: 30", func(told) error {
		for range mostProcesses {
			if err := exec.Command("setsid", "sleep", "1000").Start(); err != nil {
				return err
			}
		}
		return nil
	}},
	"memory": {"memory: 64MiB", func(told) error {
		sea := make([]byte, mostMemory)
		for i := 0; i < len(sea); i += 4 << 10 {
			sea[i] = 1
		}
		return nil
	}},
	"cpu": {"cpu: 500ms", func(told) error {
		for end := time.Now().Add(observing); time.Now().Before(end); {
			_ = make([]byte, 1<<10)
		}
		return nil
	}},
}

// flooder pours in tick 1, and is well behaved else.
func flooder(name string) int {
	return converse(func(o told) {
		if o.Tick != 1 {
			act(o, `"well"`)
			return
		}
		switch err := floods[name].pour(o); {
		case errors.Is(err, errAnswered):
		case err != nil:
			act(o, fmt.Sprintf(`{"held":%q}`, err.Error()))
		default:
			select {}
		}
	})
}

// flooding is a name in workspace.Attacks.
const flooding = "take more than its limits of messages, logs, disk, files, processes, memory or time"

// flood has every flood poured at once, beside an agent that is to notice nothing
// of it.
func (s site) flood(t *testing.T, isolation string) spoils {
	t.Helper()
	var b strings.Builder
	b.WriteString("name: flood\nclock: {ticks: 3, deadline: 60s}\nworld: {kind: conversation, config: {rounds: 3}}\nagents:\n  - {id: good, command: [troupe, bot, echo]}\n")
	for name, f := range floods {
		fmt.Fprintf(&b, "  - {id: %s, command: [hostile, flood, %[1]s], limits: {%s}}\n", name, f.limits)
	}
	path := filepath.Join(s.dir, "flood.yaml")
	write(t, path, b.String())
	run := "flood-" + isolation
	s.troupe(t, "run", path, "--name", run, "--set", "isolation="+isolation)
	all, well := spoils{}, map[string]int{}
	for line := range strings.Lines(s.troupe(t, "events", run)) {
		var e struct {
			Tick                 int
			Type, Agent, Failure string
			Action               json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Type != "outcome" {
			continue
		}
		if e.Failure == "" {
			well[e.Agent]++
		}
		if e.Tick == 1 && e.Agent != "good" {
			held := strings.Contains(string(e.Action), `"held"`)
			all.add(flooding, e.Agent, !held && e.Failure != "limit")
			t.Logf("%s: %s%s", e.Agent, e.Failure, e.Action)
		}
	}
	if well["good"] != 3 {
		t.Errorf("beside floods the good agent has %d of 3 ticks", well["good"])
	}
	for name := range floods {
		if well[name] < 2 && name != "cpu" { // which is counted over the whole run
			t.Errorf("%s does not come back: it has %d good ticks", name, well[name])
		}
	}
	if info, err := os.Stat(filepath.Join(s.dir, "data", "runs", run, "agents", "log", "stderr.log")); err != nil || info.Size() > 2*logLimit {
		t.Errorf("a log has %v, %v", info, err)
	}
	if left := processesIn(s.dir, 0); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
	return all
}
