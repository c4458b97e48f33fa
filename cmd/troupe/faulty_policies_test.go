package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// policyFaults are the agents of the table of policies.
var policyFaults = map[string]fault{
	// says answers the same in every tick.
	"says": func(args []string) int { return converse(func(o told) { act(o, args[0]) }) },
	// fails does what it says in tick 0, however often it is asked.
	"fails": func(args []string) int {
		if args[0] == "differs" {
			return changesItsMind()
		}
		return converse(func(o told) {
			if o.Tick > 0 {
				well(o)
				return
			}
			failures[args[0]](o)
		})
	},
	// heals makes a program of a file once the agent wait could not be started.
	"heals": func(args []string) int {
		return converse(func(o told) {
			if o.Tick == 0 {
				await(filepath.Join("..", "..", "wait", "stderr.log"))
				text := "#!/bin/sh\nexec faulty says '{\"healed\":true}'\n"
				err := os.WriteFile("healthy", []byte(text), 0o700) //nolint:gosec // it is executed
				if err == nil {
					err = os.Rename("healthy", args[0])
				}
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
				}
			}
			well(o)
		})
	},
}

// changesItsMind is a process that dies in tick 1, and another in its place that
// answers otherwise.
func changesItsMind() int {
	mind := "first"
	if _, err := os.Stat("../killed"); err == nil {
		mind = "second"
	}
	return converse(func(o told) {
		if o.Tick == 1 && once("killed") {
			die()
		}
		act(o, fmt.Sprintf(`{"mind":%q}`, mind))
	})
}

var failures = map[string]func(o told){
	"deadline":       func(told) {},
	"crash":          func(told) { os.Exit(7) },
	"invalid_action": func(o told) { say(`{"type":"act","agent":%q,"tick":"one","action":{}}`, o.Agent) },
	"oversize":       func(told) { huge(2 << 20) },
}
