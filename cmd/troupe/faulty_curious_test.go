package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"time"

	"crypto/sha256"
)

// curiousFaults remember, change their minds, or do what repeats badly.
var curiousFaults = map[string]fault{
	// fickle dies once in tick 2, and then answers tick 1 otherwise; steady
	// does neither.
	"fickle": func([]string) int {
		mind := "first"
		if _, err := os.Stat("../killed"); err == nil {
			mind = "second"
		}
		return converse(func(o told) {
			switch {
			case o.Tick == 2 && once("killed"):
				die()
			case o.Tick == 1:
				act(o, `{"mind":"`+mind+`"}`)
			default:
				well(o)
			}
		})
	},
	"steady": at(1, func(o told) { act(o, `{"mind":"first"}`) }),
	// keeps-count counts its answers in memory and in a file; killed once in
	// tick 2, after the file is written.
	"keeps-count": func([]string) int {
		memory := 0
		return converse(func(o told) {
			memory++
			file := count("count")
			if o.Tick == 2 && once("killed") {
				die()
			}
			act(o, fmt.Sprintf(`{"memory":%d,"file":%d}`, memory, file))
		})
	},
	// keeps-time answers by the clock; killed once in tick 2.
	"keeps-time": func([]string) int {
		return converse(func(o told) {
			if o.Tick == 2 && once("killed") {
				die()
			}
			act(o, fmt.Sprintf(`{"time":%d}`, time.Now().UnixNano()))
		})
	},
	"walker": walker,
	// poison-NAME kills the process whenever it is asked for the agent NAME.
	"poison": func(args []string) int {
		return converse(func(o told) {
			if o.Agent == args[0] && o.Tick == 1 {
				die()
			}
			well(o)
		})
	},
}

// count adds 1 to the number in a file.
func count(name string) int {
	text, _ := os.ReadFile(name)
	n, _ := strconv.Atoi(string(text))
	if err := os.WriteFile(name, []byte(strconv.Itoa(n+1)), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return n + 1
}

// walker answers by all that it was ever told: its state is a hash over it,
// begun with its seed. It takes its time, at random, and dies once in each of
// the ticks that its arguments name (AGENT@TICK).
func walker(args []string) int {
	state := map[string][32]byte{}
	lines := json.NewDecoder(os.Stdin)
	for {
		var o told
		if err := lines.Decode(&o); err != nil {
			return 0
		}
		switch o.Type {
		case "init":
			state[o.Agent] = sha256.Sum256(fmt.Append(nil, o.Agent, o.Seed, string(o.Config)))
			say(`{"type":"ready","agent":%q}`, o.Agent)
		case "observe":
			at := fmt.Sprintf("%s@%d", o.Agent, o.Tick)
			time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
			if slices.Contains(args, at) && once(at) {
				die()
			}
			h := state[o.Agent]
			h = sha256.Sum256(fmt.Appendf(nil, "%x %d %s %s %s", h, o.Tick, o.Observation, o.Messages, o.Results))
			state[o.Agent] = h
			walk(o, h)
		}
	}
}

// walk answers with the state, and writes to whom the state says.
func walk(o told, h [32]byte) {
	send := fmt.Sprintf(`"send":[{"to":"walker-%d","body":"%x"}]`, h[0]%8, h[:4]) // some of them are nobody
	if h[1]%3 == 0 {
		send = fmt.Sprintf(`"send":[{"channel":"square","body":"%x"}]`, h[:4])
	}
	act(o, fmt.Sprintf(`{"state":"%x"}`, h[:8]), send)
}
