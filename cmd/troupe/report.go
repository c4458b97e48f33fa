package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/troupe-dev/troupe/dashboards"
	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/runtime/record/export"
)

var reportCommand = &cli.Command{
	Name:      "report",
	Usage:     "write a run as one HTML file, to keep or to send",
	ArgsUsage: "RUN",
	Description: "The file is the live page with the run's data in it: ticks to go back and forth in,\n" +
		"charts, agents with their turns, transcripts and logs. It needs no network and runs nothing\n" +
		"of what agents wrote. Of a big run it has a part, and says which.",
	Flags: []cli.Flag{
		dataFlag,
		&cli.StringFlag{Name: "out", Aliases: []string{"o"}, Usage: "write `FILE`, which is there once it is whole (default: RUN.html; - for stdout)"},
	},
	Action: func(c *cli.Context) error {
		run, err := one(c, "run")
		if err != nil {
			return err
		}
		out := c.String("out")
		if out == "" {
			out = run + ".html"
		}
		if out == "-" && term.IsTerminal(int(os.Stdout.Fd())) {
			return usage("a report is nothing for a terminal: name a file with --out")
		}
		return withRuns(c, func(ctx context.Context, runs observe.Runs) error {
			write := func(w io.Writer) error {
				var data bytes.Buffer
				if err := observe.Report(ctx, runs, run, &data); err != nil {
					return err
				}
				return dashboards.WriteReport(w, data.Bytes())
			}
			if out == "-" {
				return write(os.Stdout)
			}
			if err := export.File(out, write); err != nil {
				return err
			}
			_, err := fmt.Fprintln(os.Stdout, out)
			return err
		})
	},
}
