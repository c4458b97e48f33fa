package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/troupe-dev/troupe/runtime"
)

var replayCommand = &cli.Command{
	Name:      "replay",
	Usage:     "publish a recorded run once more, for observers",
	ArgsUsage: "RUN",
	Description: "Tells ticks, messages and facts on the subjects that the run had, under its name and\n" +
		"-replay. It waits for nobody, unless with --wait, and Ctrl-C ends it.",
	Flags: []cli.Flag{
		dataFlag,
		&cli.StringFlag{Name: "bus-listen", Usage: "let NATS clients observe the replay at `HOST:PORT`"},
		&cli.StringFlag{Name: "listen", Usage: "answer the API, and serve metrics of what is told, at `HOST:PORT`"},
		tokensFlag,
		&cli.StringFlag{Name: "speed", Usage: "`N` times as fast as it was recorded, or max", Value: "1"},
		&cli.IntFlag{Name: "from", Usage: "begin at tick `T`"},
		&cli.IntFlag{Name: "to", Usage: "end with tick `T`", Value: -1, DefaultText: "the newest"},
		&cli.BoolFlag{Name: "wait", Usage: "begin once an observer has subscribed"},
	},
	Action: replayRun,
}

func replayRun(c *cli.Context) error {
	run, err := one(c, "run")
	if err != nil {
		return err
	}
	speed, err := parseSpeed(c.String("speed"))
	if err != nil {
		return err
	}
	at := c.String("bus-listen")
	if err := replayUsage(c, at); err != nil {
		return err
	}
	ctx, release := signal.NotifyContext(c.Context, syscall.SIGINT, syscall.SIGTERM)
	defer release()
	show := newShow(os.Stderr)
	out, err := runtime.Replay(ctx, runtime.ReplayOptions{
		Data: c.String("data"), Run: run, BusListen: at, Listen: c.String("listen"), Tokens: c.String("tokens"), Speed: speed, From: c.Int("from"), To: c.Int("to"),
		Wait: c.Bool("wait"), Command: strings.Join(os.Args[1:], " "), Watch: replayShow{show, run},
	})
	show.clear()
	switch {
	case errors.Is(err, context.Canceled):
		return exit{code: exitInterrupted}
	case err != nil:
		return explain(err)
	}
	_, _ = fmt.Fprintf(os.Stdout, "replayed %d ticks of run %s: %s\n", out.Ticks, run, out.Status)
	return nil
}

func replayUsage(c *cli.Context, at string) error {
	from, to := c.Int("from"), c.Int("to")
	switch {
	case from < 0 || c.IsSet("to") && to < 0:
		return usage("--from and --to are numbers of ticks")
	case to >= 0 && to < from:
		return usage("--to %d is before --from %d", to, from)
	case at == "" && c.Bool("wait"):
		return usage("--wait waits for an observer, which needs --bus-listen HOST:PORT")
	}
	return checkListens(c)
}

// parseSpeed gives 0 for max.
func parseSpeed(s string) (float64, error) {
	if s == "max" {
		return 0, nil
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || !(n > 0) || math.IsInf(n, 0) {
		return 0, usage("--speed %s: want a number above 0, such as 10 or 0.5, or max", s)
	}
	return n, nil
}

// A replayShow is a show of what has no processes.
type replayShow struct {
	*show
	run string // that is replayed
}

// Starting implements runtime.Watcher.
func (s replayShow) Starting(o runtime.Opening) {
	s.begin(o)
	s.opening.Run = s.run // where to look for more
	_, _ = fmt.Fprintf(s.w, "replay %s: %d agents\n", o.Run, o.Agents)
	s.places(o)
}
