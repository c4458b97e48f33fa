package main

import (
	"fmt"
	"os"
)

// faulty is an agent that misbehaves in the way that its first argument names.
func faulty(args []string) int {
	if len(args) == 0 || faults[args[0]] == nil {
		fmt.Fprintln(os.Stderr, "faulty: no such fault")
		return 2
	}
	return faults[args[0]](args[1:])
}

// faults are the ways to misbehave.
var faults = map[string]func(args []string) int{
	"exit-at-once": func([]string) int {
		fmt.Fprintln(os.Stderr, "cannot find my hat")
		return 3
	},
}
