package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// A child that floods goes on answering, tears none of its own lines, and
// leaves nobody behind who holds its pipes.
func TestFloods(t *testing.T) {
	needLinux(t)
	for _, name := range Children() {
		for _, flood := range []string{floodLog, floodStdout, floodBusy, floodMemory} {
			t.Run(name+"/"+flood, func(t *testing.T) {
				p, err := newChild(context.Background(), name, t.TempDir())
				if err != nil {
					t.Skip(err) // TestE2EChildren fails then
				}
				file, argv, env := p.launch("1", "bob", flood)
				cmd := exec.Command(file)
				cmd.Args, cmd.Env = argv, env
				converse(t, cmd, flood)
			})
		}
	}
}

// converse asks a child three times, each time once it has flooded.
func converse(t *testing.T, cmd *exec.Cmd, flood string) {
	t.Helper()
	in, err := cmd.StdinPipe()
	stdout, err2 := cmd.StdoutPipe()
	stderr, err3 := cmd.StderrPipe()
	if err := errors.Join(err, err2, err3, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	out, log := bufio.NewReader(stdout), bufio.NewReader(stderr)
	said := tell(t, in, out, agent.AppendInit(nil, agent.Init{Run: "r", Agent: "ann"}))
	for tick := range 3 {
		said = append(said, tell(t, in, out, agent.AppendObserve(nil, &agent.Observe{Agent: "ann", Tick: tick, Observation: []byte("1"), Attempt: 1}))...)
		switch flood {
		case floodLog:
			noisy(t, log)
		case floodStdout:
			noisy(t, out)
		}
	}
	checkAnswers(t, said, 1)
	// Both pipes end: whoever floods is gone as well.
	err = errors.Join(in.Close(), drained(out, log), cmd.Wait())
	if err != nil {
		t.Error(err)
	}
}

// tell writes a line and gives the one with braces that comes back.
func tell(t *testing.T, in io.Writer, out *bufio.Reader, line []byte) []byte {
	t.Helper()
	if _, err := in.Write(line); err != nil {
		t.Fatal(err)
	}
	for {
		said, err := out.ReadBytes('\n')
		if err != nil {
			t.Fatal(err)
		}
		if bytes.ContainsAny(said, "{}") {
			return said
		}
	}
}

// noisy wants a whole line of what floods.
func noisy(t *testing.T, r *bufio.Reader) {
	t.Helper()
	if line, err := r.ReadString('\n'); err != nil || line != strings.Repeat(".", 63)+"\n" {
		t.Fatalf("got %q, %v", line, err)
	}
}

// drained reads all to their ends, side by side.
func drained(all ...io.Reader) error {
	errs := make(chan error)
	for _, r := range all {
		go func() {
			_, err := io.Copy(io.Discard, r)
			errs <- err
		}()
	}
	var err error
	for range all {
		err = errors.Join(err, <-errs)
	}
	return err
}
