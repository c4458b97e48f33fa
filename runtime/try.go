package runtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/supervisor"
	"github.com/troupe-dev/troupe/workspace"
)

// A Tryout is an agent's command to be tried by itself.
type Tryout struct {
	Command      []string
	Isolation    string   // the walls it has, as a scenario says it
	Config       []byte   // compact JSON; empty for {}
	Observations [][]byte // compact JSON; none for examples
	Transcript   io.Writer
	Stderr       io.Writer // gets what the agent logs
}

// Try starts a command as a run would (an environment, a workspace and walls of
// its own) and holds a conversation with it. An error is one of starting it; what
// is wrong with its answers is in the report.
func Try(ctx context.Context, t Tryout) (rep agent.Report, err error) {
	argv, files, err := tryCommand(t.Command)
	if err != nil {
		return rep, err
	}
	dir, err := os.MkdirTemp("", "troupe-try-")
	if err != nil {
		return rep, fmt.Errorf("cannot make a workspace: %w", err)
	}
	defer func() { err = errors.Join(err, workspace.Run{Dir: dir}.Remove()) }()
	run := workspace.Run{Dir: filepath.Join(dir, "runs", "try")}
	site := &workspace.Site{Data: dir, Run: run, Reads: plan.Readable(argv, workspace.InSystem)}
	if filepath.IsAbs(argv[0]) {
		site.Programs = []string{argv[0]}
	}
	if err := os.MkdirAll(run.Dir, 0o700); err != nil {
		return rep, fmt.Errorf("cannot make a workspace: %w", err)
	}
	walls, err := workspace.Raise(t.Isolation, site)
	if err != nil {
		return rep, err
	}
	defer walls.Close()
	ws, err := walls.Open(run, tried)
	if err != nil {
		return rep, err
	}
	defer ws.Release()
	fleet := supervisor.New(supervisor.Options{Run: "try", Dir: run, Walls: walls})
	defer fleet.Stop("the trial is over")
	prog := &plan.Program{Command: argv, Readable: slices.Concat(site.Reads, besides(files)), Network: &plan.Network{}}
	cmd := newFleet(nil, nil, "try", run, nil).program(prog, ws, map[string]string{"TROUPE_AGENT": tried})
	p, err := fleet.StartProgram(cmd, ws, t.Stderr)
	if err != nil {
		return rep, err
	}
	return agent.Try(ctx, trial(t, p)), nil
}

// tried is the id of an agent that is tried.
const tried = "agent-1"

// besides are the directories of files: a scenario's files would lie there, which
// an entry can have copied into a run.
func besides(files []string) (dirs []string) {
	for _, f := range files {
		dirs = append(dirs, filepath.Dir(f))
	}
	return dirs
}

// trial is what package agent wants to know of a tryout.
func trial(t Tryout, p *supervisor.Program) agent.Trial {
	exited := make(chan error, 1)
	go func() {
		<-p.Done()
		exited <- p.Err()
	}()
	out := agent.Trial{
		Stdin: p.Stdin(), Stdout: p.Stdout().(io.ReadCloser), Exited: exited, Transcript: t.Transcript,
		Init: agent.Init{Agent: tried, Config: t.Config},
	}
	for i, o := range t.Observations {
		out.Observations = append(out.Observations, agent.Observe{Tick: i, Observation: o})
	}
	return out
}

// tryCommand finds the program, and names files of the current directory by
// paths that hold in the workspace too; files are those.
func tryCommand(words []string) (argv, files []string, err error) {
	argv = slices.Clone(words)
	for i, w := range argv {
		st, err := os.Stat(w)
		if err != nil || st.IsDir() || filepath.IsAbs(w) || i == 0 && filepath.Base(w) == w {
			continue
		}
		if argv[i], err = filepath.Abs(w); err != nil {
			return nil, nil, err
		}
		files = append(files, argv[i])
	}
	if argv[0] == "troupe" || filepath.IsAbs(argv[0]) {
		return argv, files, nil
	}
	path, err := exec.LookPath(argv[0])
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("cannot find the command: %w", err)
	}
	argv[0] = path
	return argv, files, nil
}
