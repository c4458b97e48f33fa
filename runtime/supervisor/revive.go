package supervisor

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/workspace"
)

// backoff is how long the next start waits after so many crashes in a row: the
// first restart is immediate.
func backoff(streak int) time.Duration {
	if streak < 2 {
		return 0
	}
	return min(50*time.Millisecond<<min(streak-2, 10), time.Second)
}

// revive starts the process in the background. mu is held.
func (p *resident) revive() {
	p.to(retried)
	wait := backoff(p.streak)
	p.fleet.wg.Go(func() {
		defer p.tried()
		for {
			if !p.sleep(wait) || !p.place() {
				return
			}
			c, err := p.start()
			if err == nil {
				p.raise(c)
				return
			}
			p.fleet.places.leave(p.memory(), false)
			wait = p.notStarted(err)
			p.tried() // who waits for its cause to be over does not hold up the fleet's start
			if wait < 0 {
				return
			}
		}
	})
}

// place waits for a place among the residents, and says whether the process is
// still wanted: then it counts as spawning, and start is to follow.
func (p *resident) place() bool {
	p.mu.Lock()
	placed := p.placed
	p.placed = false
	p.mu.Unlock()
	if !placed && !p.fleet.places.take(p.memory(), p.halting) {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state != Backoff { // told to stop in the same moment
		p.fleet.places.leave(p.memory(), false)
		return false
	}
	p.spawning++
	return true
}

// tried notes that the first try is over.
func (p *resident) tried() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.first:
	default:
		close(p.first)
	}
}

// sleep waits, and says whether the process is still wanted; a place that it has
// is given back where it is not.
func (p *resident) sleep(d time.Duration) bool {
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-p.finished:
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state != Backoff && p.placed {
		p.placed = false
		p.fleet.places.leave(p.memory(), false)
	}
	return p.state == Backoff
}

// start runs the process, which place has counted as spawning, whatever it was
// told since: Starting once it succeeds.
func (p *resident) start() (*child, error) {
	p.mu.Lock()
	again := p.starts > 0 || p.spec.Past
	p.starts++
	p.mu.Unlock()
	c, err := p.spawn(again)
	p.mu.Lock()
	p.spawning--
	wanted := p.state == Backoff || p.state == Starting
	if p.state == Stopping && p.child == nil && p.spawning == 0 {
		p.end() // halt has left it to this
	}
	p.mu.Unlock()
	if !wanted && err == nil { // told to stop meanwhile
		c.signal(syscall.SIGKILL)
		<-c.gone
	}
	return c, err
}

func (p *resident) spawn(again bool) (*child, error) {
	w, err := p.settleIn(again)
	if err != nil {
		return nil, err
	}
	if p.spec.Caller != nil {
		return p.call(w)
	}
	var c *child
	var split splitter
	if p.spec.Kind.Tool != nil {
		split.most = p.spec.Kind.Tool.MaxLine
	}
	p.missSession()
	argv, shown, resumed := p.argv()
	line := func(line []byte, cut bool) { p.line(c, line, cut) }
	p.spec.Bill.starting()
	bound := make(chan struct{}) // lines wait until c is known
	c, err = p.execute(argv, w, p.pipeIO, handler{
		stdout: func(chunk []byte) { <-bound; split.feed(chunk, line); p.idle() },
		ended:  func() { <-bound; split.end(line); p.muted(c); p.idle() },
		stderr: p.log.write,
		gone:   func(*child) { go func() { <-bound; p.gone(c) }() },
	})
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	defer close(bound)
	p.child, p.dialect, p.mute = c, p.spec.Kind.Dialect(p.spec.Brief), false
	if r, ok := p.dialect.(agent.Resumer); ok && resumed {
		r.Resumes()
	}
	p.script.started(shown, p.spec.Texts)
	if p.state == Backoff {
		p.to(started)
	}
	return c, nil
}

// execute starts a process in its workspace, with the walls and
// the limits that it has.
func (p *resident) execute(argv []string, w *workspace.Workspace, e pipeIO, h handler) (*child, error) {
	cmd, release, err := p.fleet.command(&p.spec, argv, w)
	if err != nil {
		return nil, err
	}
	defer release()
	bond, err := p.fleet.bind(&cmd, &p.spec, &p.taken, w)
	if err != nil {
		return nil, err
	}
	c, err := p.fleet.starter.spawn(launch{cmd, descriptorSecret(&p.spec), p.spec.ID}, e, h)
	if err != nil {
		bond.undo()
		return nil, err
	}
	p.fleet.tie(c, bond)
	return c, nil
}

// missSession has a process begin another session where its tool has the one no more
// that it would go on with, as its agent may have removed it: it would fail each time.
func (p *resident) missSession() {
	p.mu.Lock()
	tool, session := p.spec.Kind.Tool, p.session
	p.mu.Unlock()
	if tool == nil || tool.Find == nil || !p.spec.Session || session == "" ||
		!errors.Is(tool.Find(p.variable, session), os.ErrNotExist) {
		return
	}
	p.log.line("troupe: ", []byte("its session "+session+" is gone: it begins another"))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.session = ""
}

