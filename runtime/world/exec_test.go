package world

import (
	"context"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// serveKind names, in the environment of this test's own binary, the built-in
// world that it serves instead of testing.
const serveKind = "WORLD_TEST_SERVE"

func TestMain(m *testing.M) {
	if kind := os.Getenv(serveKind); kind != "" {
		err := Serve(context.Background(), os.Stdin, os.Stdout, func(config []byte) (World, error) { return New(kind, config) })
		if err != nil {
			_, _ = io.WriteString(os.Stderr, err.Error()+"\n")
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// An execChild is a real process.
type execChild struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout io.Reader
	done   chan struct{}
}

func (c *execChild) Stdin() io.WriteCloser { return c.stdin }
func (c *execChild) Stdout() io.Reader     { return c.stdout }
func (c *execChild) Done() <-chan struct{} { return c.done }
func (c *execChild) ExitText() string      { return c.cmd.ProcessState.String() }

func (c *execChild) Stop(ctx context.Context) {
	_ = c.stdin.Close()
	select {
	case <-c.done:
	case <-ctx.Done():
		_ = c.cmd.Process.Kill()
		<-c.done
	}
}

// children starts processes that serve a world, and keeps them for a test.
type children struct {
	kind string
	mu   sync.Mutex
	all  []*execChild
}

func (cs *children) start(_ context.Context, stderr io.Writer) (Child, error) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serveKind+"="+cs.kind)
	cmd.Stderr = stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, pipe := io.Pipe()
	cmd.Stdout = pipe
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &execChild{cmd: cmd, stdin: stdin, stdout: stdout, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		_ = pipe.Close()
		close(c.done)
	}()
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.all = append(cs.all, c)
	return c, nil
}

// kill kills the newest process and waits for its end.
func (cs *children) kill(t *testing.T) {
	cs.mu.Lock()
	newest := cs.all[len(cs.all)-1]
	cs.mu.Unlock()
	if err := newest.cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	<-newest.done
}

func TestRealProcessKilledBetweenTicks(t *testing.T) {
	e := kinds["population"].example
	want := play(t, mustNew(t, "population", e.config), e, legal(e))
	cs := &children{kind: "population"}
	var past memory
	var why []string
	w := newProcess(t, Program{
		Start: cs.start, History: past.history,
		Restarted: func(_ int, text string) { why = append(why, text) },
	})
	killed := make(map[int]bool)
	got := play(t, &remembering{w, &past}, e, func(tick, n int, id string) Action {
		if !killed[tick] {
			killed[tick] = true
			cs.kill(t)
		}
		return legal(e)(tick, n, id)
	})
	checkSame(t, "a world killed in every tick", got, want)
	if wanted := slices.Repeat([]string{"ended: signal: killed"}, len(want)-1); !slices.Equal(why, wanted) {
		t.Errorf("restarted because %q, want %q", why, wanted)
	}
}

func TestRealProcessThatDoesNotLikeItsConfig(t *testing.T) {
	cs := &children{kind: "population"}
	_, _, err := startAB(t, Program{Start: cs.start})
	wantError(t, err, "the second time it ended: exit status 1; it said last:", "config.newborn: missing")
}
