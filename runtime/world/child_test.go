package world

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A fakeChild is a process made of a goroutine and two pipes.
type fakeChild struct {
	stdin  *io.PipeWriter
	stdout *io.PipeReader
	done   chan struct{}
	exit   string
	kill   context.CancelFunc
}

func (c *fakeChild) Stdin() io.WriteCloser { return c.stdin }
func (c *fakeChild) Stdout() io.Reader     { return c.stdout }
func (c *fakeChild) Done() <-chan struct{} { return c.done }
func (c *fakeChild) ExitText() string      { return c.exit }

func (c *fakeChild) Stop(ctx context.Context) {
	_ = c.stdin.Close()
	select {
	case <-c.done:
	case <-ctx.Done():
		c.kill()
		_ = c.stdout.Close()
		<-c.done
	}
}

// A program is what a fakeChild runs: it ends when in does or ctx is done, and
// its error is its exit status.
type program func(ctx context.Context, in io.Reader, out, stderr io.Writer) error

// starter starts one program after the other, and no more.
func starter(programs ...program) Starter {
	var mu sync.Mutex
	return func(_ context.Context, stderr io.Writer) (Child, error) {
		mu.Lock()
		defer mu.Unlock()
		if len(programs) == 0 {
			return nil, errors.New("no such file")
		}
		run := programs[0]
		programs = programs[1:]
		inR, inW := io.Pipe()
		outR, outW := io.Pipe()
		ctx, kill := context.WithCancel(context.Background())
		c := &fakeChild{stdin: inW, stdout: outR, done: make(chan struct{}), kill: kill}
		go func() {
			defer close(c.done)
			err := run(ctx, inR, outW, stderr)
			kill()
			c.exit = "exit status 0"
			if err != nil {
				c.exit = "exit status 1"
				fmt.Fprintln(stderr, err)
			}
			_ = inR.Close()
			_ = outW.Close()
		}()
		return c, nil
	}
}

// serving is a program that serves a built-in world.
func serving(kind string) program {
	return func(ctx context.Context, in io.Reader, out, _ io.Writer) error {
		err := Serve(ctx, in, out, func(config []byte) (World, error) { return New(kind, config) })
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
}

// script is a program that answers the lines it reads with the given ones, one
// by one; an answer may be several lines, or none if it is empty. After the
// last it reads on in silence. The word "exit" ends it.
func script(answers ...string) program {
	return func(_ context.Context, in io.Reader, out, _ io.Writer) error {
		r := bufio.NewReader(in)
		for i := 0; ; i++ {
			if _, err := r.ReadString('\n'); err != nil {
				return nil
			}
			if i >= len(answers) || answers[i] == "" {
				continue
			}
			if answers[i] == "exit" {
				return errors.New("a bug in the world")
			}
			if _, err := io.WriteString(out, answers[i]+"\n"); err != nil {
				return nil
			}
		}
	}
}

// A memory keeps the outcomes of ticks as a record would.
type memory [][]Action

func (m *memory) add(actions []Action) { *m = append(*m, slices.Clone(actions)) }

func (m *memory) history(_ context.Context, from int, yield func(int, []Action) error) error {
	for tick := from; tick < len(*m); tick++ {
		if err := yield(tick, (*m)[tick]); err != nil {
			return err
		}
	}
	return nil
}

// newProcess makes a world of programs and closes it after the test.
func newProcess(t testing.TB, p Program) *process {
	t.Helper()
	w := NewProcess(p).(*process)
	t.Cleanup(func() {
		if err := w.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return w
}

// A journal is a log that a test reads.
type journal struct {
	mu sync.Mutex
	b  strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}
