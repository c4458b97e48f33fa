package runtime

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/scenarios"
)

// An Expectation is one item of expect and what became of it.
type Expectation struct {
	What  string  `json:"what"` // score of tit-for-tat = 3597
	Holds bool    `json:"holds"`
	Got   *string `json:"got"` // nil where the run has no such value
}

// A checker gathers, record by record, what the expectations are about.
type checker struct {
	items  []scenarios.Expect
	counts []float64 // outcomes so far, by item
	seen   []*string // the column's value, by item
}

func newChecker(items []scenarios.Expect) *checker {
	return &checker{items: items, counts: make([]float64, len(items)), seen: make([]*string, len(items))}
}

func (c *checker) add(rec *record.Record) {
	for i := range c.items {
		if x := c.items[i].Outcome; x != nil {
			c.counts[i] += countOutcomes(rec, x)
		}
		if x := c.items[i].Column; x != nil && (x.Tick == nil || *x.Tick == rec.Tick) {
			for j := range rec.Columns {
				if rec.Columns[j].Name == x.Name {
					v := string(rec.Columns[j].Value)
					c.seen[i] = &v
				}
			}
		}
	}
}

func countOutcomes(rec *record.Record, x *scenarios.ExpectOutcome) (n float64) {
	for i := range rec.Turns {
		t := &rec.Turns[i]
		kind := string(t.Failure)
		if kind == "" {
			kind = record.Acted
		}
		if kind == x.Type && (x.Agent == "" || scenarios.Match(x.Agent, t.Agent)) {
			n++
		}
	}
	return n
}

// results holds the finished run against every item.
func (c *checker) results(sum *record.Summary) []Expectation {
	out := make([]Expectation, 0, len(c.items))
	for i := range c.items {
		what, bounds, got := c.look(i, sum)
		e := Expectation{What: what + " " + boundsText(bounds), Got: got}
		if got != nil {
			v, err := strconv.ParseFloat(*got, 64)
			e.Holds = err == nil && within(v, bounds)
		}
		out = append(out, e)
	}
	return out
}

// look finds the value that an item is about.
func (c *checker) look(i int, sum *record.Summary) (what string, b scenarios.Bounds, got *string) {
	switch x := c.items[i]; {
	case x.Score != nil:
		if v, ok := sum.Scores[x.Score.Agent]; ok {
			got = text(string(v))
		}
		return "score of " + x.Score.Agent, x.Score.Bounds, got
	case x.Column != nil:
		what = "column " + x.Column.Name
		if x.Column.Tick != nil {
			what += fmt.Sprintf(" at tick %d", *x.Column.Tick)
		}
		return what, x.Column.Bounds, c.seen[i]
	case x.Outcome != nil:
		what = "outcomes " + x.Outcome.Type
		if x.Outcome.Agent != "" {
			what += " of " + x.Outcome.Agent
		}
		return what, x.Outcome.Bounds, text(number(c.counts[i]))
	default:
		return "ticks", *x.Ticks, text(strconv.Itoa(sum.Ticks))
	}
}

func text(s string) *string { return &s }

func number(v float64) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

func within(v float64, b scenarios.Bounds) bool {
	return (b.Equals == nil || v == *b.Equals) && (b.Min == nil || v >= *b.Min) && (b.Max == nil || v <= *b.Max)
}

func boundsText(b scenarios.Bounds) string {
	var parts []string
	for _, x := range []struct {
		sign string
		v    *float64
	}{{"=", b.Equals}, {"≥", b.Min}, {"≤", b.Max}} {
		if x.v != nil {
			parts = append(parts, x.sign+" "+number(*x.v))
		}
	}
	return strings.Join(parts, ", ")
}
