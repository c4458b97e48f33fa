package supervisor

import (
	"context"
	"errors"
	"io"
	"os"
	"sync/atomic"

	"github.com/troupe-dev/troupe/workspace"
)

// A Program is a child that is no agent, a world: whoever starts it speaks
// with it directly. It has the methods that package world wants of one.
type Program struct {
	c      *child
	swept  *atomic.Int64 // the fleet's
	stdout *io.PipeReader
}

// StartProgram starts a program behind the fleet's walls, with ws as what it may
// write, by the fleet's threads and reaper. Stopping the fleet stops it too.
func (f *Fleet) StartProgram(cmd workspace.Command, ws *workspace.Workspace, stderr io.Writer) (*Program, error) {
	release, err := f.opts.Walls.Enclose(&cmd, ws)
	if err != nil {
		return nil, err
	}
	defer release()
	r, w := io.Pipe()
	c, err := f.starter.spawn(launch{Command: cmd}, pumped{}, handler{
		stdout: func(chunk []byte) { _, _ = w.Write(chunk) },
		ended:  func() { _ = w.Close() },
		stderr: func(chunk []byte) { _, _ = stderr.Write(chunk) },
		gone:   func(*child) {},
	})
	if err != nil {
		return nil, err
	}
	p := &Program{c: c, swept: &f.swept, stdout: r}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.programs = append(f.programs, p)
	return p, nil
}

// runningPrograms are the programs that are not gone.
func (f *Fleet) runningPrograms() (running []*Program) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.programs {
		select {
		case <-p.Done():
		default:
			running = append(running, p)
		}
	}
	return running
}

// Stdin is the program's; writing to it never blocks.
func (p *Program) Stdin() io.WriteCloser { return stdin{p.c} }

// Stdout is the program's; it ends once the program is dead and all is read. It
// is an io.Closer too, which ends a pending read.
func (p *Program) Stdout() io.Reader { return p.stdout }

// Done is closed when the program is dead and all that it wrote was taken from
// its pipes.
func (p *Program) Done() <-chan struct{} { return p.c.gone }

// ExitText says how it ended. Only once Done is closed.
func (p *Program) ExitText() string { return exitText(p.c.status) }

// Err is nil if it exited with status 0. Only once Done is closed.
func (p *Program) Err() error {
	if st := p.c.status; st.Exited() && st.ExitStatus() == 0 {
		return nil
	}
	return errors.New(p.ExitText())
}

// Stop ends the program as agents are ended when a supervisor stops, at once
// if ctx is done, and returns when it is gone. It may be called again.
func (p *Program) Stop(ctx context.Context) {
	_ = p.stdout.Close() // nobody reads what it still writes
	p.c.in.finish()
	g := closing
	if ctx.Err() != nil {
		g = graces{}
	}
	stopChild(p.c, g)
	killGroup(p.c)
	p.swept.Add(int64(sweep(p.c)))
}

// stdin is a child's outbox as a writer.
type stdin struct{ c *child }

func (s stdin) Write(b []byte) (int, error) {
	select {
	case <-s.c.gone:
		return 0, os.ErrClosed
	default:
	}
	s.c.in.write(b)
	return len(b), nil
}

func (s stdin) Close() error {
	s.c.in.finish()
	return nil
}

// A Log is a file that takes what a program writes for people, bounded as an
// agent's log is. A full disk loses log, never the run.
type Log struct{ f *logFile }

// NewLog makes a log; its file is there once something is written.
func NewLog(path string) Log { return Log{newLogFile(path, logSize, nil)} }

// Write may be called concurrently and never fails.
func (l Log) Write(b []byte) (int, error) {
	l.f.write(b)
	return len(b), nil
}

// Close closes the file.
func (l Log) Close() error {
	l.f.close()
	return nil
}
