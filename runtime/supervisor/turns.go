package supervisor

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/workspace"
)

// turns drives an agent of a kind that has a process for each turn. Nothing
// lives between turns but the workspace.
type turns struct {
	fleet    *Fleet
	spec     Spec
	log      *logFile
	taken    account // by its processes
	secret   *redactor
	halting  chan struct{} // closed when it is told to stop
	finished chan struct{}
	ready    chan struct{} // closed from the start: nothing is started ahead

	mu      sync.Mutex
	ws      *workspace.Workspace
	kept    *files
	spoiled bool // its last process ended without an answer: its files go back to what they were
	child   *child
	sock    *deskSocket    // nil for none
	asked   *agent.Observe // its copy of what is to be answered
	staged  *staged        // what was asked for meanwhile
	stopped bool
	retired bool
	open    bool
	lost    int
}

func newTurns(f *Fleet, s Spec) *turns {
	t := &turns{
		fleet: f, spec: s,
		log:      newLogFile(f.opts.Dir.AgentLog(s.ID), s.Limits.logSize(), s.Secrets),
		secret:   newRedactor(s.Secrets),
		halting:  make(chan struct{}),
		finished: make(chan struct{}),
		ready:    make(chan struct{}),
		spoiled:  s.Past,
	}
	close(t.ready)
	t.taken.restore(s.Spent)
	s.Bill.logTo(t.log)
	return t
}

func (t *turns) begin()                 {}
func (t *turns) begun() <-chan struct{} { return t.ready }
func (t *turns) done() <-chan struct{}  { return t.finished }

func (t *turns) status() Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := Status{ID: t.spec.ID, State: Down}
	if !t.retired {
		s.Agents = []string{t.spec.Agents[0].Agent}
	}
	switch {
	case t.stopped:
		s.State = Stopped
	case t.child != nil:
		s.State, s.PID = Ready, t.child.pid
	}
	return s
}

// owes is never true: a deadline ends the process.
func (t *turns) owes(string) bool { return false }

func (t *turns) ask(batch []*agent.Observe) {
	o := *batch[0]
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped {
		return
	}
	asked := o // which turn does not change
	t.open, t.asked = true, &asked
	if o.Attempt == 1 || t.staged == nil {
		t.staged = &staged{}
	}
	t.fleet.wg.Go(func() {
		a := t.turn(&o)
		a.Agent, a.Ref, a.Tick, a.Attempt, a.Marked = o.Agent, o.Ref, o.Tick, o.Attempt, o.Marked()
		t.mu.Lock()
		t.open, t.asked = false, nil
		t.staged.settle(&a)
		t.mu.Unlock()
		t.fleet.deliver([]agent.Answer{a})
		t.settle()
	})
}

// turn runs processes until one answers, or the policy has enough.
func (t *turns) turn(o *agent.Observe) agent.Answer {
	for crashes, asks, spawns := 0, 1, 0; ; {
		struck := o.Strike != nil && o.Strike.Kill
		a, started := t.run(o)
		o.Strike = nil
		t.dropStaged(&a)
		if started && !struck { // another process would be refused, too
			t.spec.Bill.explain(&a)
		}
		switch {
		case t.isStopped():
			return a
		case a.Failure == agent.Spawn && t.spec.WaitToSpawn:
			spawns++
			t.sleep(max(backoff(spawns), 50*time.Millisecond))
		case a.Failure == agent.Crash && started && t.spec.Restarts > 0:
			if crashes++; crashes >= t.spec.Restarts || t.lost >= lostTicks {
				t.lost++
				a.Detail = fmt.Sprintf("crashed %d times in one tick; the last time: %s", crashes, a.Detail)
				return a
			}
			t.sleep(backoff(crashes))
			t.again(o)
		case a.Failure == agent.Deadline && asks < t.spec.DeadlineAsks:
			asks++
			t.again(o)
		default:
			if a.Failure == "" {
				t.lost = 0
			}
			return a
		}
	}
}

// dropStaged drops what a process has asked for that crashed, or was too late.
func (t *turns) dropStaged(a *agent.Answer) {
	if a.Failure == agent.Crash || a.Failure == agent.Deadline {
		t.mu.Lock()
		t.staged.crash()
		t.mu.Unlock()
	}
}

// again makes o what another process is asked.
func (t *turns) again(o *agent.Observe) {
	if t.fleet.opts.Realtime {
		*o = *redelivered(o)
	}
}

func (t *turns) sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.fleet.ctx.Done():
	}
}

func (t *turns) isStopped() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stopped
}

