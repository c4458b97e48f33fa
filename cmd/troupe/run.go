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

	"github.com/troupe-dev/troupe/bus"
	"github.com/troupe-dev/troupe/runtime"
	"github.com/troupe-dev/troupe/runtime/observe"
)

var runCommand = &cli.Command{
	Name:      "run",
	Usage:     "run a scenario to its end",
	ArgsUsage: "SCENARIO",
	Description: "Starts a process for each agent (or for several, as the scenario says), plays the\n" +
		"scenario, and prints the scores and the run's hash. Ctrl-C stops it resumably; a second\n" +
		"one ends every process at once.",
	Flags: append([]cli.Flag{
		dataFlag,
		&cli.StringFlag{Name: "name", Usage: "call the run `NAME` (default: the scenario's name and a number)"},
		&cli.StringFlag{Name: "bus-listen", Usage: "let NATS clients observe the run at `HOST:PORT`"},
		&cli.StringFlag{Name: "listen", Usage: "serve /metrics, /healthz and /readyz at `HOST:PORT`"},
		&cli.BoolFlag{Name: "json", Usage: "print one JSON object and nothing else on stdout"},
	}, planFlags...),
	Action: runScenario,
}

func runScenario(c *cli.Context) error {
	path, err := one(c, "scenario file")
	if err != nil {
		return err
	}
	if err := runName(c.String("name")); err != nil {
		return err
	}
	if at := c.String("bus-listen"); at != "" {
		if err := bus.CheckListen(at); err != nil {
			return usage("%w", err)
		}
	}
	if at := c.String("listen"); at != "" {
		if err := observe.CheckListen(at); err != nil {
			return usage("%w", err)
		}
	}
	p, sum, err := expand(c, path)
	if err != nil {
		return err
	}
	ctx, kill, release := interruptions()
	defer release()
	show := newShow(os.Stderr)
	res, err := runtime.Run(ctx, p, runtime.Options{
		Data: c.String("data"), Name: c.String("name"), Scenario: path, SHA256: sum,
		BusListen: c.String("bus-listen"), Listen: c.String("listen"), Command: strings.Join(os.Args[1:], " "),
		Kill: kill, Watch: show,
	})
	show.clear()
	if res == nil {
		return explain(err)
	}
	if c.Bool("json") {
		printJSON(os.Stdout, res, err)
	} else {
		printResult(os.Stdout, res)
	}
	switch {
	case err != nil:
		return explain(err)
	case res.Status == observe.Aborted:
		return exit{exitFailed, errors.New("the run was aborted by a policy")}
	case res.Status == observe.Interrupted:
		return exit{exitInterrupted, fmt.Errorf("interrupted after %d ticks; the record of run %s stands until there", res.Summary.Ticks, res.Run)}
	case res.Missed():
		return exit{code: exitMissed}
	}
	return nil
}

// interruptions turns SIGINT and SIGTERM into the end of a context, and a
// second one into kill.
func interruptions() (ctx context.Context, kill <-chan struct{}, release func()) {
	ctx, cancel := context.WithCancel(context.Background())
	sigs := make(chan os.Signal, 2)
	signal.Notify(sigs, syscall.SIGINT, syscall.SIGTERM)
	now, quit, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for _, act := range []func(){
			func() {
				fmt.Fprintln(os.Stderr, "\ntroupe: stopping the agents; once more ends them at once")
				cancel()
			},
			func() { close(now) },
		} {
			select {
			case <-sigs:
				act()
			case <-quit:
				return
			}
		}
	}()
	return ctx, now, func() {
		signal.Stop(sigs)
		close(quit)
		<-done
		cancel()
	}
}
