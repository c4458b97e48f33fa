package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// flagsFirst puts a subcommand's flags before its arguments, where the flag
// library wants them, so that people may write them on either side. What
// stands behind -- stays as it is.
func flagsFirst(args []string) []string {
	if len(args) < 3 {
		return args
	}
	i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.Name == args[1] })
	if i < 0 {
		return args
	}
	command, first := commands[i], 2 // the argument that follows the command's name
	if i := slices.IndexFunc(command.Subcommands, func(c *cli.Command) bool { return c.Name == args[2] }); i >= 0 {
		command, first = command.Subcommands[i], 3
	}
	valued := valuedFlags(command)
	var flags, rest []string
	for j := first; j < len(args); j++ {
		a := args[j]
		if a == "--" {
			rest = append(rest, args[j:]...)
			break
		}
		if len(a) < 2 || a[0] != '-' {
			rest = append(rest, a)
			continue
		}
		flags = append(flags, a)
		if name := strings.TrimLeft(a, "-"); valued[name] && j+1 < len(args) {
			j++
			flags = append(flags, args[j])
		}
	}
	return slices.Concat(args[:first], flags, rest)
}

// valuedFlags are the names of a command's flags that a value follows.
func valuedFlags(c *cli.Command) map[string]bool {
	names := map[string]bool{}
	for _, f := range c.Flags {
		if _, isBool := f.(*cli.BoolFlag); !isBool {
			for _, n := range f.Names() {
				names[n] = true
			}
		}
	}
	return names
}
