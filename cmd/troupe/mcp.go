package main

import (
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/troupe-dev/troupe/runtime"
	"github.com/troupe-dev/troupe/runtime/mcp"
)

var mcpCommand = &cli.Command{
	Name:  "mcp",
	Usage: "inside an agent: serve its socket as an MCP server on standard input and output",
	Description: "Every agent of Claude Code or Codex has this server by the name troupe. Its tools are\n" +
		"act, observe, send_message, read_messages, list_agents, checkout, commit, lock and\n" +
		"unlock; its resources the agent's brief and the files of the shared tree.",
	Flags: []cli.Flag{askerFlag},
	Action: func(c *cli.Context) error {
		if c.Args().Present() {
			return usage("mcp wants no arguments")
		}
		ctx, release := signal.NotifyContext(c.Context, syscall.SIGINT, syscall.SIGTERM)
		defer release()
		s, err := mcp.Here(c.String("agent"), runtime.Version())
		if err != nil {
			return err
		}
		debug.FreeOSMemory() // what the packages' beginning took: each agent has one of these
		return s.Serve(ctx, os.Stdin, os.Stdout)
	},
}
