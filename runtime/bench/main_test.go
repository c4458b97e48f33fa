package bench

import (
	"context"
	"errors"
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
	case len(args) == 5 && args[0] == "run":
		s, problems := scenarios.Load(args[4])
		p, problems := plan.Expand(s, plan.Options{Found: problems})
		if len(problems) > 0 {
			return errors.New(problems[0].String())
		}
		_, err := runtime.Run(ctx, p, runtime.Options{Data: args[2]})
		return err
	}
	return fmt.Errorf("called as troupe %q", args)
}
