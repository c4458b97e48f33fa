package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/troupe-dev/troupe/runtime"
	"github.com/troupe-dev/troupe/scenarios"
)

var serveCommand = &cli.Command{
	Name:  "serve",
	Usage: "play the runs that others submit, side by side, until it is stopped",
	Description: "Holds the data directory and answers the API on its socket and, with --listen, on a port.\n" +
		"Runs that it was killed over, or that waited, it goes on with. Ctrl-C stops all resumably;\n" +
		"a second one ends every process at once. troupe run submits to it where it is there.",
	Flags: []cli.Flag{
		dataFlag,
		&cli.StringFlag{Name: "listen", Usage: "answer the API, and serve /metrics, /healthz and /readyz, at `HOST:PORT`"},
		tokensFlag,
		&cli.StringFlag{Name: "bus-listen", Usage: "let NATS clients observe runs at `HOST:PORT`"},
		&cli.StringFlag{Name: "scenarios", Usage: "offer the scenarios of `DIR` to those who submit runs"},
		&cli.IntFlag{Name: "at-once", Usage: "play at most `N` runs side by side, and let others wait; 0 for any number", Value: 4},
		&cli.StringFlag{Name: "memory", Usage: "have limits.memory of those runs be `SIZE` in all at most, such as 8GiB"},
		&cli.DurationFlag{Name: "idle-exit", Usage: "end once there was no run and no request for `D`; 0 for never"},
		&cli.StringFlag{Name: "durability", Usage: "acknowledge a tick once the `process` or the machine cannot lose it", Value: "process"},
		logFlag, logLevelFlag,
	},
	Action: serve,
}

func serve(c *cli.Context) error {
	if c.Args().Present() {
		return usage("serve takes no arguments; see troupe serve --help")
	}
	if err := checkListens(c); err != nil {
		return err
	}
	o, err := serveOptions(c)
	if err != nil {
		return err
	}
	log := o.Log
	ctx, kill, release := interruptionsTold(func() { log.Warn("interrupted: stopping all; once more ends every process at once") })
	defer release()
	o.Kill = kill
	o.Opened = func(h *runtime.Host) {
		log.Info("serving", "data", o.Data, "listen", h.Addr(), "version", runtime.Version())
		if link := h.Link(); link != "" && term.IsTerminal(int(os.Stderr.Fd())) {
			_, _ = fmt.Fprintf(os.Stderr, "the page: %s\n", link)
		}
	}
	return explain(runtime.Serve(ctx, o))
}

// serveOptions reads the flags of the command.
func serveOptions(c *cli.Context) (o runtime.ServeOptions, err error) {
	log, err := logger(c, os.Stderr, usualLog(os.Stderr))
	if err != nil {
		return o, err
	}
	o = runtime.ServeOptions{
		HostOptions: runtime.HostOptions{
			Data: c.String("data"), BusListen: c.String("bus-listen"), Listen: c.String("listen"),
			Tokens: c.String("tokens"), Log: log,
			Command: strings.Join(os.Args[1:], " "),
		},
		Scenarios: c.String("scenarios"), AtOnce: c.Int("at-once"), Idle: c.Duration("idle-exit"), Troupe: itself,
	}
	switch c.String("durability") {
	case "process":
	case "machine":
		o.Sync = true
	default:
		return o, usage("--durability is process or machine")
	}
	if o.AtOnce < 0 || o.Idle < 0 {
		return o, usage("--at-once and --idle-exit are 0 or more")
	}
	if text := c.String("memory"); text != "" {
		size, ok := scenarios.ParseSize(text)
		if !ok {
			return o, usage("--memory is a number of bytes such as 512MiB or 8GiB")
		}
		o.Memory = size
	}
	if o.Scenarios != "" {
		if st, err := os.Stat(o.Scenarios); err != nil || !st.IsDir() {
			return o, usage("--scenarios %s is no directory", o.Scenarios)
		}
	}
	return o, nil
}
