package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/troupe-dev/troupe/runtime/observe"
)

// withRuns opens the data directory's runs for one command.
func withRuns(c *cli.Context, use func(ctx context.Context, runs observe.Runs) error) error {
	ctx, release := signal.NotifyContext(c.Context, syscall.SIGINT, syscall.SIGTERM)
	defer release()
	runs, err := observe.Open(ctx, c.String("data"), c.Command.Name)
	if err != nil {
		return explain(err)
	}
	err = use(ctx, runs)
	if cerr := runs.Close(); err == nil {
		err = cerr
	}
	if errors.Is(err, context.Canceled) {
		return exit{code: exitInterrupted}
	}
	return explain(err)
}

var psCommand = &cli.Command{
	Name:  "ps",
	Usage: "list the runs of a data directory, the newest first",
	Flags: []cli.Flag{dataFlag, &cli.BoolFlag{Name: "json", Usage: "print a JSON array"}},
	Action: func(c *cli.Context) error {
		return withRuns(c, func(ctx context.Context, runs observe.Runs) error {
			list, err := runs.List(ctx)
			if err != nil {
				return err
			}
			if c.Bool("json") {
				return writeJSON(os.Stdout, list)
			}
			return printRuns(list)
		})
	},
}

func printRuns(list []observe.Run) error {
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "RUN\tSCENARIO\tSEED\tSTATUS\tTICKS\tAGENTS\tISOLATION\tNEAREST LIMIT\tSTARTED\tHASH")
	for _, r := range list {
		if r.Error != "" {
			_, _ = fmt.Fprintf(t, "%s\t%s\t\tunreadable\t\t\t\t\t\t%s\n", r.Run, r.Scenario, r.Error)
			continue
		}
		ticks := fmt.Sprint(r.Ticks)
		if r.Last > 0 {
			ticks += fmt.Sprintf("/%d", r.Last)
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%d\t%s\t%s\t%s\t%.12s\n", r.Run, r.Scenario, r.Seed, standing(r),
			ticks, r.Agents, r.Isolation, nearest(r.Limits), r.Started.Local().Format(time.DateTime), r.Hash)
	}
	return t.Flush()
}

// standing is a run's status, for people.
func standing(r observe.Run) string {
	if r.Paused {
		return "paused"
	}
	return string(r.Status)
}

// nearest is who takes the most of a limit, for people.
func nearest(uses []observe.Use) string {
	if len(uses) == 0 {
		return ""
	}
	u := slices.MaxFunc(uses, func(a, b observe.Use) int { return cmp.Compare(a.Share, b.Share) })
	return fmt.Sprintf("%s: %s of %s (%s)", u.Process, u.Used, u.Most, u.Limit)
}

var eventsCommand = &cli.Command{
	Name:      "events",
	Usage:     "print a run's record as JSON lines",
	ArgsUsage: "RUN",
	Flags: []cli.Flag{
		dataFlag,
		&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "go on until the run is over"},
		&cli.IntFlag{Name: "from", Usage: "begin at tick `T`"},
	},
	Action: func(c *cli.Context) error {
		run, err := one(c, "run")
		if err != nil {
			return err
		}
		if c.Int("from") < 0 {
			return usage("--from is the number of a tick")
		}
		return withRuns(c, func(ctx context.Context, runs observe.Runs) error {
			return runs.Events(ctx, run, c.Int("from"), c.Bool("follow"), os.Stdout)
		})
	},
}

var logsCommand = &cli.Command{
	Name:      "logs",
	Usage:     "print what an agent's process has logged, or the world's",
	ArgsUsage: "RUN [AGENT]",
	Flags:     []cli.Flag{dataFlag, &cli.IntFlag{Name: "tail", Usage: "print the last lines, of `N` bytes at most"}},
	Action: func(c *cli.Context) error {
		if c.NArg() < 1 || c.NArg() > 2 {
			return usage("logs wants a run and an agent; without the agent it prints the world's log")
		}
		tail := observe.All
		if c.IsSet("tail") {
			if tail = c.Int("tail"); tail < 1 {
				return usage("--tail is a number of bytes, 1 or more")
			}
		}
		return withRuns(c, func(ctx context.Context, runs observe.Runs) error {
			return runs.Log(ctx, c.Args().Get(0), c.Args().Get(1), tail, os.Stdout)
		})
	},
}

var stopCommand = &cli.Command{
	Name:      "stop",
	Usage:     "stop a running run resumably, and wait until it has stopped",
	ArgsUsage: "RUN",
	Flags:     []cli.Flag{dataFlag},
	Action: func(c *cli.Context) error {
		run, err := one(c, "run")
		if err != nil {
			return err
		}
		return withRuns(c, func(ctx context.Context, runs observe.Runs) error { return runs.Stop(ctx, run) })
	},
}
