package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
)

// worldFaults are worlds that are processes.
var worldFaults = map[string]fault{"world-script": scriptedWorld}

// A script is the config of a scripted world: what it says, line by line.
type script struct {
	Ready map[string]any
	// Steps are its answers, one a tick. A refuse in one is said instead, until
	// it is asked again.
	Steps []map[string]any
}

// scriptedWorld says what its config tells it. An argument such as crash@2
// makes it misbehave in that tick, with ! at its end whenever it comes there,
// else once; ready is told to be tick -1. Each tick's column actions holds
// what the agents did.
func scriptedWorld(args []string) int {
	lines := json.NewDecoder(os.Stdin)
	var s script
	for {
		var in struct {
			Type    string
			Tick    int
			Config  script
			Actions []json.RawMessage
		}
		if lines.Decode(&in) != nil {
			return 0
		}
		var answer map[string]any
		switch in.Type {
		case "init":
			s, in.Tick, answer = in.Config, -1, in.Config.Ready
			answer["type"] = "ready"
		case "step":
			answer = s.Steps[min(in.Tick, len(s.Steps)-1)]
			if why, ok := answer["refuse"]; ok {
				delete(answer, "refuse")
				answer = map[string]any{"type": "refused", "tick": in.Tick, "refused": why}
				break
			}
			answer["type"] = "stepped"
			answer["columns"] = map[string]any{"actions": in.Actions}
		}
		if strikes(args, in.Tick) {
			continue
		}
		text, err := json.Marshal(answer)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		say("%s", text)
	}
}

// strikes does the misdeed that an argument orders for a tick, and says
// whether the answer is withheld.
func strikes(args []string, tick int) bool {
	for _, a := range args {
		always := strings.HasSuffix(a, "!")
		deed, when, _ := strings.Cut(strings.TrimSuffix(a, "!"), "@")
		if when == fmt.Sprint(tick) && (always || once(a)) {
			misdeeds[deed]()
			return true
		}
	}
	return false
}

var misdeeds = map[string]func(){
	"crash": func() {
		fmt.Fprintln(os.Stderr, "the sky is falling")
		os.Exit(3)
	},
	"hang":    func() { time.Sleep(time.Hour) },
	"garbage": func() { say(`{"type":"stepped","observations":[1,2,3]}`) },
	"silence": func() {},
}
