package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"crypto/sha256"
)

// curiousFaults look around, remember, or do what repeats badly.
var curiousFaults = map[string]fault{
	// looks-around tells what it finds of the world outside: environment,
	// directory, descriptors, and whether its directories can be written.
	"looks-around": func([]string) int { return converse(lookAround) },
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

func lookAround(o told) {
	cwd, _ := os.Getwd()
	writable := true
	for _, dir := range []string{".", os.Getenv("HOME"), os.Getenv("TMPDIR")} {
		f, err := os.CreateTemp(dir, "x")
		writable = writable && err == nil && f.Close() == nil && os.Remove(f.Name()) == nil
	}
	env := os.Environ()
	slices.Sort(env)
	text, err := json.Marshal(map[string]any{"env": env, "cwd": cwd, "fds": openFiles(), "writable": writable})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	act(o, string(text))
}

// openFiles lists this process's descriptors as it was given them: those that
// the Go runtime opens for itself are no files of anybody's.
func openFiles() (list []string) {
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		to, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err != nil || strings.HasPrefix(to, "anon_inode:") || strings.HasSuffix(to, "/fd") {
			continue // the poller's, and the directory that is being read
		}
		list = append(list, e.Name())
	}
	return list
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
