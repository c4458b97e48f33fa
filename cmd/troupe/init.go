package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/troupe-dev/troupe/scenarios"
)

var initCommand = &cli.Command{
	Name:      "init",
	Usage:     "write a small scenario with an agent in Python that runs at once",
	ArgsUsage: "DIR",
	Action: func(c *cli.Context) error {
		dir, err := one(c, "directory")
		if err != nil {
			return err
		}
		files, err := scenarios.Starter(dir)
		if err != nil {
			return err
		}
		for _, f := range files {
			_, _ = fmt.Fprintln(os.Stdout, f)
		}
		_, _ = fmt.Fprintf(os.Stdout, "run it: troupe run %s\n", filepath.Join(dir, "scenario.yaml"))
		return nil
	},
}
