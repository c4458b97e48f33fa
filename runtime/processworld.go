package runtime

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/troupe-dev/troupe/runtime/engine"
	"github.com/troupe-dev/troupe/runtime/supervisor"
	"github.com/troupe-dev/troupe/runtime/world"
)

// processWorld makes a world that is a program, with a directory and a log of
// its own.
func (r *run) processWorld() (w world.World, release func()) {
	prog := r.plan.World.Program
	log := supervisor.NewLog(r.dir.WorldLog())
	names := newFleet(nil, r.plan, r.name, r.dir, nil) // for the places of its files
	dir := filepath.Join(r.dir.Dir, "world")
	w = world.NewProcess(world.Program{
		Start: func(_ context.Context, stderr io.Writer) (world.Child, error) {
			env, err := processEnv(dir, r.name, names.env(prog.Env, prog.Dir))
			if err != nil {
				return nil, err
			}
			return r.fleet.StartProgram(names.command(prog.Command, prog.Dir, ""), env, filepath.Join(dir, "work"), stderr)
		},
		Log: log, LogName: r.dir.WorldLog(), Timeout: r.plan.World.Timeout,
		History: func(ctx context.Context, from int, yield func(int, []world.Action) error) error {
			tick, _, _ := r.log.Last()
			return engine.WorldHistory(ctx, r.log, r.plan, r.checkpoints.before(from), from, tick+1, yield)
		},
	})
	return w, func() {
		if c, ok := w.(world.Closer); ok {
			_ = c.Close(context.Background())
		}
		_ = log.Close()
	}
}

// processEnv makes the directories of a process that is no agent of a run, and
// the environment that names them.
func processEnv(dir, run string, extra map[string]string) ([]string, error) {
	env := map[string]string{"TROUPE_RUN": run, "PYTHONUNBUFFERED": "1",
		"HOME": filepath.Join(dir, "home"), "TMPDIR": filepath.Join(dir, "tmp")}
	for _, name := range []string{"work", "home", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			return nil, fmt.Errorf("cannot make a working directory: %w", err)
		}
	}
	return supervisor.Environ(env, extra), nil
}
