// Package export turns a run's records into flat tables for pandas, R, DuckDB
// and the like. Tables has what there is, Formats how it can be written; each
// format ranges over any table.
package export

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/troupe-dev/troupe/runtime/record"
)

// An Exporter writes one table. One goroutine uses it. What it holds does not
// grow with the number of records, but with that of agents that are models.
type Exporter struct {
	run   string
	table *Table
	rows  rows

	ticks  int             // that were added
	models map[string]bool // whose transcripts are part of the table
}

// New begins a table of a run. Names that are not known are an error that lists
// those that are.
func New(w io.Writer, run, table, format string) (*Exporter, error) {
	if err := Check(table, format); err != nil {
		return nil, err
	}
	t := Tables[table]
	out, err := Formats[format](w, t.Columns)
	if err != nil {
		return nil, fmt.Errorf("cannot export %s as %s: %w", table, format, err)
	}
	return &Exporter{run: run, table: &t, rows: out, models: map[string]bool{}}, nil
}

// Check says which of the names is not known, or nil.
func Check(table, format string) error {
	if _, ok := Tables[table]; !ok {
		return fmt.Errorf("there is no table %q: the tables are %s", table, names(Tables))
	}
	if _, ok := Formats[format]; !ok {
		return fmt.Errorf("there is no format %q: the formats are %s", format, names(Formats))
	}
	return nil
}

func names[V any](m map[string]V) string {
	return strings.Join(slices.Sorted(maps.Keys(m)), ", ")
}

// Add writes the rows of the next record.
func (e *Exporter) Add(r *record.Record, hash [record.HashSize]byte) error {
	e.meet(r)
	err := e.table.rows(&tick{run: e.run, record: r, hash: hash}, e.rows.write)
	if err != nil {
		return fmt.Errorf("cannot export tick %d: %w", r.Tick, err)
	}
	return nil
}

// Close writes what ends the table. It does not close the writer.
func (e *Exporter) Close() error {
	if err := e.rows.close(); err != nil {
		return fmt.Errorf("cannot end the export: %w", err)
	}
	return nil
}

// rows is what a format writes a table's rows with, one cell a column.
type rows interface {
	write(row []Cell) error
	close() error
}

// Formats are the ways to write a table, by name.
var Formats = map[string]func(w io.Writer, columns []Column) (rows, error){
	"csv":     newCSV,
	"jsonl":   newJSONL,
	"parquet": newParquet,
}
