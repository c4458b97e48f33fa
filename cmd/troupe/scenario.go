package main

import (
	"github.com/urfave/cli/v2"

	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/scenarios"
	"github.com/troupe-dev/troupe/workspace"
)

// planFlags are what changes a scenario on its way to a plan.
var planFlags = []cli.Flag{
	&cli.Uint64Flag{Name: "seed", Usage: "run with seed `N` instead of the scenario's"},
	&cli.StringSliceFlag{Name: "set", Usage: "set `PATH=VALUE` in the scenario, such as clock.ticks=10 or 'agents.a-*.kind=exec'"},
}

// expand reads the scenario that the command names and resolves it. All that
// is wrong with it is printed.
func expand(c *cli.Context, path string) (p *plan.Plan, err error) {
	return expandFor(c, path, nil)
}

// expandFor is expand where survey, if it is not nil, says whether the plan's
// isolation can be had.
func expandFor(c *cli.Context, path string, survey func(*plan.Plan) error) (p *plan.Plan, err error) {
	s, problems := scenarios.Load(path)
	if s != nil {
		o := plan.Options{Sets: c.StringSlice("set"), Found: problems, Troupe: itself, Shared: workspace.InSystem, Survey: survey,
			Modelless: c.String("replay-models") != "" && !c.Bool("onward")}
		if c.IsSet("seed") {
			seed := c.Uint64("seed")
			o.Seed = &seed
		}
		p, problems = plan.Expand(s, o)
	}
	if len(problems) > 0 {
		tellProblems(problems, path)
		return nil, exit{code: exitUsage}
	}
	return p, nil
}