// heard is what one turn's process said.
type heard struct {
	answer *agent.Answer // its last word
	hint   string
}

// run is one process: the observe in, its end, the answer out.
func (t *turns) run(o *agent.Observe) (a agent.Answer, started bool) {
	cannot := func(err error) agent.Answer {
		if x := (*excess)(nil); errors.As(err, &x) {
			a := t.limited(o, x)
			a.Unsent = true
			return a
		}
		t.log.line("troupe: ", []byte(err.Error()))
		return agent.Answer{Failure: agent.Spawn, Timed: true, Unsent: true, Detail: err.Error()}
	}
	if x := t.spec.Limits.spent(t.taken.sum()); x != nil { // as was said when it was
		return agent.Answer{Failure: agent.Limit, Timed: x.timed, Unsent: true, Detail: x.String()}, false
	}
	if !t.fleet.places.take(t.spec.Limits.Memory, t.halting) {
		return cannot(errors.New("the run is over")), false
	}
	defer t.fleet.places.leave(t.spec.Limits.Memory, false)
	w, err := t.workspace()
	if err != nil {
		return cannot(err), false
	}
	cmd, release, err := t.fleet.command(&t.spec, t.spec.Command, w)
	if err != nil {
		return cannot(err), false
	}
	defer release()
	bond, err := t.fleet.bind(&cmd, &t.spec, &t.taken, w)
	if err != nil {
		return cannot(err), false
	}
	var said heard
	var split splitter
	dialect := t.spec.Kind.Dialect(t.spec.Brief)
	line := func(line []byte, cut bool) { t.line(&said, dialect, o, line, cut) }
	t.spec.Bill.asked(o)
	t.spec.Bill.starting()
	c, err := t.fleet.starter.spawn(launch{cmd, descriptorSecret(&t.spec), t.spec.ID}, pumped{}, handler{
		stdout: func(chunk []byte) { split.feed(chunk, line) },
		ended:  func() { split.end(line) },
		stderr: t.log.write,
		gone:   func(*child) {},
	})
	if err != nil {
		bond.undo()
		return cannot(err), false
	}
	t.fleet.tie(c, bond)
	if !t.hold(c) {
		c.signal(syscall.SIGKILL)
	}
	c.in.write(t.spec.Kind.Dialect(t.spec.Brief).Observe(nil, o))
	c.in.finish()
	asked := time.Now()
	t.fleet.put()
	pause, resume := t.suffer(c, o.Strike)
	late := t.wait(c, t.fleet.deadline(o), pause)
	resume()
	killGroup(c)
	byKernel := t.fleet.sweep(c, o.Agent, o.Tick)
	t.hold(nil)
	if x := cmp.Or(c.passed.Load(), byKernel); x != nil {
		a = t.limited(o, x)
	} else {
		a = t.outcome(c, &said, o, late)
	}
	if a.Failure == "" {
		a.Took = time.Since(asked)
	}
	t.mu.Lock()
	t.spoiled = a.Failure == agent.Deadline || a.Failure == agent.Crash || a.Failure == agent.Limit
	t.mu.Unlock()
	return a, true
}

// limited is the outcome of a process that a limit has ended.
func (t *turns) limited(o *agent.Observe, x *excess) agent.Answer {
	t.fleet.fact(Fact{Agent: o.Agent, Kind: "limit", Tick: o.Tick, Detail: x.String()})
	t.log.line("troupe: ended: ", []byte(x.String()))
	return agent.Answer{Failure: agent.Limit, Timed: x.timed, Detail: x.String()}
}

// outcome reads a dead process: its answer counts if it exited with status 0.
func (t *turns) outcome(c *child, said *heard, o *agent.Observe, late bool) agent.Answer {
	struck := o.Strike != nil && o.Strike.Kill
	switch {
	case late && !struck:
		a := agent.Answer{Failure: agent.Deadline, Timed: true, Detail: fmt.Sprintf("no answer and exit within %s", t.fleet.deadline(o))}
		if said.hint != "" {
			a.Detail += "; " + said.hint
		}
		return a
	case c.status.Exited() && c.status.ExitStatus() == 0 && said.answer != nil && !struck:
		return *said.answer
	}
	a := agent.Answer{Failure: agent.Crash, Timed: !struck, Detail: crashReport(c.status, t.log)}
	if c.status.Exited() && c.status.ExitStatus() == 0 && !struck {
		a.Detail = "it exited without an act line; " + said.hint + a.Detail
	}
	t.fleet.fact(Fact{Agent: o.Agent, Kind: "crashed", Tick: o.Tick, Detail: a.Detail})
	return a
}

