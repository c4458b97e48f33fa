package main

import (
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/troupe-dev/troupe/runtime"
)

var doctorCommand = &cli.Command{
	Name:  "doctor",
	Usage: "say what this machine has of what runs, walls and limits take, and what to change",
	Description: "Exits with 1 where no run could work. What only some runs need is told, and does\n" +
		"not count.",
	Flags: []cli.Flag{dataFlag, &cli.BoolFlag{Name: "json", Usage: "print one JSON object"}},
	Action: func(c *cli.Context) error {
		findings, err := runtime.Examine(c.Context, c.String("data"))
		if err != nil {
			return err
		}
		fit := true
		for _, f := range findings {
			fit = fit && f.State != runtime.Unfit
		}
		if c.Bool("json") {
			err = writeJSON(os.Stdout, map[string]any{"fit": fit, "findings": findings})
		} else {
			err = printFindings(os.Stdout, findings)
		}
		if err == nil && !fit {
			err = exit{code: exitFailed}
		}
		return err
	},
}

func printFindings(w io.Writer, findings []runtime.Finding) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range findings {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\n", f.State, f.Name, f.Found)
		if f.Change != "" {
			_, _ = fmt.Fprintf(t, "\t\t→ %s\n", f.Change)
		}
	}
	return t.Flush()
}
