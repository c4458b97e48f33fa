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
	"github.com/troupe-dev/troupe/runtime/plan"
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
		&cli.StringFlag{Name: "replay-models", Usage: "answer requests to models with what those of `RUN` answered, and ask none"},
		&cli.BoolFlag{Name: "strict", Usage: "with --replay-models: refuse a request that is not the one on record"},
		&cli.BoolFlag{Name: "onward", Usage: "with --replay-models: from the first request on that is not on record, let its agent ask the model"},
		&cli.BoolFlag{Name: "submit", Usage: "have troupe serve play it, and wait 10 s for that to be there, at most"},
		&cli.StringFlag{Name: "name", Usage: "call the run `NAME` (default: the scenario's name and a number)"},
		&cli.BoolFlag{Name: "paused", Usage: "hold it before its first tick; troupe step and troupe resume let it go on"},
		&cli.Float64Flag{Name: "speed", Usage: "play at most `N` ticks in a second (default: as fast as it goes)"},
	}, append(watchFlags, planFlags...)...),
	Action: runScenario,
}

// watchFlags are those of every command that plays a run.
var watchFlags = []cli.Flag{
	&cli.StringFlag{Name: "bus-listen", Usage: "let NATS clients observe the run at `HOST:PORT`"},
	&cli.StringFlag{Name: "listen", Usage: "serve the API, /metrics, /healthz and /readyz at `HOST:PORT`"},
	tokensFlag, runLogFlag, logLevelFlag,
	&cli.BoolFlag{Name: "json", Usage: "print one JSON object and nothing else on stdout"},
}

var tokensFlag = &cli.StringFlag{Name: "tokens", Usage: "take the API's tokens from the files observe and control in `DIR`, instead of DATA/tokens"}

func runScenario(c *cli.Context) error {
	path, err := one(c, "scenario file")
	if err != nil {
		return err
	}
	if err := runName(c.String("name")); err != nil {
		return err
	}
	if err := checkListens(c); err != nil {
		return err
	}
	if !observe.ValidSpeed(c.Float64("speed")) {
		return usage("--speed is a number of ticks in a second, 0 for as fast as it goes")
	}
	models, err := replayed(c)
	if err != nil {
		return err
	}
	p, err := expandFor(c, path, func(p *plan.Plan) error {
		_, err := runtime.Survey(p, c.String("data"))
		return err
	})
	if err != nil {
		return err
	}
	var server observe.Runs
	if c.Bool("submit") {
		server, err = awaitServer(c)
	} else {
		server = serving(c)
	}
	if err != nil {
		return err
	}
	if server != nil {
		return submit(c, server, path, models)
	}
	o := runtime.Options{
		Name: c.String("name"), Scenario: path, Sets: c.StringSlice("set"), Models: models,
		Paused: c.Bool("paused"), Speed: c.Float64("speed"),
	}
	return perform(c, o, explain, func(ctx context.Context, o runtime.Options) (*runtime.Result, error) {
		return runtime.Run(ctx, p, o)
	})
}

// replayed says whose models answer; nil where those of the scenario do.
func replayed(c *cli.Context) (*runtime.ReplayModels, error) {
	m := &runtime.ReplayModels{Run: c.String("replay-models"), Strict: c.Bool("strict"), Onward: c.Bool("onward")}
	switch {
	case m.Run == "" && (m.Strict || m.Onward):
		return nil, usage("--strict and --onward say how --replay-models RUN answers: name the run")
	case m.Run == "":
		return nil, nil
	case m.Strict && m.Onward:
		return nil, usage("--strict refuses what --onward lets through: choose one")
	}
	return m, runName(m.Run)
}

// perform has a run played, shows how it goes, and prints what it came to.
// unbegun explains why it was not played at all.
func perform(c *cli.Context, o runtime.Options, unbegun func(error) error, begin func(context.Context, runtime.Options) (*runtime.Result, error)) error {
	log, err := runLogger(c, os.Stderr)
	if err != nil {
		return err
	}
	if log != nil {
		return performLogged(c, o, log, begin)
	}
	ctx, kill, release := interruptions()
	defer release()
	show := newShow(os.Stderr)
	o.Data, o.Command = c.String("data"), strings.Join(os.Args[1:], " ")
	o.BusListen, o.Listen, o.Tokens = c.String("bus-listen"), c.String("listen"), c.String("tokens")
	o.Kill, o.Watch = kill, show
	res, err := begin(ctx, o)
	show.clear()
	switch {
	case res == nil && ctx.Err() != nil:
		return exit{exitInterrupted, err}
	case res == nil:
		return unbegun(err)
	}
	return conclude(c, res, err)
}

// performLogged is perform for those who want to be told by a log.
func performLogged(c *cli.Context, o runtime.Options, log *runtime.Log, begin func(context.Context, runtime.Options) (*runtime.Result, error)) error {
	ctx, kill, release := interruptionsTold(func() { log.Warn("interrupted: stopping the agents; once more ends them at once", "run", o.Name) })
	defer release()
	o.Data, o.Command = c.String("data"), strings.Join(os.Args[1:], " ")
	o.BusListen, o.Listen, o.Tokens = c.String("bus-listen"), c.String("listen"), c.String("tokens")
	o.Kill, o.Log = kill, log
	res, err := begin(ctx, o)
	log.Ended(o.Name, res, err)
	switch {
	case res == nil && ctx.Err() != nil:
		return logged(exit{exitInterrupted, err})
	case res == nil:
		return logged(err)
	}
	return logged(conclude(c, res, err))
}

// conclude prints what a run came to, and gives the exit code that goes with it.
func conclude(c *cli.Context, res *runtime.Result, err error) error {
	if c.Bool("json") {
		printJSON(os.Stdout, res, err)
	} else {
		printResult(os.Stdout, res)
	}
	switch {
	case err != nil && res.Status == observe.Interrupted:
		return resumable(err, res.Run)
	case err != nil:
		return explain(err)
	case res.Status == observe.Aborted:
		return exit{exitFailed, errors.New("the run was aborted by a policy")}
	case res.Status == observe.Interrupted:
		return exit{exitInterrupted, fmt.Errorf("interrupted after %d ticks; troupe resume %s goes on", res.Summary.Ticks, res.Run)}
	case res.Missed():
		return exit{code: exitMissed}
	}
	return nil
}

// checkListens checks where a run is to listen.
func checkListens(c *cli.Context) error {
	for flag, check := range map[string]func(string) error{"bus-listen": bus.CheckListen, "listen": observe.CheckListen} {
		if at := c.String(flag); at != "" {
			if err := check(at); err != nil {
				return usage("%w", err)
			}
		}
	}
	return nil
}

// interruptions turns SIGINT and SIGTERM into the end of a context, and a
// second one into kill.
func interruptions() (ctx context.Context, kill <-chan struct{}, release func()) {
	return interruptionsTold(func() { fmt.Fprintln(os.Stderr, "\ntroupe: stopping the agents; once more ends them at once") })
}

// interruptionsTold is interruptions, and tells of the first one.
func interruptionsTold(tell func()) (ctx context.Context, kill <-chan struct{}, release func()) {
	ctx, cancel := context.WithCancel(context.Background())
	sigs := make(chan os.Signal, 2)
	signal.Notify(sigs, syscall.SIGINT, syscall.SIGTERM)
	now, quit, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for _, act := range []func(){
			func() {
				tell()
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
