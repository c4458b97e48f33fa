package scenarios

import (
	"fmt"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// badCharacter finds the first byte that is no UTF-8, or the first character
// that YAML does not allow.
func badCharacter(src *Source, data []byte) *Problem {
	line, start := 1, 0
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		message, hint := "", ""
		switch {
		case r == utf8.RuneError && size == 1:
			message, hint = fmt.Sprintf("invalid UTF-8: byte 0x%02x", data[i]), "save the file as UTF-8"
		case !printable(r):
			message, hint = fmt.Sprintf("the character %U is not allowed in YAML", r), `in a double-quoted text write it as \x… or \u…`
		}
		if message != "" {
			p := src.problem(Position{line, i - start + 1}, message, hint)
			return &p
		}
		i += size
		if r == '\n' || r == '\r' && (i == len(data) || data[i] != '\n') || r == '\u0085' || r == '\u2028' || r == '\u2029' {
			line, start = line+1, i
		}
	}
	return nil
}

// printable is c-printable of YAML 1.2, without the byte order mark, which the
// parser takes only at the beginning.
func printable(r rune) bool {
	switch {
	case r == '\t' || r == '\n' || r == '\r' || r == '\u0085':
		return true
	case r < ' ' || 0x7f <= r && r < 0xa0 || r == '\ufeff' || r == '\ufffe' || r == '\uffff':
		return false
	}
	return true
}

// An extent is what a node comes to once aliases are followed.
type extent struct{ nodes, height int }

// A walker measures a tree; it remembers what aliases can name.
type walker struct {
	anchored map[*yaml.Node]extent
	aliased  int // values that aliases add
}

// bound refuses a tree that contains itself, is nested too deeply, or that
// aliases blow up, so that those who walk it afterwards need not care. It
// takes time by the tree's size without aliases.
func (w *walker) bound(n *yaml.Node, depth int) (e extent, at *yaml.Node, message string) {
	if n.Kind == yaml.AliasNode {
		var known bool
		if e, known = w.anchored[follow(n)]; !known {
			// An anchor stands before its aliases: one not yet measured is around this one.
			return e, n, fmt.Sprintf("*%s contains itself", n.Value)
		}
		if w.aliased += e.nodes; w.aliased > maxAlias {
			return e, n, fmt.Sprintf("aliases make more than %d values of this file", maxAlias)
		}
	}
	if depth+e.height > maxDepth {
		return e, n, fmt.Sprintf("nested more than %d deep", maxDepth)
	}
	if n.Kind == yaml.AliasNode {
		return e, nil, ""
	}
	e.nodes = 1
	for _, c := range n.Content {
		inner, at, message := w.bound(c, depth+1)
		if message != "" {
			return e, at, message
		}
		e.nodes += inner.nodes
		e.height = max(e.height, inner.height+1)
	}
	if n.Anchor != "" {
		w.anchored[n] = e
	}
	return e, nil, ""
}
