package plan

import (
	"cmp"
	"slices"
	"sort"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/scenarios"
)

// limits says how long the limits on money last.
func (c *costing) limits() {
	for i := range c.plan.Entries {
		e := &c.plan.Entries[i]
		if e.Limits.USD == 0 {
			continue
		}
		var own []*flow
		for _, f := range c.flows {
			if f.entry == e {
				one := *f
				one.agents = f.agents[:1]
				own = append(own, &one)
			}
		}
		if len(own) > 0 {
			dearest := slices.MaxFunc(own, func(a, b *flow) int { return cmp.Compare(a.spent(a.turns).usd, b.spent(b.turns).usd) })
			c.limit(e.ID, e.Limits.USD, []*flow{dearest})
		}
	}
	if c.plan.Gateway != nil {
		for _, b := range c.plan.Gateway.Budgets {
			c.limit("budget "+b.Name, b.USD, c.spenders(func(id string) bool {
				return slices.ContainsFunc(b.Agents, func(pattern string) bool { return scenarios.Match(pattern, id) })
			}))
		}
	}
	c.limit("run", c.plan.Limits.USD, c.flows)
}

// mostTurns is how far a limit is looked at where nothing says how many turns there are.
const mostTurns = 1_000_000

// limit finds the turn in which agents pass a limit together, if each of them has a
// turn at a time.
func (c *costing) limit(of string, most agent.USD, flows []*flow) {
	if most == 0 || len(flows) == 0 {
		return
	}
	spent := func(turn int) (usd Dollars) {
		for _, f := range flows {
			usd = plus(usd, f.spent(f.until(turn)).times(int64(len(f.agents))).usd)
		}
		return usd
	}
	last, turns := 0, 0
	for _, f := range flows {
		turns = max(turns, f.turns)
		if last = max(last, f.turns); !f.known {
			last = max(last, mostTurns)
		}
	}
	out := LimitCost{Of: of, USD: Dollars(most), Needed: spent(turns), Turns: turns}
	if i := sort.Search(last, func(i int) bool { return spent(i+1) > Dollars(most) }); i < last {
		out.Reached = i + 1
	}
	c.out.Limits = append(c.out.Limits, out)
}

// spenders are the conversations that have agents which a bound is for.
func (c *costing) spenders(match func(id string) bool) (all []*flow) {
	for _, f := range c.flows {
		g := *f
		g.agents = slices.DeleteFunc(slices.Clone(f.agents), func(id string) bool { return !match(id) })
		if len(g.agents) > 0 {
			all = append(all, &g)
		}
	}
	return all
}
