package main

import (
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/troupe-dev/troupe/runtime/bench"
)

var crashCommand = &cli.Command{
	Name:      "crash",
	Usage:     "kill runs again and again, resume them, and see whether anything is lost",
	ArgsUsage: "[SCENARIO]…",
	Description: "Plays a scenario in peace, and then while its supervisor, its agents, or both are killed\n" +
		"with SIGKILL at any moment; resumes it after each time; and compares how it ends, what is\n" +
		"on record, and what is left. It exits with 1 where anything is lost, doubled or left.\n\n" +
		"Without SCENARIO these are played: " + strings.Join(bench.CrashScenarios(), ", "),
	Flags: []cli.Flag{
		&cli.IntFlag{Name: "kills", Usage: "kill `N` times in each scenario", Value: bench.DefaultKills},
		&cli.Uint64Flag{Name: "seed", Usage: "draw moments and victims from `N`", DefaultText: "another one each time"},
		&cli.StringFlag{Name: "only", Usage: "play these `SCENARIOS` alone, such as alone,rabbits"},
		&cli.BoolFlag{Name: "json", Usage: "print one JSON object and nothing else on stdout"},
	},
	Action: runCrash,
}

func runCrash(c *cli.Context) error {
	o := bench.CrashOptions{Scenarios: c.Args().Slice(), Kills: c.Int("kills"), Seed: c.Uint64("seed")}
	if !c.IsSet("seed") {
		o.Seed = uint64(time.Now().UnixNano())
	}
	if c.IsSet("only") {
		o.Only = strings.Split(c.String("only"), ",")
	}
	if err := o.Check(); err != nil {
		return usage("%w", err)
	}
	ctx, _, release := interruptions()
	defer release()
	tell, wipe := progress("%s, kill %d of %d")
	o.Progress = tell
	rep, err := bench.Crash(ctx, o)
	wipe()
	if err = measured(c, ctx, rep, err); err == nil && !rep.Holds() {
		return exit{code: exitFailed}
	}
	return err
}
