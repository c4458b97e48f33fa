package plan

import (
	"fmt"
	"math"
	"slices"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/price"
	"github.com/troupe-dev/troupe/runtime/world"
)

// A costing is an estimate in the making.
type costing struct {
	plan   *Plan
	prices *price.Table
	world  world.Lasting // nil for one whose length is not known
	flows  []*flow
	out    *Estimate
}

func (c *costing) note(e *Entry, format string, args ...any) {
	text := e.ID + ": " + fmt.Sprintf(format, args...)
	if !slices.Contains(c.out.Notes, text) { // --set makes several entries of one
		c.out.Notes = append(c.out.Notes, text)
	}
}

// entry adds what the agents of an entry cost.
func (c *costing) entry(i int) error {
	e := &c.plan.Entries[i]
	for _, failure := range agent.Failures {
		if s := e.Policies[failure].Substitute; s != nil && (s.Model != nil || len(s.Gateway) > 0) {
			c.note(e, "the %s that stands in for it on %s is not counted", s.Kind, failure)
		}
	}
	if e.Model == nil && len(e.Gateway) == 0 {
		return nil
	}
	kind, err := agent.Lookup(e.Kind)
	if err != nil {
		return err
	}
	sum := EntryCost{ID: e.ID, Kind: e.Kind, Known: true}
	rates := c.rates(e, kind.Tool, &sum)
	flows, err := c.conversations(i, kind.Tool, rates)
	if err != nil {
		return err
	}
	for _, f := range flows {
		if !f.known {
			c.note(e, "nothing says how many turns there are (clock.ticks), so that its figures are for the first: see --turns")
		}
		sum.Turns, sum.Known = max(sum.Turns, f.turns), sum.Known && f.known
		u := f.spent(f.turns).times(int64(len(f.agents)))
		sum.Agents += len(f.agents)
		sum.Input, sum.Cached, sum.Output = plus(sum.Input, u.input), plus(sum.Cached, u.cached), plus(sum.Output, u.output)
		sum.USD, sum.Uncached = plus(sum.USD, u.usd), plus(sum.Uncached, u.uncached)
	}
	c.flows = append(c.flows, flows...)
	c.out.Entries = append(c.out.Entries, sum)
	c.out.USD, c.out.Uncached = plus(c.out.USD, sum.USD), plus(c.out.Uncached, sum.Uncached)
	return nil
}

// turns is how often an agent of an entry is asked at most, and whether that is known:
// else it is one turn.
func (c *costing) turns(e *Entry, id string) (n int, known bool) {
	bounds := []int{c.out.Assumed.Turns, e.Limits.Turns}
	if c.out.Assumed.Turns == 0 && c.plan.Clock.Mode == Lockstep { // in realtime a tick is anybody's turn
		bounds = append(bounds, c.plan.Clock.Ticks)
		if c.world != nil {
			bounds = append(bounds, c.world.Turns(id))
		}
	}
	for _, most := range bounds {
		if most > 0 && (n == 0 || n > most) {
			n = most
		}
	}
	return max(n, 1), n > 0
}

// rates finds the price of an entry's model, and notes what is not known of it.
func (c *costing) rates(e *Entry, tool *agent.Tool, sum *EntryCost) price.Price {
	if len(e.Gateway) == 0 {
		c.note(e, "it goes around the gateway: by the table's prices, whatever its account pays")
	}
	if e.Max > 0 {
		c.note(e, "agents that come later are not counted (max: %d)", e.Max)
	}
	if tool == nil {
		c.note(e, "its program chooses its models and what it tells them: the dearest of each price is taken, and a new conversation of messages and answers alone each turn")
		return c.prices.Dearest()
	}
	if len(e.Model.MCP) > 0 {
		c.note(e, "the tools of its own MCP servers are not counted")
	}
	sum.Model = e.Model.Model
	if full, ok := tool.Models[sum.Model]; ok {
		if sum.Model == "" {
			c.note(e, "it names no model, and %s is taken for what %s has by itself", full, tool.Program)
		} else {
			c.note(e, "%s is taken for %s", full, sum.Model)
		}
		sum.Model = full
	}
	found, ok := c.prices.Of(sum.Model)
	if !ok {
		c.note(e, "%s has no price in the table: the dearest of each is taken (gateway.prices)", sum.Model)
		return c.prices.Dearest()
	}
	return found
}

// conversations are those of the agents of an entry; agents that are told as much, as
// often, have the same one.
func (c *costing) conversations(i int, tool *agent.Tool, rates price.Price) ([]*flow, error) {
	e := &c.plan.Entries[i]
	var all []*flow
	type length struct {
		prefix int64
		turns  int
		known  bool
	}
	byLength := map[length]*flow{}
	for j := range c.plan.Agents {
		a := &c.plan.Agents[j]
		if a.Entry != i {
			continue
		}
		var x length
		var err error
		if x.prefix, err = c.prefix(e, tool, a); err != nil {
			return nil, err
		}
		x.turns, x.known = c.turns(e, a.ID)
		f := byLength[x]
		if f == nil {
			f = &flow{
				entry: e, assumed: c.out.Assumed, prefix: x.prefix, rates: rates,
				goesOn: e.State == "session", turns: x.turns, known: x.known,
			}
			if e.Model != nil && e.Model.MaxTurns > 0 {
				f.assumed.Requests = min(f.assumed.Requests, e.Model.MaxTurns)
			}
			byLength[x] = f
			all = append(all, f)
		}
		f.agents = append(f.agents, a.ID)
	}
	return all, nil
}

// prefix is how many tokens stand before an agent's conversation.
func (c *costing) prefix(e *Entry, tool *agent.Tool, a *Agent) (int64, error) {
	if tool == nil {
		return 0, nil
	}
	texts, err := c.plan.Brief(e.Model, a).Texts()
	if err != nil {
		return 0, err
	}
	n := tool.Overhead(e.Model)
	for _, text := range texts {
		n += len(text)
	}
	return tokens(n), nil
}

// tokens is about how many there are in so many bytes: 3.5 of English each, by
// platform.claude.com/docs/en/about-claude/glossary.
func tokens(bytes int) int64 { return int64(math.Ceil(float64(bytes) / 3.5)) }
