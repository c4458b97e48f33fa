package plan

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/scenarios"
)

// Relimit changes a plan's limits as --set does, before anybody else has seen
// the plan: limits.usd and limits.resident, the gateway's budgets, and of the agents that a pattern covers
// agents.PATTERN.limits.usd and .turns; none takes a limit away. Everything
// else of a run that is under way stands: an error names what may be set.
func Relimit(p *Plan, sets []string) error {
	var errs []error
	for _, text := range sets {
		at, value, err := scenarios.ParseSet(text)
		if err == nil {
			err = p.relimit(at, value)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("cannot set %s: %w", text, err))
		}
	}
	return errors.Join(errs...)
}

var errNoLimit = errors.New("of a run that is under way only limits can be changed: limits.usd, limits.resident, limits.wall, limits.cpu, limits.memory, gateway.budgets.NAME.usd, and of agents.PATTERN.limits usd, turns, memory, cpu, processes, disk and wall")

func (p *Plan) relimit(at []string, value string) error {
	if strings.Join(at, ".") == "limits.usd" {
		return setDollars(&p.Limits.USD, value)
	}
	if strings.Join(at, ".") == "limits.wall" {
		return setTime(&p.Limits.Wall, value)
	}
	if strings.Join(at, ".") == "limits.cpu" {
		return setTime(&p.Limits.CPU, value)
	}
	if strings.Join(at, ".") == "limits.memory" {
		if err := setSize(&p.Limits.Memory, value); err != nil {
			return err
		}
		if what, _ := p.outgrown(); what != "" {
			return errors.New(what)
		}
		return nil
	}
	if strings.Join(at, ".") == "limits.resident" {
		if err := setCount(&p.Limits.Resident, value); err != nil {
			return err
		}
		if what, _ := p.crowded(p.Limits.Resident); what != "" {
			return errors.New(what)
		}
		return nil
	}
	if b := p.budget(at); b != nil {
		return setDollars(&b.USD, value)
	}
	if len(at) != 4 || at[0] != "agents" || at[2] != "limits" {
		return errNoLimit
	}
	entries, err := p.covered(at[1])
	if err != nil {
		return err
	}
	for _, i := range entries {
		switch e := &p.Entries[i]; at[3] {
		case "usd":
			if err = setDollars(&e.Limits.USD, value); err == nil {
				p.rebudget(i)
			}
		case "turns":
			err = setCount(&e.Limits.Turns, value)
		case "processes":
			err = setCount(&e.Limits.Processes, value)
		case "memory":
			err = setSize(&e.Limits.Memory, value)
		case "disk":
			err = setSize(&e.Limits.Disk, value)
		case "cpu":
			err = setTime(&e.Limits.CPU, value)
		case "wall":
			err = setTime(&e.Limits.Wall, value)
		default:
			err = errNoLimit
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// budget is the one that gateway.budgets.NAME.usd names; nil for none.
func (p *Plan) budget(at []string) *Budget {
	if p.Gateway == nil || len(at) != 4 || at[0] != "gateway" || at[1] != "budgets" || at[3] != "usd" {
		return nil
	}
	for i := range p.Gateway.Budgets {
		if b := &p.Gateway.Budgets[i]; b.Name == at[2] {
			return b
		}
	}
	return nil
}

// covered are the entries of the agents that a pattern covers. Agents of one
// entry have the same limits: one that covers a part of them is an error.
func (p *Plan) covered(pattern string) ([]int, error) {
	covers := map[int]bool{}
	var entries []int
	for i := range p.Agents {
		a := &p.Agents[i]
		is := scenarios.Match(pattern, a.ID)
		was, known := covers[a.Entry]
		switch {
		case known && was != is:
			return nil, fmt.Errorf("%q covers some agents of %s and not others, and a run under way has one limit for all of an entry: set it for %s",
				pattern, p.Entries[a.Entry].ID, everyone(p.Entries[a.Entry].ID))
		case !known && is:
			entries = append(entries, a.Entry)
		}
		covers[a.Entry] = is
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("%q covers no agent of the run", pattern)
	}
	return entries, nil
}

// everyone is the pattern that covers all ids that an entry's can be.
func everyone(id string) string {
	t := parseTemplate(id)
	return t.fill(vars{row: starred(t.names())})
}

// starred gives each name the value that matches any.
func starred(names []string) map[string]any {
	row := make(map[string]any, len(names))
	for _, n := range names {
		row[n] = "*"
	}
	return row
}

// rebudget tells an entry's tool that goes around the gateway, and whose command says how much a process may
// spend, of its limit.
func (p *Plan) rebudget(entry int) {
	e := &p.Entries[entry]
	kind, err := agent.Lookup(e.Kind)
	if err != nil || kind.Tool == nil || e.Model == nil || len(e.Gateway) > 0 {
		return
	}
	options := *e.Model
	options.USD = e.Limits.USD
	e.Model = &options
	e.Program.Command = kind.Tool.Command(e.Program.Command[0], e.Model)
	for i := range p.Processes {
		if p.Processes[i].Entry == entry {
			p.Processes[i].Command = e.Program.Command
		}
	}
}

func setDollars(into *agent.USD, value string) error {
	if value == "none" {
		*into = 0
		return nil
	}
	d, err := strconv.ParseFloat(value, 64)
	if err != nil || !(d > 0) || d > 1e9 {
		return fmt.Errorf("%q is no number of dollars above 0, nor none", value)
	}
	*into = agent.FromDollars(d)
	return nil
}

func setSize(into *Size, value string) error {
	if value == "none" {
		*into = 0
		return nil
	}
	n, ok := scenarios.ParseSize(value)
	if !ok {
		return fmt.Errorf("%q is no number of bytes such as 512MiB, nor none", value)
	}
	*into = Size(n)
	return nil
}

func setTime(into *time.Duration, value string) error {
	if value == "none" {
		*into = 0
		return nil
	}
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 {
		return fmt.Errorf("%q is no duration above 0 such as 10m, nor none", value)
	}
	*into = d
	return nil
}

func setCount(into *int, value string) error {
	if value == "none" {
		*into = 0
		return nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 {
		return fmt.Errorf("%q is no whole number above 0, nor none", value)
	}
	*into = n
	return nil
}
