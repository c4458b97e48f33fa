package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/troupe-dev/troupe/runtime"
)

var resumeCommand = &cli.Command{
	Name:      "resume",
	Usage:     "go on with a run that was interrupted, crashed, or stopped by a limit",
	ArgsUsage: "RUN",
	Description: "Goes on from the run's last committed tick, to the hash that it would have had: the\n" +
		"world is stepped through the recorded outcomes, agents are told their past. A run that\n" +
		"is over has its result printed. --set changes limits only, for this time. A run that is\n" +
		"paused is let go on.",
	Flags: append([]cli.Flag{
		dataFlag,
		&cli.StringSliceFlag{Name: "set", Usage: "change a limit: `PATH=VALUE`, such as limits.usd=20"},
	}, watchFlags...),
	Action: func(c *cli.Context) error {
		name, err := one(c, "run")
		if err != nil {
			return err
		}
		if err := runName(name); err != nil {
			return err
		}
		if err := checkListens(c); err != nil {
			return err
		}
		if going, err := resumeThere(c, name); going || err != nil {
			return err
		}
		unbegun := func(err error) error { return unresumed(err, name) }
		return perform(c, runtime.Options{Name: name}, unbegun, func(ctx context.Context, o runtime.Options) (*runtime.Result, error) {
			return runtime.Resume(ctx, o, c.StringSlice("set"))
		})
	},
}
