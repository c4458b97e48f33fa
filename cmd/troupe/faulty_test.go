package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"
)

// faulty is an agent or a world that misbehaves in the way that its first
// argument names.
func faulty(args []string) int {
	if len(args) == 0 || faults[args[0]] == nil {
		fmt.Fprintln(os.Stderr, "faulty: no such fault")
		return 2
	}
	return faults[args[0]](args[1:])
}

// A fault is one way to misbehave, as a program: it gives its exit code.
type fault = func(args []string) int

// faults are the ways to misbehave, by topic; well is none.
var faults = merged(map[string]fault{
	"well": func([]string) int { return converse(well) },
	"exit-at-once": func([]string) int {
		fmt.Fprintln(os.Stderr, "cannot find my hat")
		return 3
	},
}, lineFaults, deathFaults, silentFaults, sendFaults, turnFaults, curiousFaults, worldFaults, policyFaults)

func merged(tables ...map[string]fault) map[string]fault {
	all := map[string]fault{}
	for _, t := range tables {
		maps.Copy(all, t)
	}
	return all
}

// A told is one line of the runtime.
type told struct {
	Type        string
	Agent       string
	Seed        uint64
	Tick        int
	Attempt     int // 0 for the first
	Error       string
	Deadline    int `json:"deadline_ms"`
	Config      json.RawMessage
	Observation json.RawMessage
	Messages    []json.RawMessage
	Results     []json.RawMessage
}

// converse says ready to each init and hands each observe to answer, until
// stdin ends.
func converse(answer func(o told)) int { return converseAfter(func() {}, answer) }

// converseAfter is converse that does something before it says ready.
func converseAfter(before func(), answer func(o told)) int {
	for lines := json.NewDecoder(os.Stdin); ; {
		var o told
		if err := lines.Decode(&o); err != nil {
			return 0
		}
		switch o.Type {
		case "init":
			before()
			say(`{"type":"ready","agent":%q}`, o.Agent)
		case "observe":
			answer(o)
		}
	}
}

// at is an agent that answers well but for one tick, where it does as bad
// does whenever it is asked for the first time.
func at(tick int, bad func(o told)) fault {
	return func([]string) int {
		return converse(func(o told) {
			if o.Tick == tick && o.Attempt == 0 {
				bad(o)
				return
			}
			well(o)
		})
	}
}

// say writes a line to stdout.
func say(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// act answers an observe.
func act(o told, action string, more ...string) {
	rest := ""
	for _, m := range more {
		rest += "," + m
	}
	say(`{"type":"act","agent":%q,"tick":%d,"action":%s%s}`, o.Agent, o.Tick, action, rest)
}

// well answers as an agent should.
func well(o told) { act(o, fmt.Sprintf(`{"attempt":%d}`, max(o.Attempt, 1))) }

// once is true for the first caller with that name in a run, whichever process
// of the agent's it is: what it remembers lies beside the workspace, which is
// taken back to its beginning after a crash.
func once(name string) bool {
	f, err := os.OpenFile(filepath.Join("..", name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return false
	}
	return f.Close() == nil
}

// await waits for a file.
func await(path string) {
	for {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			return
		}
		time.Sleep(time.Millisecond)
	}
}
