//go:build !linux

package main

import (
	"fmt"
	"os"
)

// asPID1 needs a PID namespace, which only Linux has.
func asPID1([]string) int {
	fmt.Fprintln(os.Stderr, "only Linux has PID namespaces")
	return 1
}