// argv is the command of the next process: a tool goes on with its session,
// where it has one. What the transcript shows of it is without what depends on
// where the process runs.
func (p *resident) argv() (argv, shown []string, resumed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	argv, shown = p.spec.Command, p.spec.Command
	tool := p.spec.Kind.Tool
	if tool == nil {
		return argv, shown, false
	}
	if tool.Configure != nil {
		argv = tool.Configure(argv, &agent.Setting{
			Env: p.variable, Texts: p.spec.Texts,
			File: func(name string) string { return p.fleet.opts.Dir.Text(p.spec.ID, name) },
		})
	}
	resumed = p.spec.Session && p.session != ""
	if resumed {
		resume := tool.Resume(p.session)
		argv, shown = append(slices.Clip(argv), resume...), append(slices.Clip(shown), resume...)
	}
	return argv, shown, resumed
}

// settleIn makes what the process finds on the disk. A few at a time do so: a
// thousand would wait for each other in the kernel, with a thread each.
func (p *resident) settleIn(again bool) (*workspace.Workspace, error) {
	p.fleet.disk <- struct{}{}
	defer func() { <-p.fleet.disk }()
	w, err := p.workspace(again)
	if err != nil {
		return nil, err
	}
	return w, w.WriteTexts(p.spec.Texts)
}

// workspace opens the process's workspace, or takes it back to where a state
// that is re-observed begins.
func (p *resident) workspace(again bool) (*workspace.Workspace, error) {
	p.disk.Lock()
	defer p.disk.Unlock()
	if p.ws == nil {
		w, err := p.fleet.settled(&p.spec, again)
		if err != nil {
			return nil, err
		}
		sock, err := p.fleet.openSocket(&p.spec, w, p)
		if err != nil {
			w.Release()
			return nil, err
		}
		p.mu.Lock()
		p.ws, p.sock = w, sock
		p.mu.Unlock()
	}
	if p.kept == nil && (p.spec.Snapshot || !p.spec.Reobserve) {
		var err error
		if p.kept, err = p.fleet.files(&p.spec); err != nil {
			return nil, err
		}
	}
	if again {
		return p.ws, p.restore()
	}
	return p.ws, nil
}

// notStarted deals with a process that the system would not start; it says how
// long to wait before the next try, or that there is none (-1).
func (p *resident) notStarted(err error) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state != Backoff {
		return -1
	}
	if x := (*excess)(nil); errors.As(err, &x) {
		p.to(died)
		p.limited(x)
		return -1
	}
	p.streak++
	p.log.line("troupe: ", []byte(err.Error()))
	if p.spec.WaitToSpawn {
		return max(backoff(p.streak), 50*time.Millisecond)
	}
	p.to(died)
	p.failOpen(agent.Answer{Failure: agent.Spawn, Unsent: true, Timed: true, Detail: err.Error()}, nil)
	p.flush()
	return -1
}

// raise brings a started process to where it can be asked: all agents ready,
// told again what it answered before, then what is open now.
func (p *resident) raise(c *child) {
	p.mu.Lock()
	if p.child != c || p.state != Starting {
		p.mu.Unlock()
		return
	}
	p.waiting, p.readyc = p.living, make(chan struct{})
	readyc := p.readyc
	p.out = p.out[:0]
	for _, st := range p.order {
		st.ready = false
		if !st.ended {
			in := *st.init
			in.State = p.states[in.Agent].State
			p.out = p.dialect.Init(p.out, in)
			p.spill(c)
		}
	}
	p.states = nil
	if len(p.out) > 0 {
		c.in.write(p.out)
	}
	if p.spec.Kind.Tool != nil { // it says nothing before it is asked
		for _, st := range p.order {
			st.ready = true
		}
		p.waiting = 0
		close(readyc)
	}
	p.fleet.fact(Fact{Agent: p.name(), Kind: "started", Tick: max(p.tick, 0), Detail: c.place()})
	p.mu.Unlock()
	if !p.await(c, readyc, "did not say ready") || !p.enter(c, readied) {
		return
	}
	p.tried()
	if !p.hydrate(c) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.child == c && p.state == Hydrating {
		p.hydro = nil
		p.to(hydrated)
		c.kept = p.home != nil && p.spec.Pin && p.home.keep(c.pid)
		p.send()
		p.flush()
		p.rested()
	}
}

// enter makes a transition if c is still the process and on its way up.
func (p *resident) enter(c *child, e event) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.child != c || p.state != Starting {
		return false
	}
	p.to(e)
	return true
}

// await waits for what, as long as the fleet has patience; a process that takes
// longer is killed and its open asks are crashes.
func (p *resident) await(c *child, what <-chan struct{}, missed string) bool {
	t := time.NewTimer(p.fleet.opts.Patience)
	defer t.Stop()
	select {
	case <-what:
		return true
	case <-c.gone:
		return false
	case <-t.C:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	text := fmt.Sprintf("%s %s within %s; does it flush its output after each line?",
		p.program(), missed, p.fleet.opts.Patience)
	p.log.line("troupe: ", []byte(text))
	c.signal(syscall.SIGKILL)
	p.lost++
	p.failOpen(agent.Answer{Failure: agent.Crash, Timed: true, Unsent: true, Detail: text}, nil)
	p.flush()
	return false
}

// ready takes an agent's ready line.
func (p *resident) ready(id string) {
	st := p.seat(id)
	if st == nil || st.ready || p.state != Starting {
		p.stray(fmt.Sprintf("a ready for agent %q", id))
		return
	}
	st.ready = true
	if p.waiting--; p.waiting == 0 {
		close(p.readyc)
	}
}

func (p *resident) name() string { return p.spec.Name() }
