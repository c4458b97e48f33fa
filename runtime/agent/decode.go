package agent

import (
	"errors"
	"fmt"
	"strconv"
)

// The types of the lines that an agent writes.
const (
	TypeReady = "ready"
	TypeAct   = "act"
	TypeState = "state"
	TypeLog   = "log"
)

// A Line is one line of an agent, read. Of a type that is none of the above
// only Type is set: such lines are to be ignored.
type Line struct {
	Type  string
	Agent string
	Tick  int    // of act
	Act   Act    // of act
	State []byte // of state; compact JSON
	Level string // of log; info where the agent gave none
	Text  string // of log
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

// Head reads what it can of a line of which only the beginning is there: the
// type, the agent and the tick, as far as they stand in it. Tick is -1 where
// it does not.
func Head(beginning []byte) Line {
	s := scan{data: beginning}
	var f fields
	f.collect(&s)
	e := f.malformed("", "")
	e.Type, _ = f.typ.str()
	return Line{Type: e.Type, Agent: e.Agent, Tick: e.Tick}
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

// sends reads the messages of an act. list was scanned before.
func sends(list []byte) (out []Send, reason string) {
	s := scan{data: list}
	if !s.open('[') {
		return nil, `"send" is not a list`
	}
	for first := true; s.item(first); first = false {
		m, reason := oneSend(s.val.text)
		if reason != "" {
			return nil, fmt.Sprintf("send[%d] %s", len(out), reason)
		}
		out = append(out, m)
	}
	return out, ""
}

func oneSend(item []byte) (m Send, reason string) {
	s := scan{data: item}
	if !s.open('{') {
		return m, "is not an object"
	}
	var to, channel, body raw
	for first := true; s.member(first); first = false {
		switch string(s.name()) {
		case "to":
			to = s.val
		case "channel":
			channel = s.val
		case "body":
			body = s.val
		}
	}
	if to.null() == channel.null() {
		if to.null() {
			return m, `names neither "to" nor "channel"`
		}
		return m, `names both "to" and "channel"`
	}
	var ok bool
	if m.To, ok = to.str(); !to.null() && (!ok || m.To == "") {
		return m, `has a "to" that is not an agent's id`
	}
	if m.Channel, ok = channel.str(); !channel.null() && (!ok || m.Channel == "") {
		return m, `has a "channel" that is not a channel's name`
	}
	if m.Body = body.compact(); m.Body == nil {
		return m, `has no "body"`
	}
	return m, ""
}

// name is the member's name, without quotes and escapes.
func (s *scan) name() []byte {
	if s.key.escaped {
		return appendUnquoted(nil, s.key.text)
	}
	return s.key.text[1 : len(s.key.text)-1]
}

// null says that a member is not there, or null, which means the same where
// it may be left out.
func (r raw) null() bool { return len(r.text) == 0 || string(r.text) == "null" }

// str copies a string.
func (r raw) str() (string, bool) {
	if len(r.text) == 0 || r.text[0] != '"' {
		return "", false
	}
	if r.escaped {
		return string(appendUnquoted(nil, r.text)), true
	}
	switch text := r.text[1 : len(r.text)-1]; string(text) {
	case TypeAct: // by far the most frequent: no copy
		return TypeAct, true
	default:
		return string(text), true
	}
}

// whole reads a number that is neither negative nor a fraction.
func (r raw) whole(name string) (n int, reason string) {
	if len(r.text) == 0 {
		return 0, fmt.Sprintf("it has no %q", name)
	}
	for _, c := range r.text {
		if c-'0' > 9 || n > 1<<53 {
			return 0, fmt.Sprintf("its %q is %s and not a whole number", name, clip(r.text))
		}
		n = n*10 + int(c-'0')
	}
	return n, ""
}

func (r raw) boolean(into *bool) (reason string) {
	switch {
	case r.null() || string(r.text) == "false":
		*into = false
	case string(r.text) == "true":
		*into = true
	default:
		return fmt.Sprintf(`its "done" is %s and neither true nor false`, clip(r.text))
	}
	return ""
}

// clip shortens a value so that it can stand in an error.
func clip(text []byte) string {
	const most = 40
	if len(text) <= most {
		return string(text)
	}
	return strconv.Quote(string(text[:most])) + "…"
}

// compact copies a value without the whitespace between its tokens; nil where
// there is no value.
func (r raw) compact() []byte {
	if !r.spaced {
		return append([]byte(nil), r.text...)
	}
	return appendCompact(make([]byte, 0, len(r.text)), r.text)
}
