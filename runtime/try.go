package runtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/supervisor"
)

// A Tryout is an agent's command to be tried by itself.
type Tryout struct {
	Command      []string
	Config       []byte   // compact JSON; empty for {}
	Observations [][]byte // compact JSON; none for examples
	Transcript   io.Writer
	Stderr       io.Writer // gets what the agent logs
}

// Try starts a command as a run would (an environment, a working directory and
// a process group of its own) and holds a conversation with it. An error is one
// of starting it; what is wrong with its answers is in the report.
func Try(ctx context.Context, t Tryout) (rep agent.Report, err error) {
	argv, err := tryCommand(t.Command)
	if err != nil {
		return rep, err
	}
	dir, err := os.MkdirTemp("", "troupe-try-")
	if err != nil {
		return rep, fmt.Errorf("cannot make a workspace: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	env, err := processEnv(dir, "try", map[string]string{"TROUPE_AGENT": "agent-1"})
	if err != nil {
		return rep, err
	}
	fleet := supervisor.New(supervisor.Options{Run: "try"})
	defer fleet.Stop("the trial is over")
	p, err := fleet.StartProgram(argv, env, filepath.Join(dir, "work"), t.Stderr)
	if err != nil {
		return rep, err
	}
	return agent.Try(ctx, trial(t, p)), nil
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
		Init: agent.Init{Agent: "agent-1", Config: t.Config},
	}
	for i, o := range t.Observations {
		out.Observations = append(out.Observations, agent.Observe{Tick: i, Observation: o})
	}
	return out
}

// tryCommand finds the program, and names files of the current directory by
// paths that hold in the workspace too.
func tryCommand(words []string) ([]string, error) {
	argv := append([]string(nil), words...)
	for i, w := range argv {
		st, err := os.Stat(w)
		if err != nil || st.IsDir() || i == 0 && filepath.Base(w) == w {
			continue
		}
		if argv[i], err = filepath.Abs(w); err != nil {
			return nil, err
		}
	}
	if argv[0] == "troupe" || filepath.IsAbs(argv[0]) {
		return argv, nil
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return nil, fmt.Errorf("cannot find the command: %w", err)
	}
	argv[0] = path
	return argv, nil
}
