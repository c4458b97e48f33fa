package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/troupe-dev/troupe/runtime/plan"
)

// assumable are what an estimate assumes, by the flag that says otherwise.
var assumable = []struct {
	name, usage string
	most        int
	of          func(*plan.Assumptions) *int
}{
	{"turns", "of each agent", 1_000_000, func(a *plan.Assumptions) *int { return &a.Turns }},
	{"requests", "of the model, a turn", 1_000, func(a *plan.Assumptions) *int { return &a.Requests }},
	{"message", "tokens that each request adds", 1_000_000, func(a *plan.Assumptions) *int { return &a.Message }},
	{"answer", "tokens that each request is answered with", 1_000_000, func(a *plan.Assumptions) *int { return &a.Answer }},
	{"window", "tokens at which a conversation begins anew", 10_000_000, func(a *plan.Assumptions) *int { return &a.Window }},
}

// costFlags are those of an estimate.
var costFlags = func() []cli.Flag {
	flags := []cli.Flag{&cli.BoolFlag{Name: "cost", Usage: "print what the models may cost instead"}}
	for _, x := range assumable {
		usual := plan.Usual
		flag := &cli.IntFlag{Name: x.name, Usage: "with --cost: `N` " + x.usage, Value: *x.of(&usual)}
		if flag.Value == 0 {
			flag.DefaultText = "by clock.ticks and the world's config"
		}
		flags = append(flags, flag)
	}
	return flags
}()

// assumptions reads the flags of an estimate.
func assumptions(c *cli.Context) (plan.Assumptions, error) {
	a := plan.Usual
	for _, x := range assumable {
		if !c.IsSet(x.name) {
			continue
		}
		n := c.Int(x.name)
		switch {
		case !c.Bool("cost"):
			return a, usage("--%s goes with --cost", x.name)
		case n < 1 || n > x.most:
			return a, usage("--%s is %d, not 1 to %d", x.name, n, x.most)
		}
		*x.of(&a) = n
	}
	return a, nil
}

// showCost prints what a plan's models may cost.
func showCost(c *cli.Context, p *plan.Plan, a plan.Assumptions) error {
	e, err := p.Cost(a)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return writeJSON(os.Stdout, e)
	}
	return printCost(os.Stdout, e)
}

func printCost(w io.Writer, e *plan.Estimate) error {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
	if len(e.Entries) == 0 {
		say("no agent talks to a model: nothing costs anything")
	} else {
		if err := printEntries(w, e); err != nil {
			return err
		}
		say("\nestimated: %s; without the models' cache %s", e.USD, e.Uncached)
		a := e.Assumed
		say("assumed: %d requests a turn, each with %d tokens more and %d of answer; a conversation begins anew at %d tokens; what the cache has is asked for again within its time",
			a.Requests, a.Message, a.Answer, a.Window)
	}
	for _, l := range e.Limits {
		say("limit: %s", limitText(&l))
	}
	for _, note := range e.Notes {
		say("note: %s", note)
	}
	return nil
}

func printEntries(w io.Writer, e *plan.Estimate) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "ENTRY\tAGENTS\tMODEL\tTURNS\tTOKENS IN\tCACHED\tOUT\tUSD\tWITHOUT CACHE")
	for i := range e.Entries {
		x := &e.Entries[i]
		model, turns := x.Model, strconv.Itoa(x.Turns)
		if model == "" {
			model = "?"
		}
		if !x.Known {
			turns = "each"
		}
		_, _ = fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%d\t%d\t%d\t%s\t%s\n", x.ID, x.Agents, model, turns, x.Input, x.Cached, x.Output, x.USD, x.Uncached)
	}
	return t.Flush()
}

// limitText says for people whether a limit lasts.
func limitText(l *plan.LimitCost) string {
	text := fmt.Sprintf("%s: %s", l.Of, l.USD)
	switch {
	case l.Reached == 0:
		return fmt.Sprintf("%s lasts; %s is needed for %d turns", text, l.Needed, l.Turns)
	case l.Reached <= l.Turns:
		return fmt.Sprintf("%s is reached in turn %d of %d, which need %s", text, l.Reached, l.Turns, l.Needed)
	}
	return fmt.Sprintf("%s is reached in turn %d", text, l.Reached)
}
