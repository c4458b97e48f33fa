package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

var errSilent = errors.New("a child ended while it was asked")

// A share is what one process of several agents is told: lines of init, and
// lines of a tick, one of each for every agent.
type share struct {
	init, tick []byte
	lines      int
}

// shareBare is the floor of shared processes: a writer and a reader for each,
// the one gives a tick's lines as fast as the pipe takes them, the other
// counts lines. It says how long the ticks took.
func shareBare(ctx context.Context, p *program, shares []share, ticks int) (took time.Duration, err error) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer func() {
		cancel() // kills the processes
		running.Wait()
	}()
	ends := make([]shareEnds, len(shares))
	for i := range shares {
		cmd, e, err := startShare(ctx, p)
		if err != nil {
			return 0, fmt.Errorf("cannot start %s: %w", p.about, err)
		}
		ends[i] = e
		running.Go(func() { _ = cmd.Wait() }) // it ends by its kill
	}
	if err := exchange(ends, shares, func(s *share) []byte { return s.init }); err != nil {
		return 0, err
	}
	start := time.Now()
	for range ticks {
		if err := exchange(ends, shares, func(s *share) []byte { return s.tick }); err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}

type shareEnds struct {
	in  io.Writer
	out io.Reader
}

func startShare(ctx context.Context, p *program) (*exec.Cmd, shareEnds, error) {
	file, argv, env := p.launch()
	cmd := exec.CommandContext(ctx, file)
	cmd.Args, cmd.Env = argv, env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, shareEnds{}, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, shareEnds{}, err
	}
	return cmd, shareEnds{in, out}, cmd.Start()
}

// exchange gives each process its lines and waits for as many of each.
func exchange(ends []shareEnds, shares []share, text func(*share) []byte) error {
	var all sync.WaitGroup
	errs := make([]error, 2*len(ends))
	for i := range ends {
		all.Go(func() { _, errs[2*i] = ends[i].in.Write(text(&shares[i])) })
		all.Go(func() { errs[2*i+1] = countLines(ends[i].out, shares[i].lines) })
	}
	all.Wait()
	return errors.Join(errs...)
}

var lineBuffers = sync.Pool{New: func() any { b := make([]byte, 64<<10); return &b }}

func countLines(r io.Reader, want int) error {
	buf := lineBuffers.Get().(*[]byte)
	defer lineBuffers.Put(buf)
	for want > 0 {
		n, err := r.Read(*buf)
		want -= bytes.Count((*buf)[:n], []byte("\n"))
		if err != nil {
			return errSilent
		}
	}
	return nil
}
