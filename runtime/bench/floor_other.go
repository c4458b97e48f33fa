//go:build !linux

package bench

import (
	"context"
	"errors"
	"time"
)

var errLinux = errors.New("the bench needs Linux: its floor pins threads to processors")

// Child is the child in Go, which is for Linux alone.
func Child([]string) error { return errLinux }

type bareOptions struct {
	program *program
	agents  int
	args    func(i int) []string
	flood   string
	pin     bool
}

type bareFleet struct{}

func startBare(context.Context, bareOptions) (*bareFleet, time.Duration, error) {
	return nil, 0, errLinux
}

func (*bareFleet) play([][]byte, int) (time.Duration, error) { return 0, errLinux }

func (*bareFleet) stop() {}
