package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/troupe-dev/troupe/runtime/observe"
)

var rmCommand = &cli.Command{
	Name:      "rm",
	Usage:     "remove runs with all their files",
	ArgsUsage: "RUN…",
	Flags:     []cli.Flag{dataFlag, &cli.BoolFlag{Name: "force", Usage: "stop a run that is running, then remove it"}},
	Action: func(c *cli.Context) error {
		if c.NArg() == 0 {
			return usage("rm wants the names of runs; troupe ps lists them")
		}
		return withRuns(c, func(ctx context.Context, runs observe.Runs) error {
			var errs []error
			for _, run := range c.Args().Slice() {
				errs = append(errs, runs.Remove(ctx, run, c.Bool("force")))
			}
			return errors.Join(errs...)
		})
	},
}

var pruneCommand = &cli.Command{
	Name:  "prune",
	Usage: "remove the runs that began some time ago and are not running",
	Flags: []cli.Flag{dataFlag, &cli.StringFlag{Name: "older", Usage: "how long ago at least, such as `7d` or 12h"}},
	Action: func(c *cli.Context) error {
		age, err := parseAge(c.String("older"))
		if err != nil {
			return err
		}
		return withRuns(c, func(ctx context.Context, runs observe.Runs) error { return prune(ctx, runs, age) })
	},
}

func prune(ctx context.Context, runs observe.Runs, age time.Duration) error {
	list, err := runs.List(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, r := range list {
		if r.Status == observe.Running || r.Started.IsZero() || time.Since(r.Started) < age {
			continue
		}
		if err := runs.Remove(ctx, r.Run, false); err != nil {
			errs = append(errs, err)
			continue
		}
		_, _ = fmt.Fprintln(os.Stdout, r.Run)
	}
	return errors.Join(errs...)
}

// mostDays keeps an age within what a time.Duration holds.
const mostDays = 100_000

// parseAge reads a length of time that may be in days.
func parseAge(s string) (time.Duration, error) {
	const want = "want a length of time such as 7d, 12h or 30m"
	if s == "" {
		return 0, usage("--older is missing: %s", want)
	}
	d, err := time.ParseDuration(s)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		var n float64
		n, err = strconv.ParseFloat(days, 64)
		if !(n >= 0 && n <= mostDays) {
			n = -1 // not a number, or more than a time.Duration holds
		}
		d = time.Duration(n * 24 * float64(time.Hour))
	}
	if err != nil || d < 0 {
		return 0, usage("--older %s: %s", s, want)
	}
	return d, nil
}
