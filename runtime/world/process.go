package world

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// A Program is what a world that is a process needs.
type Program struct {
	Start Starter
	// Log gets the process's standard error and the lines of its output that
	// are no messages; nil drops them. Writes come one at a time.
	Log io.Writer
	// LogName is where people find Log; errors name it. May be empty.
	LogName string
	// Timeout of one answer; 60 s if 0.
	Timeout time.Duration
	// History gives what is on record, for a restart; nil where there is none.
	History History
	// Restarted, if set, is told of each restart, before it is made: in which
	// tick, and why. Calls come from Start, Step and Snapshot.
	Restarted func(tick int, why string)
}

// NewProcess makes a world of a program. It starts nothing. The World is a
// Snapshotter and a Closer, and must be closed.
//
// A process that ends, or takes longer than Timeout over an answer, is started
// again, brought to the tick by History, and asked again. When that happens a
// second time in one tick, and when it says what it may not, the call returns
// an error. A call whose ctx ends returns at once; the process is then started
// again by the next one.
func NewProcess(p Program) World {
	if p.Timeout == 0 {
		p.Timeout = 60 * time.Second
	}
	return &process{program: p, log: &tail{to: p.Log}, limit: MaxLine, failedAt: -1, who: make(census)}
}

type process struct {
	program Program
	log     *tail
	limit   int

	begin    Init   // what a process is started with, but for its state
	init     []byte // the line that says so, with the newest state there is
	from     int    // the tick that it begins with
	next     int    // the tick to be stepped next
	failedAt int    // the tick that a restart was made for last; -1 for none

	pipe      *pipe // nil where there is no process in good order
	who       census
	added     []string // those in who that the world added, in order
	schemas   schemas
	snapshots bool // the world can give its state
}

func (p *process) Start(ctx context.Context, init Init) (Ready, error) {
	for _, a := range init.Agents {
		p.who[a.ID] = lives
	}
	if len(init.State) > 0 {
		state, err := p.takeState(init.State)
		if err != nil {
			return Ready{}, fmt.Errorf("cannot start the world from a state: %w", err)
		}
		init.State = state
	}
	p.next = init.Tick
	if !p.beginWith(init) {
		return Ready{}, fmt.Errorf("cannot start the world: its init is longer than %d bytes", p.limit)
	}
	ready, err := p.open(ctx)
	var failed *failedError
	if errors.As(err, &failed) {
		p.restarting(failed)
		ready, err = p.open(ctx)
		if errors.As(err, &failed) {
			err = fmt.Errorf("its process failed twice; the second time it %w", failed)
		}
	}
	if err != nil {
		return Ready{}, p.explain("start the world", err)
	}
	p.failedAt = -1
	return ready, nil
}

// beginWith has processes started from init on, and says no where that cannot
// be written.
func (p *process) beginWith(init Init) bool {
	line := appendInit(nil, init)
	if len(line) > p.limit {
		return false
	}
	init.State = nil // which may be large, and is in the line
	p.begin, p.init, p.from = init, line, init.Tick
	return true
}

// open starts a process and says init to it.
func (p *process) open(ctx context.Context) (Ready, error) {
	child, err := p.program.Start(ctx, p.log)
	if err != nil {
		return Ready{}, fmt.Errorf("its process does not start: %w", err)
	}
	p.pipe = newPipe(child, p.log, p.program.Timeout, p.limit)
	ready, err := p.greet(ctx)
	if err != nil {
		p.drop()
		return Ready{}, err
	}
	return ready, nil
}

func (p *process) greet(ctx context.Context) (Ready, error) {
	answer, err := p.pipe.ask(ctx, p.init, "ready")
	if err != nil {
		return Ready{}, err
	}
	// A process that is restored is asked about the first tick again, when
	// others were alive than now: what it says of them is not looked at.
	who := p.who
	if p.next > p.from {
		delete(answer.fields, "observations")
	}
	ready, err := decodeReady(answer, who)
	if err != nil {
		return Ready{}, err
	}
	p.snapshots = ready.snapshot
	p.schemas, err = compileSchemas(ready.ActionSchemas)
	return ready.Ready, err
}

// Step is World's.
func (p *process) Step(ctx context.Context, tick int, actions []Action) (Stepped, error) {
	if err := inOrder(tick, p.next); err != nil {
		return Stepped{}, err
	}
	if refusal := p.schemas.refuse(actions); refusal != nil {
		return Stepped{}, refusal
	}
	text := appendStep(nil, tick, actions)
	if len(text) > p.limit {
		return Stepped{}, fmt.Errorf("cannot step the world at tick %d: the actions are longer than %d bytes", tick, p.limit)
	}
	answer, err := p.ask(ctx, text, "stepped", "refused")
	if err != nil {
		return Stepped{}, p.explain(fmt.Sprintf("step the world at tick %d", tick), err)
	}
	stepped, err := p.understand(answer, tick, actions)
	var refusal *Refusal
	if err != nil && !errors.As(err, &refusal) {
		p.drop()
		return Stepped{}, p.explain(fmt.Sprintf("step the world at tick %d", tick), err)
	}
	return stepped, err
}

// understand reads the answer to a step.
func (p *process) understand(answer line, tick int, actions []Action) (Stepped, error) {
	if answer.kind == "refused" {
		refusal, err := decodeRefused(answer, tick, actions)
		if err != nil {
			return Stepped{}, err
		}
		return Stepped{}, refusal
	}
	for i := range actions {
		if ended(actions[i]) && p.who[actions[i].Agent] == lives {
			p.who[actions[i].Agent] = left
		}
	}
	stepped, err := decodeStepped(answer, tick, p.who)
	if err == nil {
		p.next++
		for _, a := range stepped.Add {
			p.added = append(p.added, a.ID)
		}
	}
	return stepped, err
}

// Snapshot is Snapshotter's: nil where ready did not say snapshot. A process
// that is started again begins with the newest snapshot.
func (p *process) Snapshot(ctx context.Context) ([]byte, error) {
	if !p.snapshots {
		return nil, nil
	}
	answer, err := p.ask(ctx, []byte(snapshotAsk), "state")
	if err == nil && len(answer.fields["state"]) == 0 {
		p.drop()
		err = malformed(answer.where("state"), "is missing")
	}
	if err != nil {
		return nil, p.explain(fmt.Sprintf("take a snapshot of the world before tick %d", p.next), err)
	}
	init := p.begin
	init.State, init.Tick = answer.fields["state"], p.next
	p.beginWith(init) // else the last one does too
	return p.giveState(init.State)
}

// Close is Closer's.
func (p *process) Close(ctx context.Context) error {
	if p.pipe != nil {
		p.pipe.close(ctx)
		p.pipe = nil
	}
	return nil
}

// drop gives the process up.
func (p *process) drop() {
	p.pipe.kill()
	p.pipe = nil
}

// explain says what could not be done and, with an error of the process, what
// it said last.
func (p *process) explain(what string, err error) error {
	text := "; it logged nothing" // so there is no file either
	if last := p.log.lines(); last != "" {
		text = "; it said last:\n" + last
		if p.program.LogName != "" {
			text += "\n(its log is " + p.program.LogName + ")"
		}
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		text = ""
	}
	return fmt.Errorf("cannot %s: %w%s", what, err, text)
}
