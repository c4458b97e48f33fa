package supervisor

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/workspace"
)

// A Caller reaches the program of one agent that is asked over the bus. Its
// methods may be called concurrently.
type Caller interface {
	// Call waits until the program is there, and speaks with it from then on. It
	// fails with ErrAbsent when ctx ends before. There is one call at a time.
	Call(ctx context.Context, e Ear) (Call, error)
	// Close is the end: nobody gets in any more.
	Close()
}

// ErrAbsent says that a program has not come.
var ErrAbsent = errors.New("its program has not connected to the bus")

// An Ear takes what a program says, one call at a time.
type Ear struct {
	Said func(data []byte) (reply []byte) // the data is the callee's
	Gone func(why string)                 // the last one
}

// A Call is one connection of a program. Its methods do not block.
type Call interface {
	From() string
	Tell(line []byte)
	Unheard() bool   // once it is gone: something was told that never reached the program
	Dismissed() bool // the same: it was cut since its agent has left a channel
	Finish()         // cuts the connection, once the program has what it was told
	Cut()
}

// call brings the agent's program to life: the process that the command starts,
// if there is one, and in any case a connection.
func (p *resident) call(w *workspace.Workspace) (*child, error) {
	ctx, cancel := context.WithTimeout(p.fleet.ctx, p.fleet.opts.Patience)
	defer cancel()
	bound := make(chan struct{}) // what comes waits until c is known
	lines := &callSink{}
	c := &child{gone: make(chan struct{}), swept: make(chan struct{}), in: lines}
	c.parts.Store(1)
	failed := false
	gone := func(*child) {
		go func() {
			if <-bound; !failed {
				p.gone(c)
			}
		}()
	}
	c.onGone = gone
	if argv := p.spec.Command; len(argv) > 0 {
		var err error
		if c, err = p.execute(argv, w, calledIO{lines}, handler{stdout: p.log.write, ended: func() {}, stderr: p.log.write, gone: gone}); err != nil {
			return nil, err
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-c.gone:
		case <-p.halting:
		case <-ctx.Done():
		}
		cancel()
	})
	call, err := p.spec.Caller.Call(ctx, Ear{
		Said: func(data []byte) []byte { <-bound; return p.said(c, data) },
		Gone: func(why string) { <-bound; p.disconnected(c, lines.connected(), why) },
	})
	cancel()
	wg.Wait()
	if err != nil {
		failed = true
		close(bound)
		return nil, p.absent(c, err)
	}
	if c.pid == 0 {
		c.from, c.cut, c.unheard = call.From(), call.Cut, call.Unheard
	}
	lines.open(call)
	p.bind(c)
	close(bound)
	return c, nil
}

// bind makes c the process.
func (p *resident) bind(c *child) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.child, p.dialect, p.mute = c, p.spec.Kind.Dialect(p.spec.Brief), false
	if p.state == Backoff {
		p.to(started)
	}
}

// absent says why there is nobody to ask, and ends what was started for it.
func (p *resident) absent(c *child, err error) error {
	if c.pid == 0 {
		if errors.Is(err, ErrAbsent) {
			err = fmt.Errorf("%w within %s; its credentials are in %s", err, p.fleet.opts.Patience, p.fleet.opts.Dir.Text(p.spec.ID, CredentialsFile))
		}
		return err
	}
	select {
	case <-c.gone:
		err = fmt.Errorf("%w: it ended before: %s", err, crashReport(c.status, p.log))
	default:
		c.signal(syscall.SIGKILL)
		<-c.gone
		err = fmt.Errorf("%w within %s", err, p.fleet.opts.Patience)
	}
	byKernel := p.sweep(c)
	if x := cmp.Or(c.passed.Load(), byKernel); x != nil {
		return x
	}
	return err
}

// CredentialsFile is the text of a process with what its program connects with.
const CredentialsFile = "nats.json"

// disconnected follows the end of a connection: with it goes the process, if it
// is one of ours.
func (p *resident) disconnected(c *child, call Call, why string) {
	if call.Dismissed() {
		c.dismissed.Store(&why)
	}
	if c.pid == 0 {
		c.lost = why
		c.part()
		return
	}
	select {
	case <-c.gone: // it went first
	default:
		p.log.line("troupe: killed: ", []byte(why))
		c.signal(syscall.SIGKILL)
	}
}

