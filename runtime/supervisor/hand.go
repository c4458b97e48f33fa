package supervisor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/socket"
)

// An agent that is a command line tool may hand in its action through the socket
// while it works on its answer. It is kept with what the agent has asked for beside
// the answer, and so dropped with that by a crash; the answer, whatever it says,
// makes it count. So the action does not depend on what the model says last.

// tellObserve sends the line that the agent has to answer, or none.
func tellObserve(_ context.Context, d *desk, id string, _ *socket.Request, reply func(*socket.Reply) error) error {
	o, err := d.host.observed(id)
	var idle errNoTurn
	switch {
	case errors.As(err, &idle):
		return reply(&socket.Reply{OK: true})
	case err != nil:
		return err
	}
	return reply(&socket.Reply{OK: true, Tick: o.Tick, Observe: agent.AppendObserve(nil, o), Schema: o.Schema})
}

// tellBrief says who the agent is. It may be asked at any time: it never changes.
func tellBrief(_ context.Context, d *desk, id string, _ *socket.Request, reply func(*socket.Reply) error) error {
	if _, err := d.host.present(id); err != nil && !errors.As(err, new(errNoTurn)) {
		return err
	}
	return reply(&socket.Reply{OK: true, Brief: &socket.Brief{
		Scenario: d.fleet.opts.Scenario, Agent: id, System: d.texts[agent.SystemFile], Prompt: d.texts[agent.PromptFile],
	}})
}

// handAct takes the action of an agent ahead of its answer.
func handAct(_ context.Context, d *desk, id string, r *socket.Request, reply func(*socket.Reply) error) error {
	a, err := actOf(id, r)
	if err != nil {
		return err
	}
	tick, err := d.host.hand(id, a)
	if err != nil {
		return err
	}
	return reply(&socket.Reply{OK: true, Tick: tick})
}

// actOf is the act that a request hands in. Its errors are for a model to read.
func actOf(id string, r *socket.Request) (agent.Act, error) {
	a := agent.Act{Agent: id, Action: []byte("null"), Done: r.Done}
	if len(r.Action)+len(r.Send) > agent.MaxLine {
		return a, fmt.Errorf("an action and its messages may take %d bytes", agent.MaxLine)
	}
	if len(r.Action) > 0 {
		action, err := agent.Compact(nil, r.Action)
		if err != nil {
			return a, fmt.Errorf("cannot take this action: %w", err)
		}
		a.Action = action
	}
	switch text := string(a.Action); {
	case text == "null" && !a.Done:
		return a, errors.New(`cannot act without an action: want "action", a JSON object`)
	case strings.HasPrefix(text, `"{`):
		return a, errors.New("cannot take this action: it is text that holds a JSON object; give the object itself")
	}
	if len(r.Send) > 0 && string(r.Send) != "null" {
		list, err := agent.DecodeSends(r.Send)
		if err != nil {
			return a, fmt.Errorf("cannot send this: %w", err)
		}
		a.Send = list
	}
	return a, nil
}

// observed implements host.
func (p *resident) observed(id string) (*agent.Observe, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	o, _, err := p.sitting(id)
	if err != nil {
		return nil, err
	}
	return cloneObserve(o), nil
}

// hand implements host.
func (p *resident) hand(id string, a agent.Act) (tick int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.spec.Kind.Tool == nil {
		return 0, errOwnAct(p.spec.Kind.Name)
	}
	o, into, err := p.sitting(id)
	if err != nil {
		return 0, err
	}
	a.Tick = o.Tick
	a.Action = p.secret.whole(a.Action)
	for i := range a.Send {
		a.Send[i].Body = p.secret.whole(a.Send[i].Body)
	}
	into.handed = &a
	return o.Tick, nil
}

// handedIn puts the action that its agent handed in into the place of what an answer
// says, or failed to say: what came of the model afterwards is no matter. mu is held.
func (p *resident) handedIn(l *agent.Line) {
	id := l.Agent
	if l.Type == agent.TypeAct {
		id = l.Act.Agent
	}
	st := p.seat(id)
	if st == nil || !st.open || !st.sent || st.staged == nil || st.staged.handed == nil {
		return
	}
	l.Type, l.Act, l.Failure, l.Detail = agent.TypeAct, *st.staged.handed, "", ""
}

// errOwnAct says that agents of a kind write their own acts.
type errOwnAct string

func (kind errOwnAct) Error() string {
	return fmt.Sprintf("an agent of kind %s answers with its act line: act is for those that a command line tool drives", string(kind))
}

// observed implements host.
func (t *turns) observed(id string) (*agent.Observe, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.sitting(id); err != nil {
		return nil, err
	}
	return cloneObserve(t.asked), nil
}

// hand implements host.
func (t *turns) hand(string, agent.Act) (int, error) { return 0, errOwnAct(t.spec.Kind.Name) }
