package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/troupe-dev/troupe/runtime"
)

var credentialsCommand = &cli.Command{
	Name:      "credentials",
	Usage:     "print what the program of an agent of kind nats connects with",
	ArgsUsage: "RUN AGENT",
	Description: "Prints one JSON object: the address of the bus, user and password, and the subjects that\n" +
		"the program is asked on and publishes on. They hold until the agent or the run ends; a run\n" +
		"that is resumed has new ones.",
	Flags: []cli.Flag{dataFlag},
	Action: func(c *cli.Context) error {
		if c.NArg() != 2 {
			return usage("credentials wants a run and an agent")
		}
		run, id := c.Args().Get(0), c.Args().Get(1)
		if filepath.Base(run) != run || filepath.Base(id) != id {
			return usage("no run or agent has a name with a slash in it")
		}
		text, err := os.ReadFile(runtime.CredentialsFile(c.String("data"), run, id))
		if errors.Is(err, fs.ErrNotExist) {
			return exit{exitFailed, fmt.Errorf("run %s has no credentials for agent %s: it is no agent of kind nats, or has not started, or has ended", run, id)}
		}
		if err != nil {
			return exit{exitFailed, err}
		}
		_, err = os.Stdout.Write(text)
		return err
	},
}
