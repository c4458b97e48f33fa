package world

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// The functions here walk JSON that agent.Compact let through: valid, and with
// no space between tokens. They decode nothing that only needs to be routed.

// members gives each member of an object in its order, until yield returns an
// error. Values are parts of object.
func members(object []byte, yield func(name string, value []byte) error) error {
	for i := 1; object[i] != '}'; {
		if object[i] == ',' {
			i++
		}
		end := valueEnd(object, i)
		name, err := unquote(object[i:end])
		if err != nil {
			return err
		}
		i = end + 1 // past the colon
		end = valueEnd(object, i)
		if err := yield(name, object[i:end:end]); err != nil {
			return err
		}
		i = end
	}
	return nil
}

// items gives each item of an array in its order, until yield returns an error.
func items(array []byte, yield func(value []byte) error) error {
	for i := 1; array[i] != ']'; {
		if array[i] == ',' {
			i++
		}
		end := valueEnd(array, i)
		if err := yield(array[i:end:end]); err != nil {
			return err
		}
		i = end
	}
	return nil
}

// valueEnd finds the end of the value that begins at i.
func valueEnd(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			i = stringEnd(b, i)
			if depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i // of a number or a word
			}
			depth--
			if depth == 0 {
				return i + 1
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return i
}

// stringEnd finds the end of the string that begins at i.
func stringEnd(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return i
}

// unquote decodes a string.
func unquote(quoted []byte) (string, error) {
	if bytes.IndexByte(quoted, '\\') < 0 && quoted[0] == '"' {
		return string(quoted[1 : len(quoted)-1]), nil
	}
	var s *string
	if err := json.Unmarshal(quoted, &s); err != nil || s == nil {
		return "", fmt.Errorf("is %s where a text is wanted", shorten(string(quoted)))
	}
	return *s, nil
}

// A line is one message that was read: its type and its members.
type line struct {
	kind   string
	fields map[string][]byte // without those that are null
}

// errNoMessage says that a line is no JSON object with a type, so it is log.
var errNoMessage = fmt.Errorf("no JSON object with a type")

// A malformedError says what is wrong with what the other side sent: Where is
// the message's type and field.
type malformedError struct {
	Where string
	What  string
}

func (e *malformedError) Error() string { return e.Where + " " + e.What }

// malformed makes such an error about a field of a message.
func malformed(where, format string, args ...any) error {
	return &malformedError{Where: where, What: fmt.Sprintf(format, args...)}
}

// readLine understands one line. It copies what it keeps. An error is either
// errNoMessage, or it tells of a line that was meant as a message and is none.
func readLine(text []byte) (line, error) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 || text[0] != '{' {
		return line{}, errNoMessage
	}
	compact, err := agent.Compact(make([]byte, 0, len(text)), text)
	if err != nil {
		if bytes.Contains(text, []byte(`"type"`)) {
			return line{}, malformed("a line", "is no message: %v; it begins %s", err, shorten(string(text)))
		}
		return line{}, errNoMessage
	}
	l := line{fields: make(map[string][]byte)}
	twice := ""
	err = members(compact, func(name string, value []byte) error {
		if _, ok := l.fields[name]; ok {
			twice = name
		}
		l.fields[name] = value
		return nil
	})
	if err != nil {
		return line{}, errNoMessage
	}
	kind, ok := l.fields["type"]
	if !ok || kind[0] != '"' {
		return line{}, errNoMessage
	}
	if l.kind, err = unquote(kind); err != nil {
		return line{}, errNoMessage
	}
	if twice != "" {
		return line{}, malformed(l.kind, "has the field %s twice", shorten(twice))
	}
	for name, value := range l.fields {
		if string(value) == "null" {
			delete(l.fields, name)
		}
	}
	return l, nil
}

// where names a field of the message.
func (l line) where(field string) string { return l.kind + "." + field }

// object, array, text, whole and truth read a field of that type; ok says
// whether it is there.
func (l line) object(field string) (value []byte, ok bool, err error) {
	return l.bracketed(field, '{', "an object")
}

func (l line) array(field string) (value []byte, ok bool, err error) {
	return l.bracketed(field, '[', "an array")
}

func (l line) bracketed(field string, bracket byte, wanted string) ([]byte, bool, error) {
	value, ok := l.fields[field]
	if ok && value[0] != bracket {
		return nil, false, malformed(l.where(field), "is %s where %s is wanted", shorten(string(value)), wanted)
	}
	return value, ok, nil
}

func (l line) text(field string) (value string, ok bool, err error) {
	raw, ok := l.fields[field]
	if !ok {
		return "", false, nil
	}
	if value, err = unquote(raw); err != nil {
		return "", false, malformed(l.where(field), "%v", err)
	}
	return value, true, nil
}

func (l line) whole(field string) (value int64, ok bool, err error) {
	raw, ok := l.fields[field]
	if !ok {
		return 0, false, nil
	}
	if err := json.Unmarshal(raw, &value); err != nil {
		return 0, false, malformed(l.where(field), "is %s where a whole number is wanted", shorten(string(raw)))
	}
	return value, true, nil
}

func (l line) truth(field string) (bool, error) {
	raw, ok := l.fields[field]
	if !ok || string(raw) == "false" {
		return false, nil
	}
	if string(raw) != "true" {
		return false, malformed(l.where(field), "is %s where true or false is wanted", shorten(string(raw)))
	}
	return true, nil
}

// at names a member of a field: stepped.scores["a-1"].
func at(where, name string) string {
	return fmt.Sprintf("%s[%q]", where, strings.ToValidUTF8(shorten(name), "�"))
}
