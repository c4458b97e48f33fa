package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/troupe-dev/troupe/runtime/bench"
)

var benchCommand = &cli.Command{
	Name:  "bench",
	Usage: "measure how fast troupe is here, beside what the machine can do",
	Description: "Measures with real child processes, each figure beside a floor: the same children\n" +
		"driven by a bare loop that records nothing. It wants the machine to itself.\n\n" +
		"The shapes: " + strings.Join(bench.Groups(), ", "),
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "only", Usage: "measure these `SHAPES` alone, such as spawn,ticks"},
		&cli.BoolFlag{Name: "quick", Usage: "small sizes and one round: to see that it works"},
		&cli.IntFlag{Name: "rounds", Usage: "take the median of `N` rounds (default: 3, of --quick 1)"},
		&cli.StringFlag{Name: "child", Usage: "be it `KIND`: " + strings.Join(bench.Children(), ", ") + " (default: the lightest there is)"},
		&cli.BoolFlag{Name: "json", Usage: "print one JSON object and nothing else on stdout"},
	},
	Action: runBench,
	Subcommands: []*cli.Command{
		crashCommand,
		densityCommand,
		// What bench itself starts.
		{Name: "child", Hidden: true, Action: func(c *cli.Context) error { return bench.Child(c.Args().Slice()) }},
		{Name: "hold", Hidden: true, Action: func(c *cli.Context) error {
			ctx, release := signal.NotifyContext(c.Context, syscall.SIGINT, syscall.SIGTERM)
			defer release()
			return bench.Hold(ctx, c.Args().First(), os.Stdout)
		}},
	},
}

func runBench(c *cli.Context) error {
	if c.NArg() > 0 {
		return usage("bench wants no arguments; see troupe bench --help")
	}
	o := bench.Options{Quick: c.Bool("quick"), Rounds: c.Int("rounds"), Child: c.String("child")}
	if c.IsSet("only") {
		o.Only = strings.Split(c.String("only"), ",")
	}
	if err := o.Check(); err != nil {
		return usage("%w", err)
	}
	ctx, kill, release := interruptions()
	defer release()
	o.Kill = kill
	tell, wipe := progress("%s, round %d of %d")
	o.Progress = tell
	rep, err := bench.Run(ctx, o)
	wipe()
	return measured(c, ctx, rep, err)
}

// measured prints what a measurement came to, unless it was interrupted or failed.
func measured(c *cli.Context, ctx context.Context, rep interface{ Print(w io.Writer) error }, err error) error {
	switch {
	case ctx.Err() != nil:
		return exit{code: exitInterrupted}
	case err != nil:
		return explain(err)
	case c.Bool("json"):
		return writeJSON(os.Stdout, rep)
	}
	return rep.Print(os.Stdout)
}

// progress gives a function that shows on a terminal what is going on, and how
// much of it there was, nil where there is none; wipe takes it away.
func progress(format string) (tell func(what string, n, of int), wipe func()) {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return nil, func() {}
	}
	wipe = func() { fmt.Fprint(os.Stderr, "\r\x1b[K") }
	return func(what string, n, of int) {
		wipe()
		fmt.Fprintf(os.Stderr, format, what, n, of)
	}, wipe
}
