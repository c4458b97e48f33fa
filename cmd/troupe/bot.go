package main

import (
	"context"
	"os"
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