// wait returns when the process is gone; a deadline kills it, and begins once
// a pause is over.
func (t *turns) wait(c *child, deadline, pause time.Duration) (late bool) {
	var expired <-chan time.Time
	if deadline > 0 {
		timer := time.NewTimer(deadline + pause)
		defer timer.Stop()
		expired = timer.C
	}
	for begun := time.Now(); ; {
		select {
		case <-c.gone:
			return false
		case now := <-expired:
			waited, waits := t.spec.Bill.held(now, false)
			left := begun.Add(deadline + pause + waited).Sub(now)
			if waits || left > 0 {
				expired = time.After(max(left, heldLook))
				continue
			}
			c.signal(syscall.SIGKILL)
			<-c.gone
			return true
		}
	}
}

// line takes one line of the process's stdout; it is called before the
// process counts as gone.
func (t *turns) line(said *heard, d agent.Dialect, o *agent.Observe, line []byte, cut bool) {
	if cut {
		said.answer = &agent.Answer{Failure: agent.Oversize, Detail: fmt.Sprintf("the answer is a line of more than %d bytes", agent.MaxLine)}
		return
	}
	line = t.secret.whole(line)
	l, err := d.Decode(line)
	var bad *agent.MalformedError
	switch {
	case errors.As(err, &bad):
		t.log.line("malformed: ", line)
		said.answer = &agent.Answer{Failure: agent.InvalidAction, Detail: bad.Error()}
	case err != nil:
		t.log.line("stdout: ", line)
		said.hint = fmt.Sprintf("it wrote a line that is no protocol line: %.80q; ", line)
	case l.Type == "act" && l.Act.Agent == o.Agent && l.Act.Tick == o.Tick:
		said.answer = &agent.Answer{Act: l.Act}
	case l.Type == "act":
		said.hint = fmt.Sprintf("it answered for agent %q and tick %d, not for %q and %d; ", l.Act.Agent, l.Act.Tick, o.Agent, o.Tick)
	case l.Type == "log":
		t.log.line("["+l.Level+"] ", []byte(l.Text))
	}
}

// hold makes c the process that stop ends; it reports whether c is wanted.
func (t *turns) hold(c *child) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.child = c
	return !t.stopped
}

func (t *turns) workspace() (*workspace.Workspace, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ws == nil {
		w, err := t.fleet.settled(&t.spec, t.spec.Past)
		if err != nil {
			return nil, err
		}
		if t.sock, err = t.fleet.openSocket(&t.spec, w, t); err != nil {
			w.Release()
			return nil, err
		}
		t.ws = w
	}
	if t.kept == nil {
		var err error
		if t.kept, err = t.fleet.files(&t.spec); err != nil {
			return nil, err
		}
	}
	if t.spoiled {
		if _, err := t.kept.captures.Restore(t.kept.captures.Newest(), t.ws); err != nil {
			return nil, err
		}
		t.spoiled = false
	}
	return t.ws, nil
}

// capture implements driver.
func (t *turns) capture(tick int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.ws == nil || t.spoiled || t.stopped:
		return nil // it was never there, comes back as it was before, or never
	case t.open:
		return errBusy
	}
	err := t.kept.take(tick, t.ws, nil)
	if err == nil {
		err = t.kept.keep(t.fleet.keptAt(tick))
	}
	if err != nil {
		return fmt.Errorf("cannot keep the files of %s: %w", t.spec.ID, err)
	}
	return nil
}

func (t *turns) retire(_, reason string) {
	t.mu.Lock()
	t.retired = true
	t.mu.Unlock()
	t.stop(reason, patient)
}

func (t *turns) stop(_ string, g graces) {
	t.mu.Lock()
	if !t.stopped {
		close(t.halting)
	}
	t.stopped = true
	c := t.child
	t.mu.Unlock()
	if c != nil {
		c.signal(syscall.SIGCONT) // it may be paused
		t.fleet.wg.Go(func() { stopChild(c, g) })
	}
	t.settle()
}

// settle closes up once the agent was stopped and its last turn is over.
func (t *turns) settle() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.stopped || t.open {
		return
	}
	select {
	case <-t.finished:
		return
	default:
	}
	t.fleet.closeSocket(t.sock)
	if t.ws != nil {
		t.ws.Release()
	}
	t.log.close()
	close(t.finished)
}

func (t *turns) kill() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.child != nil {
		t.child.signal(syscall.SIGKILL)
	}
}
