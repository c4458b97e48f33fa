package main

import (
	"context"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/troupe-dev/troupe/runtime/observe"
)

var pauseCommand = &cli.Command{
	Name:      "pause",
	Usage:     "hold a running run before its next tick; troupe resume lets it go on",
	ArgsUsage: "RUN",
	Flags:     []cli.Flag{dataFlag},
	Action: onRun(func(ctx context.Context, runs observe.Runs, run string, _ *cli.Context) error {
		return runs.Pause(ctx, run)
	}),
}

var stepCommand = &cli.Command{
	Name:      "step",
	Usage:     "let a paused run play a tick, or more, and wait until that is on record",
	ArgsUsage: "RUN",
	Flags:     []cli.Flag{dataFlag, &cli.IntFlag{Name: "ticks", Usage: "play `N` ticks", Value: 1}},
	Action: onRun(func(ctx context.Context, runs observe.Runs, run string, c *cli.Context) error {
		if c.Int("ticks") < 1 {
			return usage("--ticks is 1 or more")
		}
		return runs.Step(ctx, run, c.Int("ticks"))
	}),
}

var speedCommand = &cli.Command{
	Name:        "speed",
	Usage:       "have a running run play at most so many ticks in a second",
	ArgsUsage:   "RUN TICKS_PER_SECOND",
	Description: "0 is as fast as it goes. What a run comes to does not depend on it.",
	Flags:       []cli.Flag{dataFlag},
	Action: func(c *cli.Context) error {
		perSecond, err := strconv.ParseFloat(c.Args().Get(1), 64)
		if c.NArg() != 2 || err != nil || !observe.ValidSpeed(perSecond) {
			return usage("speed wants a run and a number of ticks, 0 for as fast as it goes; see troupe speed --help")
		}
		return withRuns(c, func(ctx context.Context, runs observe.Runs) error {
			return runs.Speed(ctx, c.Args().First(), perSecond)
		})
	},
}

// onRun is a command about one run.
func onRun(do func(ctx context.Context, runs observe.Runs, run string, c *cli.Context) error) cli.ActionFunc {
	return func(c *cli.Context) error {
		run, err := one(c, "run")
		if err != nil {
			return err
		}
		return withRuns(c, func(ctx context.Context, runs observe.Runs) error { return do(ctx, runs, run, c) })
	}
}
