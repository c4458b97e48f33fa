package plan

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/scenarios"
)

// Relimit changes a plan's limits as --set does, before anybody else has seen
// the plan: limits.usd and limits.resident, and of the agents that a pattern covers
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

var errNoLimit = errors.New("of a run that is under way only limits can be changed: limits.usd, limits.resident, agents.PATTERN.limits.usd, agents.PATTERN.limits.turns")

func (p *Plan) relimit(at []string, value string) error {
	if strings.Join(at, ".") == "limits.usd" {
		return setDollars(&p.Limits.USD, value)
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
	if len(at) != 4 || at[0] != "agents" || at[2] != "limits" {
		return errNoLimit
	}
	found := false
	for i := range p.Agents {
		ok, err := path.Match(at[1], p.Agents[i].ID)
		if err != nil {
			return fmt.Errorf("%q is not a pattern: %w", at[1], err)
		}
		if !ok {
			continue
		}
		found = true
		e := &p.Entries[p.Agents[i].Entry]
		switch at[3] {
		case "usd":
			err = setDollars(&e.Limits.USD, value)
		case "turns":
			err = setCount(&e.Limits.Turns, value)
		default:
			err = errNoLimit
		}
		if err != nil {
			return err
		}
	}
	if !found {
		return fmt.Errorf("%q covers no agent of the run", at[1])
	}
	return nil
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
