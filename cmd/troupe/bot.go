package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/troupe-dev/troupe/runtime/agent/bots"
	"github.com/troupe-dev/troupe/runtime/world"
)

var botCommand = &cli.Command{
	Name:        "bot",
	Usage:       "be a reference agent on stdin and stdout",
	ArgsUsage:   "NAME",
	Description: "The bots: " + strings.Join(bots.Names(), ", "),
	Action: func(c *cli.Context) error {
		name, err := one(c, "bot")
		if err != nil {
			return err
		}
		return bots.Run(name, os.Stdin, os.Stdout)
	},
}

// itself says what is wrong with troupe's own arguments where it is to be an
// agent or a world.
func itself(args []string) error {
	known := map[string][]string{"bot": bots.Names(), "world": world.Kinds()}
	switch {
	case len(args) > 1 && args[0] == "bench" && args[1] == "child":
		return nil // what bench measures with, in scenarios of its own
	case len(args) == 0 || known[args[0]] == nil:
		return errors.New("troupe is no agent or world with these arguments: it is as troupe bot NAME and troupe world KIND")
	case len(args) != 2:
		return fmt.Errorf("troupe %s wants one name: they are %s", args[0], strings.Join(known[args[0]], ", "))
	case !slices.Contains(known[args[0]], args[1]):
		return fmt.Errorf("troupe has no %s %q: they are %s", args[0], args[1], strings.Join(known[args[0]], ", "))
	}
	return nil
}

var worldCommand = &cli.Command{
	Name:        "world",
	Usage:       "be a built-in world as a process on stdin and stdout",
	ArgsUsage:   "KIND",
	Description: "The worlds: " + strings.Join(world.Kinds(), ", "),
	Action: func(c *cli.Context) error {
		kind, err := one(c, "kind of world")
		if err != nil {
			return err
		}
		return world.Serve(context.Background(), os.Stdin, os.Stdout, func(config []byte) (world.World, error) {
			return world.New(kind, config)
		})
	},
}
