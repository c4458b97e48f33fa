package world

import (
	"context"
	"io"
)

// A Child is the OS process that a world runs as.
type Child interface {
	Stdin() io.WriteCloser
	// Stdout is read until its end by one goroutine.
	Stdout() io.Reader
	// Done is closed once the process has ended. Its stdout may hold more.
	Done() <-chan struct{}
	// ExitText says for people how it ended: "exit status 1", "signal: killed".
	// It is called once Done is closed.
	ExitText() string
	// Stop closes stdin, waits for the end, then sends TERM and at last KILL to
	// the whole process group; a ctx that is done leaves KILL alone. It returns
	// once the process has ended and nothing more will come from Stdout, whoever
	// else holds the other end of it; a Write to Stdin under way returns too.
	Stop(ctx context.Context)
}

// A Starter starts a world's process. What it writes to its standard error
// goes to stderr, which takes concurrent writes and never fails. The process
// lives until it is stopped, whatever becomes of ctx.
type Starter func(ctx context.Context, stderr io.Writer) (Child, error)

// A History gives the outcomes of the ticks from one on, each as Step was
// given it, in order and at least up to the last that was stepped. It stops at an
// error of yield and returns it.
type History func(ctx context.Context, from int, yield func(tick int, actions []Action) error) error
