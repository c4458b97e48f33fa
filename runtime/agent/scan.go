package agent

import "fmt"

// maxDepth is how many arrays and objects may be open at once in a line.
const maxDepth = 1000

// A scan reads one JSON text from left to right and once, strictly as RFC 8259
// has it. It allocates nothing unless something is wrong. Invalid UTF-8 within
// a string is remembered and passed over, so that a line can be told to be
// wrong instead of being taken for log.
type scan struct {
	data []byte
	i    int
	err  error

	key, val raw // of the member or item that was read last

	spaced  bool // whitespace between tokens since this was last cleared
	escaped bool // an escape in a string, the same
	notUTF8 bool
	badByte int // where notUTF8 was found first

	depth   int
	objects [maxDepth/64 + 1]uint64 // a bit a level: an object, not an array
}

// A raw is one value as it stands in the line, and what reading it showed.
type raw struct {
	text    []byte // empty where there is none
	spaced  bool   // has whitespace between tokens
	escaped bool   // has an escape in a string
}

// A syntaxError is why a text is not JSON.
type syntaxError struct {
	at   int // byte, from 0
	what string
}

func (e *syntaxError) Error() string { return fmt.Sprintf("%s at byte %d", e.what, e.at) }

func (s *scan) fail(what string) bool {
	if s.err == nil {
		s.err = &syntaxError{s.i, what}
	}
	return false
}

// unexpected fails at a byte that cannot stand where it does.
func (s *scan) unexpected(wanted string) bool {
	if s.i >= len(s.data) {
		return s.fail("the line ends where " + wanted + " should be")
	}
	return s.fail(fmt.Sprintf("%q where %s should be", s.data[s.i], wanted))
}

// open passes over the first byte of the one value that the text is: '{' or
// '['. The members or items are then read by member or item.
func (s *scan) open(bracket byte) bool {
	s.blank()
	if s.peek() != bracket {
		return s.unexpected(string(bracket))
	}
	return s.push()
}

// member reads the next member of the opened object into key and val. It
// returns false after the last one, once nothing follows the object, and at
// an error.
func (s *scan) member(first bool) bool {
	if !s.more(first, '}') {
		return false
	}
	s.escaped = false
	start := s.i
	if !s.memberName() {
		return false
	}
	s.key = raw{text: s.data[start:s.i], escaped: s.escaped}
	return s.colon() && s.readValue()
}

// item is to an array what member is to an object.
func (s *scan) item(first bool) bool {
	return s.more(first, ']') && s.readValue()
}

// more passes over the comma before the next member or item, or over the end
// of the opened value.
func (s *scan) more(first bool, end byte) bool {
	s.blank()
	switch c := s.peek(); {
	case c == end:
		s.pop()
		return s.finish()
	case first:
		return true
	case c == ',':
		s.i++
		s.blank()
		return true
	}
	return s.unexpected(fmt.Sprintf("a comma or %c", end))
}

// finish fails if anything but whitespace is left. It always returns false.
func (s *scan) finish() bool {
	s.blank()
	if s.i < len(s.data) {
		return s.unexpected("the end of the line")
	}
	return false
}

func (s *scan) readValue() bool {
	s.blank()
	s.spaced, s.escaped = false, false
	start := s.i
	if !s.value() {
		return false
	}
	s.val = raw{s.data[start:s.i], s.spaced, s.escaped}
	return true
}

// value passes over one value, however deep, without recursion.
func (s *scan) value() bool {
	base := s.depth
	for {
		opened, ok := s.token()
		if !ok {
			return false
		}
		if opened {
			continue
		}
		for { // a value is complete: close what it completes
			if s.depth == base {
				return true
			}
			next, ok := s.after()
			if !ok {
				return false
			}
			if next {
				break
			}
		}
	}
}

// token passes over a scalar, an empty array or object, or over all that
// stands before the first value of one that is not empty (opened).
func (s *scan) token() (opened, ok bool) {
	switch c := s.peek(); {
	case c == '"':
		return false, s.str()
	case c == '{' || c == '[':
		if !s.push() {
			return false, false
		}
		s.blank()
		if s.i < len(s.data) && s.data[s.i] == c+2 { // { and }, [ and ] are two apart
			s.pop()
			return false, true
		}
		if c == '[' {
			return true, true
		}
		return true, s.memberName() && s.colon()
	case c == '-' || c-'0' <= 9:
		return false, s.number()
	case c == 't':
		return false, s.word("true")
	case c == 'f':
		return false, s.word("false")
	case c == 'n':
		return false, s.word("null")
	}
	return false, s.unexpected("a value")
}

// after passes over what follows a value within an array or object: its end,
// or what stands before the next value.
func (s *scan) after() (next, ok bool) {
	s.blank()
	object := s.objects[s.depth>>6]>>(s.depth&63)&1 == 1
	switch c := s.peek(); {
	case c == ',' && object:
		s.i++
		s.blank()
		return true, s.memberName() && s.colon()
	case c == ',':
		s.i++
		s.blank()
		return true, true
	case c == '}' && object || c == ']' && !object:
		s.pop()
		return false, true
	case object:
		return false, s.unexpected("a comma or }")
	}
	return false, s.unexpected("a comma or ]")
}

func (s *scan) push() bool {
	if s.depth == maxDepth {
		return s.fail(fmt.Sprintf("more than %d arrays and objects in one another", maxDepth))
	}
	s.depth++
	bit := uint64(1) << (s.depth & 63)
	if s.data[s.i] == '{' {
		s.objects[s.depth>>6] |= bit
	} else {
		s.objects[s.depth>>6] &^= bit
	}
	s.i++
	return true
}

func (s *scan) pop() {
	s.depth--
	s.i++
}

// memberName passes over a member's name.
func (s *scan) memberName() bool {
	if s.peek() != '"' {
		return s.unexpected("a name in quotes")
	}
	return s.str()
}

// colon passes over the colon after a name, and what is blank around it.
func (s *scan) colon() bool {
	s.blank()
	if s.peek() != ':' {
		return s.unexpected("a colon")
	}
	s.i++
	s.blank()
	return true
}
