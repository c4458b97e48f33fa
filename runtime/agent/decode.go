package agent

import (
	"errors"
	"fmt"
)

// The types of the lines that an agent writes.
const (
	TypeReady = "ready"
	TypeAct   = "act"
	TypeState = "state"
	TypeLog   = "log"
	// TypeFailed is no line of the protocol: a dialect gives it for an answer
	// that is a failure.
	TypeFailed = "failed"
)

// A Line is one line of an agent, read, or what a dialect makes of it. Of a type that is none of the above
// only Type is set: such lines are to be ignored.
type Line struct {
	Type  string
	Agent string
	Tick  int    // of act and failed
	Act   Act    // of act
	State []byte // of state; compact JSON
	Level string // of log; info where the agent gave none
	Text  string // of log
	// Failure and Detail are of failed, Usage of that and of act: what a model
	// used for it, nil where none is told.
	Failure Failure
	Detail  string
	Usage   *Usage
	// Record is what the session that a tool keeps calls this answer; empty
	// where it has no name for it.
	Record string
}

// ErrNotProtocol says that a line of stdout is no JSON object with a type,
// and so is log.
var ErrNotProtocol = errors.New("not a line of the protocol")

// A MalformedError says what is wrong with a line that was meant for the
// runtime. Its text is fit to be sent to the agent.
type MalformedError struct {
	Type   string
	Agent  string // empty if it could not be read
	Tick   int    // of act; -1 if it could not be read
	Reason string
}

func (e *MalformedError) Error() string {
	return fmt.Sprintf("ill-formed %s line: %s", e.Type, e.Reason)
}

// fields are the members that mean something in a line from an agent. Of
// several with one name the last counts.
type fields struct {
	typ, agent, tick, action, send, done, level, text, state raw
}

func (f *fields) collect(s *scan) {
	if !s.open('{') {
		return
	}
	for first := true; s.member(first); first = false {
		if into := f.named(s.name()); into != nil {
			*into = s.val
		}
	}
}

func (f *fields) named(name []byte) *raw {
	switch string(name) {
	case "type":
		return &f.typ
	case "agent":
		return &f.agent
	case "tick":
		return &f.tick
	case "action":
		return &f.action
	case "send":
		return &f.send
	case "done":
		return &f.done
	case "level":
		return &f.level
	case "text":
		return &f.text
	case "state":
		return &f.state
	}
	return nil
}

// Decode reads one line of an agent's stdout, without its newline. Nothing
// that it returns shares memory with line. It may be called by any number of
// goroutines.
func Decode(line []byte) (Line, error) {
	s := scan{data: line}
	if s.blank(); s.peek() != '{' {
		return Line{}, ErrNotProtocol // no error is made up: there may be very many
	}
	var f fields
	f.collect(&s)
	typ, ok := f.typ.str()
	if !ok || s.err != nil && s.depth < maxDepth {
		return Line{}, ErrNotProtocol
	}
	l, reason := Line{Type: typ}, ""
	switch {
	case s.err != nil:
		reason = s.err.Error()
	case s.notUTF8:
		reason = fmt.Sprintf("invalid UTF-8 at byte %d", s.badByte)
	}
	switch typ {
	case TypeAct:
		l.Agent, l.Tick, reason = f.act(&l.Act, reason)
	case TypeReady:
		l.Agent, reason = f.whose(reason)
	case TypeState:
		l.Agent, reason = f.whose(reason)
		if l.State = f.state.compact(); l.State == nil && reason == "" {
			reason = `it has no "state"`
		}
	case TypeLog:
		if l.Text, ok = f.text.str(); !ok || reason != "" {
			return Line{}, ErrNotProtocol
		}
		l.Agent, _ = f.agent.str()
		if l.Level, ok = f.level.str(); !ok || l.Level == "" {
			l.Level = "info"
		}
	default:
		return l, nil
	}
	if reason != "" {
		return Line{}, f.malformed(typ, reason)
	}
	return l, nil
}

// act reads what an act line says, unless a reason to refuse it is there
// already.
func (f *fields) act(a *Act, because string) (agent string, tick int, reason string) {
	if a.Agent, reason = f.whose(because); reason != "" {
		return "", 0, reason
	}
	if a.Tick, reason = f.tick.whole("tick"); reason != "" {
		return "", 0, reason
	}
	if reason = f.done.boolean(&a.Done); reason != "" {
		return "", 0, reason
	}
	if a.Action = f.action.compact(); a.Action == nil {
		a.Action = []byte("null")
	}
	if !f.send.null() {
		a.Send, reason = sends(f.send.text)
	}
	return a.Agent, a.Tick, reason
}

// whose reads the agent that a line is from.
func (f *fields) whose(because string) (agent, reason string) {
	if because != "" {
		return "", because
	}
	agent, ok := f.agent.str()
	if !ok || agent == "" {
		return "", `it has no "agent", or one that is not a string`
	}
	return agent, ""
}

func (f *fields) malformed(typ, reason string) *MalformedError {
	e := &MalformedError{Type: typ, Tick: -1, Reason: reason}
	e.Agent, _ = f.agent.str()
	if tick, bad := f.tick.whole("tick"); bad == "" {
		e.Tick = tick
	}
	return e
}
