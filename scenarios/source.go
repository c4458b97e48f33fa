package scenarios

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// A Source remembers where each value of a scenario stands in its file. A nil
// Source knows no position. It may be read by any number of goroutines, but
// not while Override runs.
type Source struct {
	File   string // as the user named it
	Dir    string // absolute; what relative paths in the scenario start from
	SHA256 string // of the file, hex; empty for a scenario that comes from none
	lines  []string
	root   *yaml.Node
	set    []override
}

// An override says that what stands at a path no longer comes from the file.
type override struct{ path, label string }

// Override says that the value at path, and all below it, comes from what
// label names (such as --set seed=3), so that problems with it name that and
// no line of the file.
func (s *Source) Override(path, label string) {
	s.set = append(s.set, override{path, label})
}

// At returns the position of what path names: keys joined by dots, with
// [index] for the items of a list, such as agents[2].command[1] or
// channels.den-{n}.members[0]. For a mapping or a list under a key it is the
// key's position, and so it is for a path that ends with a colon. Of a path
// that is not in the file it is that of the nearest enclosing one that is.
func (s *Source) At(path string) Position {
	if s == nil || s.root == nil || s.label(path) != "" {
		return Position{}
	}
	node, here := s.root, s.root
	for rest := path; rest != ""; {
		var next, where *yaml.Node
		switch node.Kind {
		case yaml.MappingNode:
			next, where, rest = member(node, strings.TrimPrefix(rest, "."))
		case yaml.SequenceNode:
			next, rest = item(node, rest)
			where = next
		}
		if next == nil {
			break
		}
		node, here = follow(next), where
	}
	return s.position(here)
}

// Problem is a problem with what path names; see At.
func (s *Source) Problem(path, message, hint string) Problem {
	if s == nil {
		return Problem{File: "scenario", Message: message, Hint: hint}
	}
	if label := s.label(path); label != "" {
		return Problem{File: label, Message: message, Hint: hint}
	}
	return s.problem(s.At(path), message, hint)
}

func (s *Source) problem(at Position, message, hint string) Problem {
	p := Problem{File: s.File, Position: at, Message: message, Hint: hint}
	if 0 < at.Line && at.Line <= len(s.lines) {
		p.Text = s.lines[at.Line-1]
	}
	return p
}

// label returns what the value at path was set by, empty for the file.
func (s *Source) label(path string) string {
	path = strings.TrimSuffix(path, ":")
	for i := len(s.set) - 1; i >= 0; i-- {
		rest, ok := strings.CutPrefix(path, s.set[i].path)
		if ok && (rest == "" || rest[0] == '.' || rest[0] == '[' || s.set[i].path == "") {
			return s.set[i].label
		}
	}
	return ""
}

// position counts a node's column in bytes; the parser counts characters.
func (s *Source) position(n *yaml.Node) Position {
	return s.place(n.Line, n.Column)
}

func (s *Source) place(line, column int) Position {
	if line < 1 || line > len(s.lines) {
		return Position{line, max(column, 1)}
	}
	text, bytes := s.lines[line-1], 0
	for n := 1; n < column && bytes < len(text); n++ {
		_, size := utf8.DecodeRuneInString(text[bytes:])
		bytes += size
	}
	return Position{line, bytes + 1}
}

// member finds the key with which rest begins, the longest where several do,
// since a key may hold dots. It returns the value, the node whose position
// stands for it, and what is left of the path.
func member(n *yaml.Node, rest string) (value, where *yaml.Node, left string) {
	best := -1
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := follow(n.Content[i])
		after, ok := strings.CutPrefix(rest, key.Value)
		if !ok || key.Kind != yaml.ScalarNode || len(key.Value) <= best {
			continue
		}
		if after != "" && after != ":" && after[0] != '.' && after[0] != '[' {
			continue
		}
		if best, left = len(key.Value), after; after == ":" {
			left = ""
		}
		value, where = n.Content[i+1], n.Content[i+1]
		if after == ":" || value.Kind != yaml.ScalarNode {
			where = n.Content[i]
		}
	}
	return value, where, left
}

// item finds the item of a list that rest begins with: [2].
func item(n *yaml.Node, rest string) (value *yaml.Node, left string) {
	index, left, ok := strings.Cut(strings.TrimPrefix(rest, "["), "]")
	i, err := strconv.Atoi(index)
	if !ok || err != nil || i < 0 || i >= len(n.Content) {
		return nil, ""
	}
	return n.Content[i], left
}

// follow returns what an alias stands for, any other node itself.
func follow(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	return n
}

// splitLines breaks where the YAML parser counts a new line.
func splitLines(text string) []string {
	var lines []string
	start := 0
	for i, r := range text {
		switch {
		case r == '\n' && i > 0 && text[i-1] == '\r':
			start = i + 1 // the second half of one break
		case r == '\n' || r == '\r' || r == '\u0085' || r == '\u2028' || r == '\u2029':
			lines = append(lines, text[start:i])
			start = i + utf8.RuneLen(r)
		}
	}
	return append(lines, text[start:])
}
