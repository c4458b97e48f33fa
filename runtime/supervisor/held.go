package supervisor

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// A tool that keeps its conversation writes an answer into it after it has
// given it. Killed in between, the session that is gone on with lacks an answer
// that the record has. So an answer counts once it is in the tool's session.
const (
	// recordPatience is how long that is waited for. One that is not there by
	// then counts all the same, with a fact: it was given and paid for, and what
	// does not show where it is looked for (another version of the tool) would not
	// show if it were asked again. It is missed only if the process is killed
	// before the tool writes it.
	recordPatience = 5 * time.Second
	// A look reads what the session has more than at the last one. There are
	// none at shorter intervals than firstLook, and none at longer ones than
	// lastLook.
	firstLook = 10 * time.Millisecond
	lastLook  = 80 * time.Millisecond
	// mostUnkept bounds how often recordPatience is halved, once for each
	// answer in a row that it was spent on in vain.
	mostUnkept = 8
)

// A held answer is one that its tool has not recorded yet.
type held struct {
	line agent.Line
	at   time.Time     // when it came
	over chan struct{} // closed when it is held no more
}

// What became of a held answer.
type keeping uint8

const (
	kept   keeping = iota // the session has it
	unkept                // it has not, and the tool had time enough, or has ended by itself
	lost                  // it has not, and never will: the process is gone
)

// recorded is what looks whether the tool's session has an answer; nil where
// there is nothing to wait for. mu is held.
func (p *resident) recorded(l *agent.Line) func() (bool, error) {
	tool := p.spec.Kind.Tool
	if tool == nil || tool.Recorded == nil || !p.spec.Session {
		return nil
	}
	return tool.Recorded(p.variable, l)
}

// variable is one of a tool's environment that is no secret.
func (p *resident) variable(name string) string {
	if v, ok := p.spec.Env[name]; ok {
		return v
	}
	if name == "HOME" {
		return p.ws.Home
	}
	return p.spec.Kind.Tool.Env[name]
}

// hold keeps an answer back until it is recorded. mu is held.
func (p *resident) hold(c *child, l *agent.Line, look func() (bool, error)) {
	h := &held{line: *l, at: time.Now(), over: make(chan struct{})}
	p.held = h
	wait, patience := awaitRecord, p.fleet.recording>>min(p.unkept, mostUnkept)
	if p.perTurn() { // it ends by itself: none of it is spent in vain
		wait, patience = awaitEnd, p.fleet.recording
	}
	p.fleet.wg.Go(func() {
		defer close(h.over)
		how, err := wait(c, look, patience)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.held = nil
		p.release(h, how, err, patience)
		p.turnOver(c)
		p.flush()
		p.rested()
	})
}

// perTurn says whether the process answers once.
func (p *resident) perTurn() bool {
	return p.spec.Kind.Tool != nil && p.spec.Kind.Tool.PerTurn
}

// turnOver has a process that answers once count as parked, now that it has: what
// is asked next is for another one. One whose answer does not count has crashed.
// mu is held.
func (p *resident) turnOver(c *child) {
	if p.perTurn() && p.child == c && p.state == Ready && p.owed == 0 && !p.struck && c.passed.Load() == nil {
		p.park("its turn is over")
	}
}

// letGo waits until no answer is held. It is called once the process is gone.
func (p *resident) letGo() {
	p.mu.Lock()
	h := p.held
	p.mu.Unlock()
	if h != nil {
		<-h.over
	}
}

// awaitRecord looks until there is something to see, the process is gone or
// patience is at its end. The error is that of the last look.
func awaitRecord(c *child, look func() (bool, error), patience time.Duration) (keeping, error) {
	end := time.NewTimer(patience)
	defer end.Stop()
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		found, err := look()
		if found {
			return kept, nil
		}
		next := time.NewTimer(pause)
		select {
		case <-next.C:
			continue
		case <-end.C:
			next.Stop()
			return unkept, err
		case <-c.gone:
			next.Stop()
		}
		if found, err = look(); found { // the last that it did
			return kept, nil
		}
		return lost, err
	}
}

// awaitEnd waits until a process that answers once is gone, with all that it has
// started, and looks then. One that stays is ended, after as much patience as one has
// with a session.
func awaitEnd(c *child, look func() (bool, error), patience time.Duration) (keeping, error) {
	stopChild(c, graces{patience, patient.kill})
	<-c.swept
	if look == nil {
		return kept, nil
	}
	found, err := look()
	switch {
	case found:
		return kept, nil
	case c.status.Exited():
		return unkept, err
	}
	return lost, err
}

// release lets an answer count, or go. mu is held.
func (p *resident) release(h *held, how keeping, err error, patience time.Duration) {
	l := &h.line
	id := p.name()
	if how != kept && errors.Is(err, os.ErrNotExist) && l.Usage != nil {
		l.Usage.Session = "" // there is none to go on with
	}
	switch how {
	case kept:
		p.unkept = 0
	case unkept:
		text := "its answer was not in its own session when it had ended: the next turn may not know of it"
		if !p.perTurn() {
			p.unkept++
			text = fmt.Sprintf("its answer was not in its own session within %s: killed now, it may have forgotten it", patience)
		}
		if err != nil {
			text += ": " + err.Error()
		}
		p.log.line("troupe: ", []byte(text))
		p.fleet.fact(Fact{Agent: id, Kind: "unrecorded", Tick: max(p.tick, 0), Detail: text})
	case lost: // gone has it asked again; what it cost, it cost
		p.log.line("troupe: ", []byte("it died before its answer was in its own session: the answer does not count"))
		p.used(l)
		for _, st := range p.order {
			st.since = st.since.Add(time.Since(h.at))
		}
		return
	}
	p.accept(l, h.at)
}
