package scenarios

import (
	"fmt"
	"strings"
)

// longestID bounds ids in bytes: they are names of directories and tokens of
// bus subjects.
const longestID = 64

// ValidID says why id cannot name an agent, a channel, a process or a run: it
// is 1 to 64 characters of A-Z a-z 0-9 _ -.
func ValidID(id string) error {
	const want = "an id is 1 to 64 characters of A-Z a-z 0-9 _ -"
	if id == "" {
		return fmt.Errorf("cannot use an empty id: %s", want)
	}
	if i := strings.IndexFunc(id, func(r rune) bool { return !idRune(r) }); i >= 0 {
		r := []rune(id[i:])[0]
		return fmt.Errorf("cannot use %q as an id because of %q: %s", clip(id), r, want)
	}
	if len(id) > longestID {
		return fmt.Errorf("cannot use %q as an id, it has %d characters: %s", clip(id), len(id), want)
	}
	return nil
}

// validTemplate is ValidID for an id with parts in braces that are yet to be
// filled.
func validTemplate(id string) error {
	literal := id
	for {
		start := strings.IndexByte(literal, '{')
		if start < 0 {
			break
		}
		length := strings.IndexByte(literal[start:], '}')
		if length < 2 || strings.Contains(literal[start+1:start+length], "{") {
			return fmt.Errorf("cannot use %q as an id: braces hold a name, such as {n}", clip(id))
		}
		literal = literal[:start] + "_" + literal[start+length+1:]
	}
	if err := ValidID(literal); err != nil {
		if literal == id {
			return err
		}
		return fmt.Errorf("cannot use %q as an id: outside braces it is characters of A-Z a-z 0-9 _ -", clip(id))
	}
	return nil
}

func idRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_' || r == '-'
}

// clip shortens what a message quotes.
func clip(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// Match reports whether id is one that pattern covers: * stands for any run of
// characters, ? for one, everything else for itself. It takes time by the
// product of both lengths at most.
func Match(pattern, id string) bool {
	p, i := 0, 0
	star, mark := -1, 0 // where to go on after a mismatch
	for i < len(id) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == id[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
