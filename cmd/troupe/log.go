package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/troupe-dev/troupe/runtime"
)

var (
	logFlag      = &cli.StringFlag{Name: "log", Usage: "log as `text` or json (default: text on a terminal, else json)"}
	logLevelFlag = &cli.StringFlag{Name: "log-level", Usage: "log from `LEVEL` on: debug, info, warn or error", Value: "info"}
	// runLogFlag is logFlag for commands that tell people how a run goes.
	runLogFlag = &cli.StringFlag{Name: "log", Usage: "log how it goes on stderr, as `text` or json, instead of telling it (default: json for the first process of a container without a terminal)"}
)

// usualLog is how it is logged where nobody says it.
func usualLog(f *os.File) string {
	if term.IsTerminal(int(f.Fd())) {
		return "text"
	}
	return "json"
}

// runLogger is the log of a run that is played; nil where people are told instead.
func runLogger(c *cli.Context, f *os.File) (*runtime.Log, error) {
	usual := ""
	if os.Getpid() == 1 && !term.IsTerminal(int(f.Fd())) {
		usual = "json"
	}
	return logger(c, f, usual)
}

// logger logs as the command says; nil, where nothing is said and nothing is usual.
func logger(c *cli.Context, f *os.File, usual string) (*runtime.Log, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.String("log-level"))); err != nil {
		return nil, usage("--log-level is debug, info, warn or error")
	}
	o := &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Value.Kind() == slog.KindDuration {
			a.Value = slog.StringValue(a.Value.Duration().Round(time.Millisecond).String())
		}
		return a
	}}
	how := usual
	if c.IsSet("log") {
		how = c.String("log")
	}
	switch {
	case how == "text":
		return runtime.NewLog(slog.NewTextHandler(f, o)), nil
	case how == "json":
		return runtime.NewLog(slog.NewJSONHandler(f, o)), nil
	case !c.IsSet("log"):
		return nil, nil
	}
	return nil, usage("--log is text or json, and not %s", fmt.Sprintf("%q", how))
}

// logged is the error of a run that has been logged: only its code is left to tell.
func logged(err error) error {
	if err == nil {
		return nil
	}
	var e exit
	if errors.As(err, &e) {
		return exit{code: e.code}
	}
	return exit{code: exitFailed}
}
