package main

import (
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/troupe-dev/troupe/runtime/bench"
)

var densityCommand = &cli.Command{
	Name:  "density",
	Usage: "show how many agents fit into the memory, parked between their turns and not",
	Description: "Plays a run of each size twice: with all agents in memory, and with most of them parked.\n" +
		"What would take more than the share of the available memory is not begun, or stopped.",
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "agents", Usage: "measure with so many, `N,N…`", Value: numbers(bench.UsualDensity().Agents)},
		&cli.IntFlag{Name: "resident", Usage: "keep `N` of the parked agents in memory at a time", Value: bench.UsualDensity().Resident},
		&cli.IntFlag{Name: "memory", Usage: "have each agent hold `MIB` in memory", Value: bench.UsualDensity().Memory},
		&cli.IntFlag{Name: "rounds", Usage: "ask each agent `N` times", Value: bench.UsualDensity().Rounds},
		&cli.BoolFlag{Name: "claude", Usage: "have Claude Code be the agents, with a model that answers at once and costs nothing"},
		&cli.BoolFlag{Name: "json", Usage: "print one JSON object and nothing else on stdout"},
	},
	Action: runDensity,
}

// numbers writes them as --agents takes them.
func numbers(list []int) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = strconv.Itoa(n)
	}
	return strings.Join(words, ",")
}

func runDensity(c *cli.Context) error {
	if c.NArg() > 0 {
		return usage("bench density wants no arguments; see troupe bench density --help")
	}
	o := bench.UsualDensity()
	o.Resident, o.Memory, o.Rounds, o.Claude = c.Int("resident"), c.Int("memory"), c.Int("rounds"), c.Bool("claude")
	o.Agents = nil
	for _, word := range strings.Split(c.String("agents"), ",") {
		n, err := strconv.Atoi(word)
		if err != nil {
			return usage("--agents: %q is no number", word)
		}
		o.Agents = append(o.Agents, n)
	}
	if err := o.Check(); err != nil {
		return usage("%w", err)
	}
	ctx, _, release := interruptions()
	defer release()
	tell, wipe := progress("%s, size %d of %d")
	o.Progress = tell
	rep, err := bench.Density(ctx, o)
	wipe()
	return measured(c, ctx, rep, err)
}
