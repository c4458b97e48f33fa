package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Position is a place in a scenario file; lines and columns count from 1,
// columns in bytes. The zero Position is the file as a whole.
type Position struct {
	Line, Column int
}

// A Problem is one thing wrong with a scenario: what happened, where, and what
// would be right.
type Problem struct {
	File string // or the --set that brought it
	Position
	Message string
	Hint    string // may be empty
	Text    string // the offending line, without its newline
}

// widest is how many bytes of an offending line are shown.
const widest = 160

// String gives file:line:column and the message, the offending line with a
// caret below the column, and the hint; no newline ends it.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": " + p.Message)
	if p.Line > 0 && strings.TrimSpace(p.Text) != "" {
		text, caret := excerpt(p.Text, p.Column)
		b.WriteString("\n  " + text + "\n  " + caret + "^")
	}
	if p.Hint != "" {
		b.WriteString("\n  hint: " + p.Hint)
	}
	return b.String()
}

// Error is String.
func (p Problem) Error() string { return p.String() }

// excerpt returns what is shown of a line, and the blanks that bring a caret
// below its column (in bytes, from 1). Characters that a terminal would act on
// are replaced.
func excerpt(line string, column int) (text, blanks string) {
	at := min(max(column-1, 0), len(line))
	start, end := 0, len(line)
	if len(line) > widest {
		start = max(0, at-widest/2)
		end = min(len(line), start+widest)
	}
	for start > 0 && !utf8.RuneStart(line[start]) {
		start--
	}
	for end < len(line) && !utf8.RuneStart(line[end]) {
		end++
	}
	var shown, pad strings.Builder
	if start > 0 {
		shown.WriteString("…")
		pad.WriteByte(' ')
	}
	for i, r := range line[start:end] {
		if r != '\t' && (r < ' ' || 0x7f <= r && r < 0xa0) {
			r = utf8.RuneError
		}
		shown.WriteRune(r)
		if start+i >= at {
			continue
		}
		if r != '\t' {
			r = ' '
		}
		pad.WriteRune(r)
	}
	if end < len(line) {
		shown.WriteString("…")
	}
	return shown.String(), pad.String()
}

// Problems are several, to be returned as one error.
type Problems []Problem

// Error gives every problem, a line break between two.
func (ps Problems) Error() string {
	all := make([]string, len(ps))
	for i, p := range ps {
		all[i] = p.String()
	}
	return strings.Join(all, "\n")
}

// Sort orders by file and position, and keeps the order of those that share one.
func (ps Problems) Sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
}

// Err returns the problems as an error, nil where there are none.
func (ps Problems) Err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}
