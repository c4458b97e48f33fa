package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/troupe-dev/troupe/runtime/observe"
)

var observeCommand = &cli.Command{
	Name:      "observe",
	Usage:     "print what NATS clients follow a running run with",
	ArgsUsage: "RUN",
	Description: "Prints the address of the run's bus with credentials that may read what is said of this run\n" +
		"and nothing else, and a command that follows it. They hold until the run is over. With --lang\n" +
		"it prints a program that follows the run, with the official client of that language.",
	Flags: []cli.Flag{
		dataFlag, waitFlag,
		&cli.StringFlag{Name: "format", Usage: "print `text`, json or env", Value: "text"},
		&cli.StringFlag{Name: "lang", Usage: "print a program in `LANGUAGE`: " + strings.Join(observe.Languages(), ", ")},
	},
	Action: func(c *cli.Context) error {
		run, err := one(c, "run")
		if err != nil {
			return err
		}
		show := observerFormats[c.String("format")]
		switch {
		case show == nil:
			return usage("--format is %s, and not %q", strings.Join(slices.Sorted(maps.Keys(observerFormats)), ", "), c.String("format"))
		case c.IsSet("lang") && c.IsSet("format"):
			return usage("--format and --lang print different things: choose one")
		case c.IsSet("lang") && !slices.Contains(observe.Languages(), c.String("lang")):
			return usage("--lang is %s, and not %q", strings.Join(observe.Languages(), ", "), c.String("lang"))
		}
		runs, err := observe.OpenRunning(c.Context, c.String("data"), c.Command.Name, run, c.Duration("wait"))
		if err != nil {
			return explain(err)
		}
		o, err := runs.Observer(c.Context, run)
		if err = errors.Join(err, runs.Close()); err != nil {
			return explain(err)
		}
		if c.IsSet("lang") {
			text, err := o.Program(c.String("lang"))
			if err == nil {
				_, err = io.WriteString(os.Stdout, text)
			}
			return err
		}
		return show(os.Stdout, &o)
	},
}

// observerFormats are how an observer is printed.
var observerFormats = map[string]func(io.Writer, *observe.Observer) error{
	"text": func(w io.Writer, o *observe.Observer) error {
		_, err := fmt.Fprintf(w, "server    %s\nuser      %s\npassword  %s\nsubject   %s\n\nnats sub --server %s '%s'\nnats sub --server %[5]s '%s'\n",
			o.URL, o.User, o.Password, o.Subject, o.Server(), o.Subject, o.Ticks)
		if err != nil {
			return err
		}
		for _, lang := range observe.Languages() {
			if _, err = fmt.Fprintf(w, "troupe observe %s --lang %s\n", o.Run, lang); err != nil {
				return err
			}
		}
		return nil
	},
	"json": func(w io.Writer, o *observe.Observer) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		return e.Encode(o)
	},
	// As the nats command line tool reads it, for a shell's eval.
	"env": func(w io.Writer, o *observe.Observer) error {
		_, err := fmt.Fprintf(w, "export NATS_URL='%s'\nexport NATS_USER='%s'\nexport NATS_PASSWORD='%s'\nexport TROUPE_SUBJECT='%s'\n", o.URL, o.User, o.Password, o.Subject)
		return err
	},
}
