package runtime

import (
	"context"
	"io"
	"maps"
	"slices"

	"github.com/troupe-dev/troupe/runtime/engine"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/supervisor"
	"github.com/troupe-dev/troupe/runtime/world"
	"github.com/troupe-dev/troupe/workspace"
)

// processWorld makes a world that is a program, with a workspace and a log of
// its own, behind the walls of the run.
func (r *run) processWorld() (w world.World, release func(), err error) {
	ws, err := r.walls.OpenWorld(r.dir)
	if err != nil {
		return nil, nil, err
	}
	prog := r.plan.World.Program
	log := supervisor.NewLog(r.dir.WorldLog())
	r.worldLog = log
	names := newFleet(nil, r.plan, r.name, r.dir, nil) // for the places of its files
	names.proxy = r.proxy
	cmd := names.program(prog, ws, nil)
	w = world.NewProcess(world.Program{
		Start: func(_ context.Context, stderr io.Writer) (world.Child, error) {
			return r.fleet.StartProgram(cmd, ws, stderr)
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
		ws.Release()
	}, nil
}

// program is the command of a process that no agent's Spec describes. What extra
// has is in its environment too.
func (f *fleet) program(p *plan.Program, ws *workspace.Workspace, extra map[string]string) workspace.Command {
	o := f.outlet(worldClient, p)
	env := map[string]string{"TROUPE_RUN": f.run, "PYTHONUNBUFFERED": "1", "HOME": ws.Home, "TMPDIR": ws.Tmp}
	if o != nil {
		maps.Copy(env, o.environ())
	}
	c := workspace.Command{
		Argv: f.command(p.Command, p.Dir, ""), Env: supervisor.Environ(env, extra, f.env(p.Env, p.Dir)), Dir: ws.Work,
		Readable: f.readable(p), Connects: true, // older plans do not say
	}
	if n := p.Network; n != nil {
		c.Connects, c.Ports = n.Any, n.Ports
	}
	if o != nil {
		c.Ports = append(slices.Clone(c.Ports), o.port)
	}
	return c
}
