package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/observe"
)

// A screen is for people.
type screen struct {
	w        io.Writer
	terminal bool
	shown    *int              // the tick whose observation it was shown; nil for none
	send     []json.RawMessage // typed in this tick
}

func (s *screen) say(what string) { _, _ = fmt.Fprintln(s.w, what) }

func (s *screen) turn(t *observe.HumanTurn) {
	head := fmt.Sprintf("tick %d", t.Tick)
	if t.DeadlineMS > 0 {
		head += fmt.Sprintf(", %s to answer", (time.Duration(t.DeadlineMS) * time.Millisecond).Round(time.Second))
	}
	s.say("\n" + head)
	if t.Error != "" {
		s.say("  refused: " + t.Error)
	}
	if s.shown == nil && len(t.Config) > 0 {
		s.say("  config: " + string(t.Config))
	}
	if s.shown == nil || *s.shown != t.Tick {
		s.send = nil
		s.observation(t)
	}
	s.shown = &t.Tick
	if how := wanted(t.Schema); how != "" {
		s.say("  answer with " + how)
	}
	s.prompt()
}

func (s *screen) observation(t *observe.HumanTurn) {
	s.say("  " + indented(t.Observation))
	for _, m := range t.Messages {
		from := m.From
		if m.Channel != "" {
			from += " in #" + m.Channel
		}
		s.say("  " + from + ": " + string(m.Body))
	}
	for _, r := range t.Results {
		s.say("  result: " + string(r))
	}
}

func (s *screen) prompt() {
	if s.terminal {
		_, _ = io.WriteString(s.w, "> ")
	}
}

func indented(value []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, value, "  ", "  ") != nil {
		return string(value)
	}
	return b.String()
}

// errUnread says that a line is no answer.
var errUnread = errors.New("cannot read that")

// read implements display.
func (s *screen) read(t *observe.HumanTurn, line string) (*observe.HumanAct, error) {
	a, err := s.typed(t, strings.TrimSpace(line))
	if a == nil {
		s.prompt()
	}
	return a, err
}

func (s *screen) typed(t *observe.HumanTurn, line string) (*observe.HumanAct, error) {
	if line == "" {
		return nil, nil
	}
	if key, message := addressed[line[0]]; message {
		m, err := messageTo(key, line)
		if err == nil {
			s.send = append(s.send, m)
		}
		return nil, err
	}
	action, err := actionOf(line, shapeOf(t.Schema))
	if err != nil {
		return nil, err
	}
	a := &observe.HumanAct{Action: action}
	if len(s.send) > 0 {
		a.Send, err = asWritten(s.send)
	}
	return a, err
}

// addressed are the first letters of lines that are messages, with the key that says
// whom they are for.
var addressed = map[byte]string{'@': "to", '#': "channel"}

func messageTo(key, line string) (json.RawMessage, error) {
	name, text, _ := strings.Cut(line[1:], " ")
	if name == "" || text == "" {
		return nil, fmt.Errorf("%w: a message is @AGENT TEXT or #CHANNEL TEXT", errUnread)
	}
	return asWritten(map[string]any{key: name, "body": jsonOr([]byte(strings.TrimSpace(text)))})
}

// A shape is what is known of an action by its schema, as far as people need it.
type shape struct {
	Required   []string
	Properties map[string]property
}

type property struct {
	Type    json.RawMessage
	Enum    []json.RawMessage
	Minimum *json.Number
	Maximum *json.Number
}

// shapeOf reads a schema; what it does not know it leaves out.
func shapeOf(schema []byte) (s shape) {
	if json.Unmarshal(schema, &s) != nil {
		return shape{}
	}
	return s
}

// wanted says in a line what an action may be; nothing where that is not known.
func wanted(schema []byte) string {
	shape := shapeOf(schema)
	if len(shape.Properties) == 0 {
		return string(schema)
	}
	var words []string
	for _, name := range sortedKeys(shape.Properties) {
		words = append(words, name+"="+shape.Properties[name].words())
	}
	return strings.Join(words, " ")
}

func (p property) words() string {
	switch {
	case len(p.Enum) > 0:
		var all []string
		for _, v := range p.Enum {
			all = append(all, strings.Trim(string(v), `"`))
		}
		return strings.Join(all, "|")
	case p.Minimum != nil && p.Maximum != nil:
		return p.Minimum.String() + "…" + p.Maximum.String()
	}
	return strings.ToUpper(strings.Trim(string(p.Type), `"`))
}

// value is what was typed for a property: the one of its values that is meant, or JSON,
// where it is no text that is wanted.
func (p property) value(text string) json.RawMessage {
	for _, v := range p.Enum {
		if strings.Trim(string(v), `"`) == text {
			return v
		}
	}
	if string(p.Type) == `"string"` && !strings.HasPrefix(text, `"`) {
		return agent.AppendString(nil, text)
	}
	return jsonOr([]byte(text))
}

// actionOf reads an action as people write one: JSON, words such as move=C, where text
// may have blanks in it, or the value alone where the world wants one thing.
func actionOf(line string, s shape) (json.RawMessage, error) {
	action, err := agent.Compact(nil, []byte(line))
	texts, meant := wordsOf(line), strings.IndexByte(`{["`, line[0]) >= 0
	switch {
	case err == nil && (meant || len(s.Properties) == 0):
		return action, nil
	case meant:
		return nil, fmt.Errorf("%w: %w", errUnread, err)
	case len(texts) > 0:
	case len(s.Required) == 1:
		texts = map[string]string{s.Required[0]: line}
	case len(s.Properties) == 0:
		return jsonOr([]byte(line)), nil
	default:
		return nil, fmt.Errorf("%w as an action: write JSON or words, such as %s=…", errUnread, sortedKeys(s.Properties)[0])
	}
	object := make(map[string]json.RawMessage, len(texts))
	for name, text := range texts {
		object[name] = s.Properties[name].value(text)
	}
	return asWritten(object)
}

// asWritten is a value as JSON, with texts as they were typed.
func asWritten(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// wordsOf reads name=value, as often as it is there; a value goes on up to the next
// name.
func wordsOf(line string) map[string]string {
	texts, last := map[string]string{}, ""
	for i, word := range strings.Fields(line) {
		name, value, named := strings.Cut(word, "=")
		switch {
		case named && name != "":
			last, texts[name] = name, value
		case i == 0:
			return nil
		default:
			texts[last] += " " + word
		}
	}
	return texts
}

// strictly reads one JSON object, and no key that is not known.
func strictly(line string, into any) error {
	d := json.NewDecoder(strings.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if d.More() {
		return errors.New("there is more behind the object")
	}
	return nil
}