// place says where a child is.
func (c *child) place() string {
	if c.pid == 0 {
		return "connected from " + c.from
	}
	return fmt.Sprintf("pid %d", c.pid)
}

// report says how a child came to its end.
func (c *child) report(log *logFile) string {
	if c.pid == 0 {
		return c.lost
	}
	return crashReport(c.status, log)
}

// program is what an agent's program is called in errors.
func (p *resident) program() string {
	if len(p.spec.Command) == 0 {
		return "the program of agent " + p.name()
	}
	return strings.Join(p.spec.Command, " ")
}

// A callSink is what is written to a program on the bus: a message a line.
type callSink struct {
	stdin sink // of the process; nil where there is none

	mu   sync.Mutex
	call Call // nil until there is one
}

// open begins to pass on what is written.
func (s *callSink) open(call Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.call = call
}

func (s *callSink) connected() Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.call
}

func (s *callSink) write(b []byte) {
	call := s.connected()
	for line := range bytes.Lines(b) {
		call.Tell(bytes.Clone(bytes.TrimSuffix(line, []byte("\n"))))
	}
}

// finish ends a process's stdin, and the connection of who has no such.
func (s *callSink) finish() {
	if s.stdin != nil {
		s.stdin.finish()
		return
	}
	s.connected().Finish()
}

// close follows the end of the process: a connection that somebody else has kept
// open ends too.
func (s *callSink) close() {
	if s.stdin != nil {
		s.stdin.close()
	}
	if call := s.connected(); call != nil {
		call.Cut()
	}
}

// A calledIO serves the pipes of a process that is asked over the bus.
type calledIO struct{ *callSink }

func (e calledIO) open(c *child, fds [3]int, h handler) (in sink, left func()) {
	e.stdin, left = pumped{}.open(c, fds, h)
	return e.callSink, left
}

// said takes what the program says: a line of the protocol, or a message that it
// sends beside its answer. The reply is for who published it and wants to know.
func (p *resident) said(c *child, data []byte) (reply []byte) {
	cut := len(data) > agent.MaxLine
	if !cut {
		if _, err := agent.Decode(data); errors.Is(err, agent.ErrNotProtocol) {
			return replyOf(p.sent(c, data))
		}
	} else {
		data = data[:headKept]
	}
	p.line(c, data, cut)
	p.idle()
	return nil
}

func replyOf(what string, err error) []byte {
	if err == nil {
		return []byte(`{"status":"` + what + `"}`)
	}
	b := agent.AppendString([]byte(`{"error":`), err.Error())
	return append(b, '}')
}

// mostStaged is how many messages wait for one act.
const mostStaged = 10_000

// sent takes a message: in lockstep it goes with the act that comes after it, in
// realtime at once. What is sent while the past is told again was sent then.
func (p *resident) sent(c *child, data []byte) (what string, err error) {
	m, err := agent.DecodeSend(data)
	if err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.note("bus: ", data[:min(len(data), noiseKept)])
		p.logNotes()
		return "", fmt.Errorf("not a message: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	st := p.order[0]
	switch {
	case p.child != c || p.state == Stopping:
		return "", errors.New("the agent has ended")
	case p.fleet.opts.Realtime && p.hydro != nil:
		return "sent", nil
	case p.fleet.opts.Realtime:
		return "sent", p.publish(m)
	case p.hydro == nil && (!st.open || !st.sent):
		return "", errors.New("nothing is asked: a message is taken between an observe and its act")
	case len(p.staged) >= mostStaged:
		return "", fmt.Errorf("more than %d messages in one tick", mostStaged)
	}
	p.staged = append(p.staged, m)
	return "staged", nil
}

// publish sends a message now. mu is held, and let go of meanwhile.
func (p *resident) publish(m agent.Send) error {
	p.mu.Unlock()
	defer p.mu.Lock()
	ctx, cancel := context.WithCancel(p.fleet.ctx)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-p.halting:
			cancel()
		case <-ctx.Done():
		}
	})
	err := p.fleet.opts.Publish(ctx, p.order[0].init.Agent, m)
	cancel()
	wg.Wait()
	return err
}
