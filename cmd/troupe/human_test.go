package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/troupe-dev/troupe/runtime/observe"
)

// awaitRun RUN waits until a run of the scripts' data directory runs.
func awaitRun(args []string) int {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	runs, err := observe.OpenRunning(ctx, os.Getenv("TROUPE_DATA"), "awaitrun", args[0], time.Minute)
	if err == nil {
		err = runs.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
