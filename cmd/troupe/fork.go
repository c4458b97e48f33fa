package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/troupe-dev/troupe/runtime"
	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/scenarios"
)

var forkCommand = &cli.Command{
	Name:      "fork",
	Usage:     "start a new run from a tick of another, with something changed",
	ArgsUsage: "RUN",
	Description: "The new run has the ticks of RUN before --at on its record, and plays on from there: the\n" +
		"same world, mail and scores, agents told their past. --set changes how agents are driven\n" +
		"(kind, command, …) and much of the scenario, but not what these ticks were played with:\n" +
		"the seed, the world's config, channels, agents and their configs.",
	Flags: append([]cli.Flag{
		dataFlag,
		&cli.IntFlag{Name: "at", Usage: "play on from tick `T`"},
		&cli.StringSliceFlag{Name: "set", Usage: "set `PATH=VALUE` in the scenario, such as 'agents.a-*.kind=recorded' (answers as in RUN)"},
		&cli.StringFlag{Name: "name", Usage: "call the run `NAME` (default: RUN, fork and a number)"},
	}, watchFlags...),
	Action: forkRun,
}

func forkRun(c *cli.Context) error {
	parent, err := one(c, "run")
	if err != nil {
		return err
	}
	if !c.IsSet("at") || c.Int("at") < 0 {
		return usage("say with --at from which tick on, counted from 0")
	}
	if err := errors.Join(runName(parent), runName(c.String("name"))); err != nil {
		return err
	}
	if err := checkListens(c); err != nil {
		return err
	}
	f, err := runtime.PlanFork(runtime.ForkOptions{
		Data: c.String("data"), Run: parent, At: c.Int("at"), Sets: c.StringSlice("set"), Troupe: itself,
	})
	var problems scenarios.Problems
	switch {
	case errors.As(err, &problems):
		tellProblems(problems, "the scenario of run "+parent)
		return exit{code: exitUsage}
	case errors.Is(err, observe.ErrNoRun):
		return explain(err)
	case err != nil:
		return exit{exitUsage, explain(err)}
	}
	return perform(c, runtime.Options{Name: c.String("name")}, explain, func(ctx context.Context, o runtime.Options) (*runtime.Result, error) {
		return runtime.Fork(ctx, f, o)
	})
}

// tellProblems prints what is wrong with a scenario.
func tellProblems(problems scenarios.Problems, where string) {
	for _, x := range problems {
		fmt.Fprintln(os.Stderr, x)
	}
	if n := len(problems); n > 1 {
		fmt.Fprintf(os.Stderr, "%d problems in %s\n", n, where)
	}
}
