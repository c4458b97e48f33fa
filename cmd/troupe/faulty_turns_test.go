package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// turnFaults are programs of kind exec: one observe, one answer, the end.
var turnFaults = map[string]fault{
	// turn-well tells what its line told it.
	"turn-well": turn(func(o told) int {
		act(o, fmt.Sprintf(`{"seed":%d,"config":%s,"deadline_ms":%d}`, o.Seed, o.Config, o.Deadline))
		return 0
	}),
	"turn-exit-1": turn(func(o told) int {
		well(o)
		fmt.Fprintln(os.Stderr, "second thoughts")
		return 1
	}),
	"turn-mute": turn(func(told) int { return 0 }),
	"turn-murmurs": turn(func(told) int {
		say("lorem ipsum")
		return 0
	}),
	"turn-hangs": turn(func(o told) int {
		well(o)
		time.Sleep(time.Hour)
		return 0
	}),
	"turn-killed": turn(func(told) int {
		die()
		return 0
	}),
	// turn-dies-once dies in the first of all its turns, before it answers.
	"turn-dies-once": turn(func(o told) int {
		if once("died") {
			die()
		}
		well(o)
		return 0
	}),
	"turn-repeats": turn(func(o told) int {
		act(o, `{"word":"first"}`)
		act(o, `{"word":"last"}`)
		return 0
	}),
}

// turn reads the one line, and holds that nothing comes after it.
func turn(answer func(o told) int) fault {
	return func([]string) int {
		lines := json.NewDecoder(os.Stdin)
		var o told
		if err := lines.Decode(&o); err != nil || o.Type != "observe" {
			fmt.Fprintln(os.Stderr, "want an observe line first:", o.Type, err)
			return 100
		}
		if lines.More() {
			fmt.Fprintln(os.Stderr, "want nothing after the observe line")
			return 101
		}
		return answer(o)
	}
}
