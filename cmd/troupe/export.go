package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/runtime/record/export"
)

var exportCommand = &cli.Command{
	Name:      "export",
	Usage:     "write a table of a run, for pandas, R, DuckDB and the like",
	ArgsUsage: "RUN",
	Description: "Writes one table of what is committed so far. JSON is text in every format; null is null\n" +
		"in jsonl and parquet, and an empty field in csv.",
	Flags: []cli.Flag{
		dataFlag,
		&cli.StringFlag{Name: "what", Usage: "the `TABLE`", Value: "turns"},
		&cli.StringFlag{Name: "format", Usage: "`FORMAT`: jsonl, csv or parquet", Value: "jsonl"},
		&cli.BoolFlag{Name: "tables", Usage: "print the tables with their columns, and nothing of a run"},
		&cli.StringFlag{Name: "out", Usage: "write `FILE`, which is there once it is whole (default: stdout)"},
	},
	Action: exportRun,
}

func printTables(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, name := range sortedKeys(export.Tables) {
		table := export.Tables[name]
		_, _ = fmt.Fprintf(t, "%s: %s\n", name, table.Doc)
		for _, c := range table.Columns {
			kind := string(c.Type)
			if c.Nullable {
				kind += " or null"
			}
			_, _ = fmt.Fprintf(t, "  %s\t%s\t%s\n", c.Name, kind, c.Doc)
		}
	}
	return t.Flush()
}

func exportRun(c *cli.Context) error {
	if c.Bool("tables") {
		return printTables(os.Stdout)
	}
	run, err := one(c, "run")
	if err != nil {
		return err
	}
	what, format, out := c.String("what"), c.String("format"), c.String("out")
	if err := export.Check(what, format); err != nil {
		return usage("%w", err)
	}
	if format == "parquet" && out == "" && term.IsTerminal(int(os.Stdout.Fd())) {
		return usage("parquet is no format for a terminal: name a file with --out")
	}
	return withRuns(c, func(ctx context.Context, runs observe.Runs) error {
		write := func(w io.Writer) error {
			e, err := export.New(w, run, what, format)
			if err != nil {
				return err
			}
			if err := observe.Read(ctx, runs, run, 0, e.Add); err != nil {
				return err
			}
			for _, id := range e.Models() {
				err := readTranscript(ctx, runs, run, id, func(r io.Reader) error { return e.AddTranscript(id, r) })
				if err != nil && !errors.Is(err, observe.ErrNoLog) { // none where the files are gone
					return err
				}
			}
			return e.Close()
		}
		if out == "" {
			return write(os.Stdout)
		}
		return export.File(out, write)
	})
}
