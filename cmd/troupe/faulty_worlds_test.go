package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// worldFaults are worlds that are processes.
var worldFaults = map[string]fault{"world-script": scriptedWorld}

// A script is the config of a scripted world: what it says, line by line.
type script struct {
	Ready map[string]any
	// Steps are its answers, one a tick. A refuse in one is said instead, until
	// it is asked again. With a want it refuses an agent's action until the
	// action's attempt is the wanted one, as a world does whose rules say so.
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
			answer = stepped(s.Steps[min(in.Tick, len(s.Steps)-1)], in.Tick, in.Actions)
		}
		text, err := json.Marshal(answer)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		if !strikes(args, in.Tick, string(text)) {
			say("%s", text)
		}
	}
}

// stepped is the answer to a step: the script's, or a refusal.
func stepped(answer map[string]any, tick int, actions []json.RawMessage) map[string]any {
	why, refused := answer["refuse"]
	delete(answer, "refuse")
	if want, ok := answer["want"].(map[string]any); ok && !refused {
		why, refused = unwanted(want, actions)
	}
	if refused {
		return map[string]any{"type": "refused", "tick": tick, "refused": why}
	}
	answer["type"], answer["columns"] = "stepped", map[string]any{"actions": actions}
	return answer
}

// unwanted says of each action that is another attempt than the wanted one why
// it is refused.
func unwanted(want map[string]any, actions []json.RawMessage) (why map[string]string, refused bool) {
	why = map[string]string{}
	for _, raw := range actions {
		var a struct {
			Agent  string
			Action struct{ Attempt float64 }
		}
		if json.Unmarshal(raw, &a) == nil && a.Action.Attempt > 0 && want[a.Agent] != nil && want[a.Agent] != a.Action.Attempt {
			why[a.Agent] = fmt.Sprintf("attempt %v of %v", a.Action.Attempt, want[a.Agent])
		}
	}
	return why, len(why) > 0
}
