package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/troupe-dev/troupe/runtime/socket"
)

// askerFlag is of commands that agents use, whose process may be shared.
var askerFlag = &cli.StringFlag{Name: "agent", Usage: "the `AGENT` that asks, where several share the process", EnvVars: []string{"TROUPE_AGENT"}}

var checkoutCommand = &cli.Command{
	Name:      "checkout",
	Usage:     "inside an agent: bring files of the shared tree into the workspace",
	ArgsUsage: "PATH…",
	Description: "Files and directories come into the working directory, under the same names, as they were\n" +
		"when the agent's tick began; . is the whole tree. Which versions these are is noted in .troupe.",
	Flags: []cli.Flag{askerFlag, &cli.BoolFlag{Name: "force", Usage: "give up changes that are not committed"}},
	Action: func(c *cli.Context) error {
		return inCopy(c, "checkout", c.Args().Slice(), func(w *socket.Copy, paths []string) error {
			out, err := w.Checkout(paths, c.Bool("force"))
			if err != nil {
				return err
			}
			if len(out.Missing) > 0 {
				return fmt.Errorf("the shared tree has no %s (version %d)", strings.Join(out.Missing, ", "), out.Version)
			}
			return sayf("checked out %s of version %d", files(out.Files), out.Version)
		})
	},
}

var commitCommand = &cli.Command{
	Name:      "commit",
	Usage:     "inside an agent: bring changed files into the shared tree",
	ArgsUsage: "PATH…",
	Description: "All that is changed at these paths and below is brought in whole, or, where somebody else\n" +
		"changed one of the files since it was checked out, not at all. In lockstep that is decided\n" +
		"when the tick ends, and told with the next observation.",
	Flags: []cli.Flag{
		askerFlag,
		&cli.StringFlag{Name: "message", Aliases: []string{"m"}, Usage: "what the change is for"},
		&cli.BoolFlag{Name: "merge", Usage: "merge what others have changed first"},
		&cli.IntFlag{Name: "token", Usage: "the lease that the change was made under", EnvVars: []string{"TROUPE_LEASE"}},
	},
	Action: func(c *cli.Context) error {
		return inCopy(c, "commit", c.Args().Slice(), func(w *socket.Copy, paths []string) error {
			out, err := w.Commit(paths, c.String("message"), c.Int("token"), c.Bool("merge"))
			switch {
			case err != nil:
				return err
			case len(out.Files) == 0:
				return sayf("nothing to commit")
			case out.Staged > 0:
				return sayf("%s staged as request %d: decided when tick %d ends", files(len(out.Files)), out.Staged, out.Tick)
			}
			return sayf("committed %s as version %d", files(len(out.Files)), out.Version)
		})
	},
}

var lockCommand = &cli.Command{
	Name:      "lock",
	Usage:     "inside an agent: ask for a lease on paths of the shared tree",
	ArgsUsage: "PATH… [-- COMMAND]",
	Description: "Nobody else can commit to these paths, and what is below them, while the lease lasts. In\n" +
		"lockstep it is granted, or queued, when the tick ends, and lasts until troupe unlock or so\n" +
		"many ticks. Under the realtime clock it is waited for, and lasts for some time, or while a\n" +
		"command runs; what that commits is refused once the lease has ended all the same.",
	Flags: []cli.Flag{askerFlag, &cli.StringFlag{Name: "ttl", Usage: "how long it lasts: a number of ticks or, under the realtime clock, a time such as `30s`"}},
	Action: func(c *cli.Context) error {
		ttl, err := parseTTL(c.String("ttl"))
		if err != nil {
			return err
		}
		if names, command := beforeDashes(c.Args().Slice()); len(command) > 0 {
			return holding(c, names, ttl, command)
		}
		return inCopy(c, "lock", c.Args().Slice(), func(w *socket.Copy, paths []string) error {
			reply, err := w.Lock(paths, ttl)
			if err != nil {
				return err
			}
			if reply.Token > 0 {
				return sayf("granted with token %d", reply.Token)
			}
			return sayf("asked for as request %d: decided when tick %d ends", reply.Staged, reply.Tick)
		})
	},
}

var unlockCommand = &cli.Command{
	Name:      "unlock",
	Usage:     "inside an agent: end leases, or no longer wait for them",
	ArgsUsage: "[PATH…]",
	Flags:     []cli.Flag{askerFlag},
	Action: func(c *cli.Context) error {
		return inCopy(c, "", c.Args().Slice(), func(w *socket.Copy, paths []string) error {
			reply, err := w.Unlock(paths)
			if err != nil || reply.Realtime {
				return err
			}
			return sayf("asked for as request %d: decided when tick %d ends", reply.Staged, reply.Tick)
		})
	},
}

// inCopy does something with the copy that the working directory is in. A
// command that wants paths says its name.
func inCopy(c *cli.Context, wants string, names []string, do func(w *socket.Copy, paths []string) error) (err error) {
	if len(names) == 0 && wants != "" {
		return usage("%s wants a path; see troupe %s --help", wants, wants)
	}
	client, err := socket.Dial()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	w, err := socket.OpenCopy(client, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	w.Agent = c.String("agent")
	paths, err := w.Paths(dir, names)
	if err != nil {
		return usage("%w", err)
	}
	return do(w, paths)
}

// beforeDashes parts the arguments at --.
func beforeDashes(args []string) (names, command []string) {
	if i := slices.Index(args, "--"); i >= 0 {
		return args[:i], args[i+1:]
	}
	return args, nil
}

// parseTTL reads a number of ticks, or a time.
func parseTTL(text string) (ttl socket.TTL, err error) {
	if text == "" {
		return ttl, nil
	}
	if ttl.Ticks, err = strconv.Atoi(text); err == nil && ttl.Ticks >= 0 {
		return ttl, nil
	}
	if ttl.Time, err = time.ParseDuration(text); err != nil || ttl.Time <= 0 {
		return ttl, usage("--ttl wants a number of ticks, or a time such as 30s")
	}
	ttl.Ticks = 0
	return ttl, nil
}

// holding runs a command while its agent has a lease. It is told the token, so
// that what it commits is refused where the lease has ended.
func holding(c *cli.Context, names []string, ttl socket.TTL, command []string) error {
	var paths []string
	err := inCopy(c, "lock", names, func(_ *socket.Copy, all []string) error {
		paths = all
		return nil
	})
	if err != nil {
		return err
	}
	client, err := socket.Dial()
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	err = client.Hold(c.String("agent"), paths, ttl.Time, func(token int) error {
		cmd := exec.Command(command[0], command[1:]...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
		cmd.Env = append(os.Environ(), fmt.Sprintf("TROUPE_LEASE=%d", token))
		return cmd.Run()
	})
	var failed *exec.ExitError
	if errors.As(err, &failed) && failed.ExitCode() > 0 {
		return exit{code: failed.ExitCode()}
	}
	return err
}

func files(n int) string {
	if n == 1 {
		return "1 file"
	}
	return fmt.Sprintf("%d files", n)
}

func sayf(format string, args ...any) error {
	_, err := fmt.Printf(format+"\n", args...)
	return err
}
