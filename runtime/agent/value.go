package agent

import (
	"fmt"
	"strconv"
)

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
