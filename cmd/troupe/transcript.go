package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/observe"
)

var transcriptCommand = &cli.Command{
	Name:      "transcript",
	Usage:     "print what was said to and by an agent that is a model",
	ArgsUsage: "RUN AGENT",
	Description: "Shows prompts, reasoning, tool calls with their results, replies and cost, as the\n" +
		"agent's own command line tool tells them.",
	Flags: []cli.Flag{
		dataFlag,
		&cli.IntFlag{Name: "tick", Usage: "only tick `T`"},
		&cli.BoolFlag{Name: "json", Usage: "print the lines as they are kept"},
	},
	Action: func(c *cli.Context) error {
		if c.NArg() != 2 {
			return usage("transcript wants a run and an agent; see troupe transcript --help")
		}
		tick := agent.AllTicks
		if c.IsSet("tick") {
			if tick = c.Int("tick"); tick < 0 {
				return usage("--tick is the number of a tick")
			}
		}
		run, id := c.Args().Get(0), c.Args().Get(1)
		return withRuns(c, func(ctx context.Context, runs observe.Runs) error {
			print := agent.PrintTranscript
			if c.Bool("json") {
				print = agent.CopyTranscript
			}
			return printTranscript(ctx, runs, run, id, tick, print)
		})
	},
}

func printTranscript(ctx context.Context, runs observe.Runs, run, id string, tick int, print func(io.Writer, io.Reader, int) (bool, error)) error {
	found := false
	err := readTranscript(ctx, runs, run, id, func(r io.Reader) (err error) {
		found, err = print(os.Stdout, r, tick)
		return err
	})
	if err == nil && !found {
		err = fmt.Errorf("agent %s of run %s was not asked in tick %d: troupe events %s has what it was asked", id, run, tick, run)
	}
	return err
}

// readTranscript gives do an agent's transcript to read, to its end or not.
func readTranscript(ctx context.Context, runs observe.Runs, run, id string, do func(io.Reader) error) error {
	r, w := io.Pipe()
	asked := make(chan error, 1)
	go func() {
		err := runs.Transcript(ctx, run, id, observe.All, w)
		_ = w.CloseWithError(err)
		asked <- err
	}()
	err := do(r)
	_ = r.CloseWithError(err)
	if failed := <-asked; failed != nil && err == nil {
		err = failed
	}
	return err
}
