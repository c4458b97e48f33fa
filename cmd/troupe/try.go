package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/troupe-dev/troupe/runtime"
	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/workspace"
)

var tryCommand = &cli.Command{
	Name:      "try",
	Usage:     "hold a conversation with one agent and say what is wrong with its answers",
	ArgsUsage: "-- COMMAND…",
	Description: "Starts the command as a run would, says init, asks it some observations, and stops it. It may\n" +
		"read the files that lie beside those of the current directory that it names, and write nothing there.\n" +
		"Lines that go to the agent are shown after →, lines that come from it after ←.",
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "isolation", Value: workspace.Auto, Usage: "have the walls that `WORD` means in a scenario"},
		&cli.StringFlag{Name: "config", Usage: "give the agent `JSON` as its config"},
		&cli.StringSliceFlag{Name: "observe", Usage: "ask it the observation `JSON` instead of an example; may be repeated"},
	},
	Action: func(c *cli.Context) error {
		if !c.Args().Present() {
			return usage("try wants the agent's command: troupe try -- python3 agent.py")
		}
		isolation := c.String("isolation")
		if _, err := workspace.Survey(isolation, &workspace.Site{Data: os.TempDir()}); err != nil {
			return usage("--isolation: %w", err)
		}
		t := runtime.Tryout{Command: c.Args().Slice(), Isolation: isolation, Transcript: os.Stdout, Stderr: os.Stderr}
		config, err := compactJSON("--config", c.String("config"))
		if err != nil {
			return err
		}
		t.Config = config
		for _, text := range c.StringSlice("observe") {
			o, err := compactJSON("--observe", text)
			if err != nil {
				return err
			}
			t.Observations = append(t.Observations, o)
		}
		ctx, release := signal.NotifyContext(c.Context, syscall.SIGINT, syscall.SIGTERM)
		defer release()
		report, err := runtime.Try(ctx, t)
		if err != nil {
			return explain(err)
		}
		return printReport(os.Stdout, report)
	},
}

func compactJSON(flag, text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		return nil, usage("%s: %w", flag, err)
	}
	return b.Bytes(), nil
}

func printReport(w io.Writer, r agent.Report) error {
	_, _ = fmt.Fprintln(w)
	failed := 0
	for _, s := range r.Steps {
		_, _ = fmt.Fprintf(w, "%-5s %s", s.Verdict, s.Name)
		if s.Detail != "" {
			_, _ = fmt.Fprintf(w, ": %s", s.Detail)
		}
		_, _ = fmt.Fprintln(w)
		if s.Hint != "" {
			_, _ = fmt.Fprintf(w, "      %s\n", s.Hint)
		}
		if s.Verdict == agent.Failed {
			failed++
		}
	}
	if failed > 0 {
		return exit{exitFailed, errors.New("the agent does not keep the protocol; the lines marked fail say where")}
	}
	return nil
}
