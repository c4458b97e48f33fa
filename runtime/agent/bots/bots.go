// Package bots is the reference agents that every binary carries, so that the
// shipped scenarios run with nothing else installed. Each is written with the
// client for authors of agents, and decides by its observations alone.
package bots

import (
	"fmt"
	"io"
	"sort"
	"strings"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// A maker makes the player of one agent.
type maker func(s agent.Start) (agent.Player, error)

// bots is the table of all bots.
var bots = map[string]maker{
	"alternator":             plays(alternator),
	"altruist":               gives(altruist),
	"builder":                newBuilder,
	"cell":                   newCell,
	"conditional-cooperator": gives(conditionalCooperator),
	"cooperator":             plays(cooperator),
	"customer":               newCustomer,
	"defector":               plays(defector),
	"echo":                   newEcho,
	"free-rider":             gives(freeRider),
	"go-by-majority":         plays(goByMajority),
	"grudger":                plays(grudger),
	"herald":                 newHerald,
	"historian":              newHistorian,
	"rabbit":                 newRabbit,
	"random":                 plays(random),
	"relay":                  newRelay,
	"rumour":                 newRumour,
	"suspicious-tit-for-tat": plays(suspiciousTitForTat),
	"tit-for-tat":            plays(titForTat),
	"tit-for-two-tats":       plays(titForTwoTats),
	"werewolf":               newTownsman,
	"win-stay-lose-shift":    plays(winStayLoseShift),
}

// Run is the bot of that name at work: it answers on in and out, for any
// number of agents, until in ends.
func Run(name string, in io.Reader, out io.Writer) error {
	if _, ok := bots[name]; !ok {
		return fmt.Errorf("unknown bot %q: the bots are %s", name, strings.Join(Names(), ", "))
	}
	return agent.ServeOn(in, out, func(s agent.Start) (agent.Player, error) { return New(name, s) })
}

// New is one agent that is the bot of that name, for a program that adds to it.
func New(name string, s agent.Start) (agent.Player, error) {
	start, ok := bots[name]
	if !ok {
		return nil, fmt.Errorf("unknown bot %q: the bots are %s", name, strings.Join(Names(), ", "))
	}
	return start(s)
}

// Names lists the bots, sorted.
func Names() []string {
	names := make([]string, 0, len(bots))
	for name := range bots {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
