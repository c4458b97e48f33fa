package record

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Beginning is the Tick of a Difference in what two runs began with.
const Beginning = -1

// A Difference is the first place in which two accounts of a run part.
type Difference struct {
	Tick  int    // or Beginning
	Agent string // whom it is about; empty for nobody
	Field string // what of it: observation, action, score, …
	Byte  int    // the first one in which A and B differ; 0 where one of them is missing
	A, B  []byte // the whole values: JSON, names or words; nil for none
}

// differ is the difference of two values; nil where they are equal. Empty
// values are none, as they are in a record.
func differ(tick int, agent, field string, a, b []byte) *Difference {
	if bytes.Equal(a, b) {
		return nil
	}
	d := &Difference{Tick: tick, Agent: agent, Field: field, A: a, B: b}
	for d.Byte < len(a) && d.Byte < len(b) && a[d.Byte] == b[d.Byte] {
		d.Byte++
	}
	return d
}

// NewDifference is the difference of two values in a tick, of an agent; nil
// where they are equal. It keeps copies.
func NewDifference(tick int, agent, field string, a, b []byte) *Difference {
	if bytes.Equal(a, b) {
		return nil
	}
	return differ(tick, agent, field, bytes.Clone(a), bytes.Clone(b))
}

// Where says where it is, such as "tick 3, agent a, action".
func (d *Difference) Where() string {
	var parts []string
	if d.Tick == Beginning {
		parts = append(parts, "before the first tick")
	} else {
		parts = append(parts, fmt.Sprintf("tick %d", d.Tick))
	}
	if d.Agent != "" {
		parts = append(parts, "agent "+d.Agent)
	}
	return strings.Join(append(parts, d.Field), ", ")
}

// Text says where it is and what stands there, with a name for either side.
func (d *Difference) Text(a, b string) string {
	at := ""
	if len(d.A) > 0 && len(d.B) > 0 {
		at = fmt.Sprintf(" at byte %d:", d.Byte)
	}
	return fmt.Sprintf("%s:%s %s %s, %s %s", d.Where(), at, a, d.ExcerptA(), b, d.ExcerptB())
}

// ExcerptA is what A has around the first byte that differs.
func (d *Difference) ExcerptA() string { return excerpt(d.A, d.Byte) }

// ExcerptB is what B has around the first byte that differs.
func (d *Difference) ExcerptB() string { return excerpt(d.B, d.Byte) }

// How many bytes an excerpt has before the place it is about, and from there.
const (
	excerptBefore = 20
	excerptAfter  = 100
)

// excerpt cuts a value short around a place in it, at whole characters.
func excerpt(value []byte, at int) string {
	if len(value) == 0 {
		return "nothing"
	}
	from, to := max(at-excerptBefore, 0), min(at+excerptAfter, len(value))
	for from > 0 && !utf8.RuneStart(value[from]) {
		from--
	}
	for to < len(value) && !utf8.RuneStart(value[to]) {
		to--
	}
	text := string(value[from:to])
	if from > 0 {
		text = "…" + text
	}
	if to < len(value) {
		text += "…"
	}
	return text
}
