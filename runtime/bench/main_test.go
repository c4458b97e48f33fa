package bench

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/troupe-dev/troupe/runtime"
	"github.com/troupe-dev/troupe/runtime/agent/bots"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/world"
	"github.com/troupe-dev/troupe/scenarios"
)

// The test binary is also what the bench starts under the name troupe.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) != "troupe" {
		os.Exit(m.Run())
	}
	if err := asTroupe(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// asTroupe is as much of the command as the bench needs.
func asTroupe(ctx context.Context, args []string) error {
	switch {
	case len(args) == 2 && args[0] == "bot":
		return bots.Run(args[1], os.Stdin, os.Stdout)
	case len(args) == 2 && args[0] == "world":
		return world.Serve(ctx, os.Stdin, os.Stdout, func(config []byte) (world.World, error) { return world.New(args[1], config) })
	case len(args) > 1 && args[0] == "bench" && args[1] == "child":
		return Child(args[2:])
	case len(args) == 3 && args[0] == "bench" && args[1] == "hold":
		return Hold(ctx, args[2], os.Stdout)
	case len(args) > 0 && (args[0] == "run" || args[0] == "resume"):
		return asRun(ctx, args[0], args[1:])
	}
	return fmt.Errorf("called as troupe %q", args)
}

// asRun is troupe run and troupe resume, with --json.
func asRun(ctx context.Context, command string, args []string) error {
	f := flag.NewFlagSet(command, flag.ContinueOnError)
	data, name := f.String("data", "", ""), f.String("name", "", "")
	f.Bool("json", true, "")
	if err := f.Parse(args); err != nil {
		return err
	}
	o := runtime.Options{Data: *data, Name: *name}
	var res *runtime.Result
	var err error
	if command == "resume" {
		o.Name = f.Arg(0)
		res, err = runtime.Resume(ctx, o, nil)
	} else {
		s, problems := scenarios.Load(f.Arg(0))
		p, problems := plan.Expand(s, plan.Options{Found: problems})
		if len(problems) > 0 {
			return errors.New(problems[0].String())
		}
		res, err = runtime.Run(ctx, p, o)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(outcome{fmt.Sprintf("%x", res.Summary.Hash), res.Summary.Ticks, res.Summary.Timed})
}
