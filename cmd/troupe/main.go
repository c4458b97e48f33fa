// Command troupe runs multi-agent simulations: many agents as real processes,
// in a scenario written in YAML. Each subcommand has a file of its own.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/troupe-dev/troupe/runtime"
)

// Exit codes, the same for every command.
const (
	exitOK          = 0
	exitFailed      = 1   // the run, or the command, failed
	exitUsage       = 2   // bad usage or an invalid scenario
	exitMissed      = 3   // finished, and an expectation is missed
	exitDiffers     = 3   // verified or compared, and a difference found
	exitInterrupted = 130 // interrupted, resumable
)

// An exit ends the program with a code; what had to be said was said, unless
// it has an error to say.
type exit struct {
	code int
	err  error
}

func (e exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e exit) Unwrap() error { return e.err }

// usage is an error of how the program was called.
func usage(format string, args ...any) error {
	return exit{exitUsage, fmt.Errorf(format, args...)}
}

func main() { os.Exit(Main()) }

// Main is the program: it gives the exit code.
func Main() int {
	app := &cli.App{
		Name:            "troupe",
		Usage:           "run societies of agents as real processes, reproducibly",
		Version:         runtime.Version(),
		HideHelpCommand: true,
		// A value of --set may have commas in it.
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError: func(c *cli.Context, err error, _ bool) error {
			return usage("%w; see %s --help", err, c.Command.HelpName)
		},
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usage("unknown command %q; troupe --help lists them", c.Args().First())
			}
			return cli.ShowAppHelp(c)
		},
		Commands: commands,
	}
	for _, c := range app.Commands {
		for _, c := range append([]*cli.Command{c}, c.Subcommands...) {
			c.HideHelpCommand = true
			c.OnUsageError = app.OnUsageError
		}
	}
	if os.Getenv("TROUPE_DATA") == "" {
		_ = os.Unsetenv("TROUPE_DATA") // empty it would name the working directory
	}
	return report(app.RunContext(context.Background(), flagsFirst(os.Args)))
}

// commands is every subcommand, in the order that help shows them.
var commands = []*cli.Command{
	runCommand, resumeCommand, forkCommand, initCommand, tryCommand, validateCommand, planCommand, schemaCommand, serveCommand,
	psCommand, eventsCommand, logsCommand, transcriptCommand, credentialsCommand, sendCommand, playCommand, addCommand, removeCommand,
	pauseCommand, stepCommand, speedCommand, stopCommand, rmCommand, pruneCommand,
	verifyCommand, diffCommand, auditCommand, replayCommand, observeCommand, exportCommand, reportCommand,
	checkoutCommand, commitCommand, lockCommand, unlockCommand, serveFilesCommand, mcpCommand,
	doctorCommand, botCommand, worldCommand, benchCommand,
}

// report says what went wrong, once, and gives the exit code.
func report(err error) int {
	if err == nil {
		return exitOK
	}
	code := exitFailed
	var e exit
	if errors.As(err, &e) {
		code = e.code
		if e.err == nil {
			return code
		}
	}
	text := err.Error()
	if !strings.HasPrefix(text, "troupe: ") {
		text = "troupe: " + text
	}
	fmt.Fprintln(os.Stderr, text)
	return code
}

// one gives the command's only argument.
func one(c *cli.Context, what string) (string, error) {
	if c.NArg() != 1 {
		return "", usage("%s wants one %s; see troupe %s --help", c.Command.FullName(), what, c.Command.FullName())
	}
	return c.Args().First(), nil
}

// dataFlag names the data directory.
var dataFlag = &cli.StringFlag{
	Name: "data", Usage: "the data `DIR`ectory, where runs and their store are", EnvVars: []string{"TROUPE_DATA"}, Value: ".troupe",
}
