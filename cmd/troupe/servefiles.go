package main

import (
	"errors"
	"fmt"
	"net"

	"github.com/urfave/cli/v2"

	"github.com/troupe-dev/troupe/runtime/agent/bots"
)

var serveFilesCommand = &cli.Command{
	Name:      "serve-files",
	Usage:     "inside an agent: serve the files of a directory at the port that it has",
	ArgsUsage: "[DIR]",
	Description: "The port is that of an agent with serves: true, which others reach by the API. Files that\n" +
		"links lead to outside of the directory are not served. It ends with the agent's process.",
	Flags: []cli.Flag{&cli.StringFlag{Name: "port", Usage: "listen at `PORT` of 127.0.0.1", EnvVars: []string{"PORT"}}},
	Action: func(c *cli.Context) error {
		if c.NArg() > 1 {
			return usage("serve-files wants one directory at most")
		}
		if c.String("port") == "" {
			return usage("serve-files finds no PORT: agents with serves: true in their scenario have one")
		}
		dir := c.Args().First()
		if dir == "" {
			dir = "."
		}
		l, err := bots.Listen(c.String("port"))
		if err != nil {
			return exit{exitFailed, fmt.Errorf("cannot listen: %w", err)}
		}
		ctx, _, release := interruptions()
		defer release()
		done := make(chan struct{})
		go func() {
			defer close(done)
			<-ctx.Done()
			_ = l.Close()
		}()
		err = bots.ServeFiles(l, dir)
		if errors.Is(err, net.ErrClosed) {
			<-done
			return nil
		}
		return exit{exitFailed, fmt.Errorf("cannot serve %s: %w", dir, err)}
	},
}
