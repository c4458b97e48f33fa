package export

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/troupe-dev/troupe/runtime/record"
)

// A Type is what a column's cells hold.
type Type string

// The types of columns.
const (
	Text    Type = "text"
	JSON    Type = "json" // as text, in every format
	Integer Type = "integer"
	Number  Type = "number" // a 64-bit float
	Boolean Type = "boolean"
	Time    Type = "time" // UTC, to the microsecond
)

// A Column is one column of a table.
type Column struct {
	Name     string
	Type     Type
	Nullable bool // a cell may be null: an absent value, or an empty text
	Doc      string
}

// A Cell is one value; the field that counts is that of its column's type.
type Cell struct {
	Null   bool
	Text   string // valid UTF-8; of JSON too
	Int    int64
	Number float64
	Bool   bool
	Time   time.Time
}

// A column is a Column with where its cells come from.
type column[T any] struct {
	Column
	set func(from *T, c *Cell)
}

// may makes a column nullable.
func may[T any](c column[T]) column[T] {
	c.Nullable = true
	return c
}

// where makes a column null where something is not there.
func where[T any](there func(*T) bool, c column[T]) column[T] {
	set := c.set
	c.Nullable = true
	c.set = func(from *T, c *Cell) {
		if c.Null = !there(from); !c.Null {
			set(from, c)
		}
	}
	return c
}

// text is null where it is empty, in a column that may be.
func text[T any](name, doc string, get func(*T) string) column[T] {
	return column[T]{Column{name, Text, false, doc}, func(from *T, c *Cell) {
		c.Text = sound(get(from))
		c.Null = c.Text == ""
	}}
}

func jsonText[T any](name, doc string, get func(*T) []byte) column[T] {
	return column[T]{Column{name, JSON, true, doc}, func(from *T, c *Cell) {
		c.Text = sound(string(get(from)))
		c.Null = c.Text == ""
	}}
}

func integer[T any](name, doc string, get func(*T) int) column[T] {
	return column[T]{Column{name, Integer, false, doc}, func(from *T, c *Cell) { c.Int = int64(get(from)) }}
}

func number[T any](name, doc string, get func(*T) float64) column[T] {
	return column[T]{Column{name, Number, false, doc}, func(from *T, c *Cell) { c.Number = get(from) }}
}

// numeral is a number that stands as JSON, null where it is something else.
func numeral[T any](name, doc string, get func(*T) []byte) column[T] {
	return column[T]{Column{name, Number, true, doc}, func(from *T, c *Cell) {
		n, err := strconv.ParseFloat(string(get(from)), 64)
		c.Number, c.Null = n, err != nil
	}}
}

func milliseconds[T any](name, doc string, get func(*T) time.Duration) column[T] {
	return number(name, doc, func(from *T) float64 { return float64(get(from)) / 1e6 })
}

func boolean[T any](name, doc string, get func(*T) bool) column[T] {
	return column[T]{Column{name, Boolean, false, doc}, func(from *T, c *Cell) { c.Bool = get(from) }}
}

func instant[T any](name, doc string, get func(*T) time.Time) column[T] {
	return column[T]{Column{name, Time, true, doc}, func(from *T, c *Cell) {
		c.Time = get(from).UTC().Truncate(time.Microsecond)
		c.Null = c.Time.IsZero()
	}}
}

// sound replaces what is not UTF-8: agents write what they like, and programs
// that read tables refuse all of a file for it.
func sound(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\ufffd")
}

// A tick is what all rows of a record have in common.
type tick struct {
	run    string
	record *record.Record
	hash   [record.HashSize]byte
	call   *toolCall // of a transcript, in place of what the record says; else nil
}

// A Table is one kind of rows.
type Table struct {
	Doc     string
	Columns []Column
	rows    func(t *tick, write func([]Cell) error) error
	// transcripts says that its rows are in agents' transcripts.
	transcripts bool
}

// A row is a T of a tick.
type row[T any] struct {
	*tick
	of T
}

// newTable makes a table: each calls its function with what makes a row, in
// order. The columns run and tick are every table's first.
func newTable[T any](doc string, each func(t *tick, row func(T) error) error, more ...column[row[T]]) Table {
	columns := append([]column[row[T]]{
		text("run", "the run's name", func(r *row[T]) string { return r.run }),
		integer("tick", "the tick's number, from 0", func(r *row[T]) int { return r.record.Tick }),
	}, more...)
	table := Table{Doc: doc}
	for _, c := range columns {
		table.Columns = append(table.Columns, c.Column)
	}
	table.rows = func(t *tick, write func([]Cell) error) error {
		cells := make([]Cell, len(columns))
		from := row[T]{tick: t}
		return each(t, func(of T) error {
			from.of = of
			for i := range columns {
				cells[i] = Cell{}
				columns[i].set(&from, &cells[i])
				cells[i].Null = cells[i].Null && columns[i].Nullable
			}
			return write(cells)
		})
	}
	return table
}

// all makes a row of each element of a list.
func all[T any](list func(*record.Record) []T) func(t *tick, row func(*T) error) error {
	return func(t *tick, row func(*T) error) error {
		of := list(t.record)
		for i := range of {
			if err := row(&of[i]); err != nil {
				return err
			}
		}
		return nil
	}
}
