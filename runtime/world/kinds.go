package world

import (
	"fmt"
	"slices"
	"strings"
)

// A kind is one row of the table of built-in worlds.
type kind struct {
	// open makes the world from its config, a JSON object. What can be checked
	// without knowing the agents is checked here.
	open func(config []byte) (World, error)
	// example is a small game that the conformance suite plays.
	example example
}

// An example is all that a game of a kind needs.
type example struct {
	config  string
	agents  []string
	actions []string // legal for every agent at any time
	garbage []string // refused; none where the world accepts all
}

var kinds = map[string]kind{
	"conversation": conversationKind,
	"grid-game":    gridGameKind,
	"matrix-game":  matrixGameKind,
	"population":   populationKind,
	"public-goods": publicGoodsKind,
	"tasks":        tasksKind,
	"werewolf":     werewolfKind,
}

// Kinds lists the built-in worlds, sorted.
func Kinds() []string {
	names := make([]string, 0, len(kinds))
	for name := range kinds {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// New makes the built-in world of a kind. Config is a JSON object, empty for
// {}; what is wrong with it is a ConfigErrors that names every key.
func New(kind string, config []byte) (World, error) {
	k, ok := kinds[kind]
	if !ok {
		return nil, fmt.Errorf("cannot make a world: unknown kind %q; known kinds: %s", kind, strings.Join(Kinds(), ", "))
	}
	w, err := k.open(config)
	if err != nil {
		return nil, fmt.Errorf("cannot make world %s: %w", kind, err)
	}
	return w, nil
}
