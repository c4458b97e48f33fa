package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/troupe-dev/troupe/runtime"
)

var auditCommand = &cli.Command{
	Name:      "audit",
	Usage:     "tell from a run's record which process was told what",
	ArgsUsage: "RUN",
	Description: "A process that several agents share is one reader. What it was told is what its agents\n" +
		"observed, the messages and results that they got, why answers were refused, their\n" +
		"configs, which files and secrets it was given, and which versions of files of the shared\n" +
		"tree it checked out or committed. What no wall kept it from reading besides is listed with\n" +
		"--what reach alone. Patterns have * and ?. The world is told every action, and no message.",
	Flags: []cli.Flag{
		dataFlag,
		&cli.StringFlag{Name: "reader", Usage: "only what processes of this `PATTERN` were told"},
		&cli.StringFlag{Name: "agent", Usage: "only what they were told for agents of this `PATTERN`"},
		&cli.StringFlag{Name: "channel", Usage: "only messages in channels of this `PATTERN`"},
		&cli.StringFlag{Name: "sender", Usage: "only messages from senders of this `PATTERN`, and versions of files that they committed"},
		&cli.StringFlag{Name: "what", Usage: "only this `SORT`: " + strings.Join(runtime.Told, ", ")},
		&cli.BoolFlag{Name: "list", Usage: "print each thing, one a line: tick, reader, agent, sort, channel, sender or name, text or version"},
		&cli.BoolFlag{Name: "none", Usage: "exit with 3 if there is any"},
		&cli.BoolFlag{Name: "json", Usage: "print one JSON object and nothing else on stdout; with --list one a line"},
	},
	Action: auditRun,
}

func auditRun(c *cli.Context) error {
	run, err := one(c, "run")
	if err != nil {
		return err
	}
	o := runtime.AuditOptions{
		Data: c.String("data"), Run: run, Command: strings.Join(os.Args[1:], " "),
		Reader: c.String("reader"), Agent: c.String("agent"), Channel: c.String("channel"), Sender: c.String("sender"), What: c.String("what"),
	}
	if o.What != "" && !slices.Contains(runtime.Told, o.What) {
		return usage("--what is one of %s", strings.Join(runtime.Told, ", "))
	}
	if c.Bool("list") {
		o.Each = auditLine
		if c.Bool("json") {
			o.Each = auditJSONLine
		}
	}
	ctx, release := signal.NotifyContext(c.Context, syscall.SIGINT, syscall.SIGTERM)
	defer release()
	res, err := runtime.Audit(ctx, o)
	var unknown *runtime.UnknownError
	switch {
	case errors.Is(err, context.Canceled):
		return exit{code: exitInterrupted}
	case errors.As(err, &unknown):
		return exit{exitUsage, err}
	case err != nil:
		return explain(err)
	case c.Bool("list"):
	case c.Bool("json"):
		printLine(os.Stdout, auditJSON(res))
	default:
		printAudit(os.Stdout, res)
	}
	if c.Bool("none") && res.Items > 0 {
		first := res.Rows[0]
		return exit{exitMissed, fmt.Errorf("run %s: process %s was told %d of what it should not be; the first in tick %d", run, first.Reader, first.Items, first.First)}
	}
	return nil
}

func printAudit(w io.Writer, res *runtime.AuditResult) {
	if res.Items == 0 {
		_, _ = fmt.Fprintf(w, "run %s: nothing in %d ticks\n", res.Run, res.Ticks)
		printWalls(w, res)
		return
	}
	_, _ = fmt.Fprintf(w, "run %s: %d ticks\n", res.Run, res.Ticks)
	printWalls(w, res)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "READER\tWHAT\tCHANNEL\tITEMS\tBYTES\tTICKS")
	for _, row := range res.Rows {
		waiting := ""
		if row.Waiting > 0 {
			waiting = fmt.Sprintf(" (%d waiting)", row.Waiting)
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%d%s\t%d\t%d–%d\n", row.Reader, row.What, row.Channel, row.Items, waiting, row.Bytes, row.First, row.Last)
	}
	_ = t.Flush()
}

// printWalls says how much what was told is worth: who can read what others have needs
// not be told.
func printWalls(w io.Writer, res *runtime.AuditResult) {
	left := "none of these processes could read more"
	if len(res.Reach) > 0 {
		left = "its processes could also " + strings.Join(res.Reach, ", ")
	}
	_, _ = fmt.Fprintf(w, "walls: %s; %s\n", res.Walls, left)
}

// jsonAudit is what audit --json prints.
type jsonAudit struct {
	Run   string         `json:"run"`
	Ticks int            `json:"ticks"`
	Walls string         `json:"walls"` // the tiers
	Items int            `json:"items"`
	Rows  []jsonAuditRow `json:"rows"`
}

type jsonAuditRow struct {
	Reader  string `json:"reader"`
	What    string `json:"what"`
	Channel string `json:"channel,omitempty"`
	Items   int    `json:"items"`
	Bytes   int    `json:"bytes"`
	First   int    `json:"first"`
	Last    int    `json:"last"`
	Waiting int    `json:"waiting,omitempty"`
}

func auditJSON(res *runtime.AuditResult) jsonAudit {
	out := jsonAudit{res.Run, res.Ticks, res.Walls.String(), res.Items, []jsonAuditRow{}}
	for _, row := range res.Rows {
		out.Rows = append(out.Rows, jsonAuditRow(row))
	}
	return out
}

func auditLine(x *runtime.AuditItem) error {
	about, text := x.From, string(x.Text)
	switch x.What {
	case runtime.ToldCheckout, runtime.ToldCommit, runtime.ToldShared:
		text = x.Name
	default:
		about += x.Name // one of them is there
	}
	waits := ""
	if x.Waits {
		waits = "\twaits"
	}
	_, err := fmt.Printf("%d\t%s\t%s\t%s\t%s\t%s\t%s%s\n", x.Tick, x.Reader, x.Agent, x.What, x.Channel, about, text, waits)
	return err
}

func auditJSONLine(x *runtime.AuditItem) error {
	line := struct {
		Tick    int             `json:"tick"`
		Reader  string          `json:"reader"`
		Agent   string          `json:"agent"`
		What    string          `json:"what"`
		Channel string          `json:"channel,omitempty"`
		From    string          `json:"from,omitempty"`
		Name    string          `json:"name,omitempty"`
		JSON    json.RawMessage `json:"json,omitempty"`
		Text    string          `json:"text,omitempty"`
		Waits   bool            `json:"waits,omitempty"`
	}{x.Tick, x.Reader, x.Agent, x.What, x.Channel, x.From, x.Name, x.Text, "", x.Waits}
	if !json.Valid(x.Text) { // why an answer was refused
		line.JSON, line.Text = nil, string(x.Text)
	}
	printLine(os.Stdout, line)
	return nil
}
