package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/troupe-dev/troupe/runtime"
)

var diffCommand = &cli.Command{
	Name:      "diff",
	Usage:     "find the first difference between two recorded runs",
	ArgsUsage: "A B",
	Description: "Compares what is hashed: what the runs began with (seed, world, channels, agents), then\n" +
		"tick by tick who was asked, observations, outcomes, messages, results, scores, columns,\n" +
		"events, and who came and went.",
	Flags: []cli.Flag{dataFlag, &cli.BoolFlag{Name: "json", Usage: "print one JSON object and nothing else on stdout"}},
	Action: func(c *cli.Context) error {
		if c.NArg() != 2 {
			return usage("diff wants two runs; see troupe diff --help")
		}
		ctx, release := signal.NotifyContext(c.Context, syscall.SIGINT, syscall.SIGTERM)
		defer release()
		res, err := runtime.Diff(ctx, runtime.DiffOptions{
			Data: c.String("data"), A: c.Args().Get(0), B: c.Args().Get(1), Command: strings.Join(os.Args[1:], " "),
		})
		switch {
		case errors.Is(err, context.Canceled):
			return exit{code: exitInterrupted}
		case err != nil:
			return explain(err)
		}
		printDiff(res, c.Bool("json"))
		if res.Difference != nil {
			return exit{code: exitDiffers}
		}
		return nil
	},
}

func printDiff(res *runtime.DiffResult, asJSON bool) {
	switch {
	case asJSON:
		printLine(os.Stdout, struct {
			A          string          `json:"a"`
			B          string          `json:"b"`
			Same       int             `json:"same_ticks"`
			Difference *jsonDifference `json:"difference"`
		}{res.A, res.B, res.Same, differenceJSON(res.Difference)})
	case res.Difference != nil:
		fmt.Printf("%s\n", res.Difference.Text(res.A+" has", res.B+" has"))
	default:
		fmt.Printf("no difference: runs %s and %s have the same %d ticks\n", res.A, res.B, res.Same)
	}
}
