package world

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// MaxLine is the longest line, in bytes without its newline, that either side
// of a world's pipes may write.
const MaxLine = 256 << 20

// exitGrace is how long what a process wrote before it ended may take to
// arrive, and how long one that closed its stdout may take to end.
const exitGrace = 2 * time.Second

// messages are the types of lines that a world says. Others are log.
var messages = map[string]bool{"ready": true, "stepped": true, "refused": true, "state": true}

// A failedError is a failure of the process that starting it anew may heal: it
// crashed, or it was too slow.
type failedError struct{ what string }

func (e *failedError) Error() string { return e.what }

// A heard is one message of the world, or why one cannot be understood.
type heard struct {
	line line
	err  error
}

// A pipe is the conversation with one process. One goroutine reads its stdout
// to the end, so that a chatty world never blocks; close waits for it.
type pipe struct {
	child   Child
	log     *tail
	timeout time.Duration // of one answer
	limit   int           // bytes of a line

	heard   chan heard // closed at the end of stdout
	quit    chan struct{}
	running sync.WaitGroup
}

func newPipe(child Child, log *tail, timeout time.Duration, limit int) *pipe {
	p := &pipe{
		child: child, log: log, timeout: timeout, limit: limit,
		heard: make(chan heard, 1), quit: make(chan struct{}),
	}
	p.running.Go(p.listen)
	return p
}

// close ends the process, with grace unless ctx is done, and waits until all
// of it is gone.
func (p *pipe) close(ctx context.Context) {
	close(p.quit)
	p.child.Stop(ctx)
	p.running.Wait()
}

// kill ends the process without grace.
func (p *pipe) kill() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p.close(ctx)
}

// listen sorts stdout into messages and log.
func (p *pipe) listen() {
	defer close(p.heard)
	r := bufio.NewReaderSize(p.child.Stdout(), 64<<10)
	var buf []byte
	for {
		text, err := nextLine(r, buf[:0], p.limit)
		if errors.Is(err, errLongLine) {
			p.hand(heard{err: malformed("a line", "is longer than %d bytes", p.limit)})
			_, _ = io.Copy(io.Discard, r)
			return
		}
		if len(text) > 0 {
			p.sort(text)
		}
		if err != nil {
			return
		}
		if cap(text) <= 1<<20 { // else one long line would hold its memory for good
			buf = text
		}
	}
}

func (p *pipe) sort(text []byte) {
	l, err := readLine(text)
	if errors.Is(err, errNoMessage) || err == nil && !messages[l.kind] {
		p.log.line(text)
		return
	}
	if err != nil {
		p.log.line(text[:min(len(text), tailBytes)])
	}
	p.hand(heard{l, err})
}

func (p *pipe) hand(h heard) {
	select {
	case p.heard <- h:
	case <-p.quit:
	}
}

// errLongLine is nextLine's word for a line over the limit.
var errLongLine = errors.New("line too long")

// nextLine appends the next line to buf, without its newline. With io.EOF
// comes what stood after the last newline.
func nextLine(r *bufio.Reader, buf []byte, limit int) ([]byte, error) {
	for {
		part, err := r.ReadSlice('\n')
		if err == nil {
			part = part[:len(part)-1]
		}
		if len(buf)+len(part) > limit {
			return buf, errLongLine
		}
		buf = append(buf, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return buf, err
		}
	}
}

// ask sends one line and waits for one answer of a type it may have. Errors
// are a *failedError, what is wrong with the answer, or the end of ctx; after
// any of them the pipe is of no more use.
func (p *pipe) ask(ctx context.Context, text []byte, wanted ...string) (line, error) {
	if err := p.unasked(ctx); err != nil {
		return line{}, err
	}
	wrote := make(chan struct{})
	p.running.Go(func() {
		defer close(wrote)
		// A write that fails is a process that ends, which is seen below.
		_, _ = p.child.Stdin().Write(text)
	})
	answer, err := p.await(ctx, wrote)
	if err != nil {
		return line{}, err
	}
	for _, kind := range wanted {
		if answer.kind == kind {
			return answer, nil
		}
	}
	return line{}, malformed("the answer", "is of type %q where %q is wanted", answer.kind, wanted)
}

// unasked finds a message that nobody asked for.
func (p *pipe) unasked(ctx context.Context) error {
	select {
	case h, ok := <-p.heard:
		if !ok {
			return p.crashed(ctx)
		}
		if h.err != nil {
			return h.err
		}
		return malformed(h.line.kind, "came before it was asked for; the world answers each line it is sent once")
	default:
		return nil
	}
}

// await waits for the answer and until the question was written whole: a
// question still under way would run into the next one.
func (p *pipe) await(ctx context.Context, wrote <-chan struct{}) (line, error) {
	timer := time.NewTimer(p.timeout)
	defer timer.Stop()
	done := p.child.Done()
	var grace <-chan time.Time
	answers := p.heard
	var answer line
	for wrote != nil || answers != nil {
		select {
		case <-wrote:
			wrote = nil
		case h, ok := <-answers:
			if !ok {
				return line{}, p.crashed(ctx)
			}
			if h.err != nil {
				return line{}, h.err
			}
			answer, answers = h.line, nil
		case <-done:
			done, grace = nil, time.After(exitGrace)
		case <-grace:
			return line{}, p.crashed(ctx)
		case <-timer.C:
			return line{}, &failedError{fmt.Sprintf("gave no answer within %v", p.timeout)}
		case <-ctx.Done():
			return line{}, context.Cause(ctx)
		}
	}
	return answer, nil
}

// crashed says how the process ended.
func (p *pipe) crashed(ctx context.Context) error {
	select {
	case <-p.child.Done():
		return &failedError{"ended: " + p.child.ExitText()}
	case <-time.After(exitGrace):
		return &failedError{"closed its standard output"}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
