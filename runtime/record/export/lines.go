package export

import (
	"bufio"
	"encoding/csv"
	"io"
	"strconv"

	"github.com/troupe-dev/troupe/runtime/agent"
)

const timeFormat = "2006-01-02T15:04:05.000000Z"

// plain appends a cell that is no text.
func (c *Cell) plain(dst []byte, t Type) []byte {
	switch t {
	case Integer:
		return strconv.AppendInt(dst, c.Int, 10)
	case Number:
		return strconv.AppendFloat(dst, c.Number, 'g', -1, 64)
	case Boolean:
		return strconv.AppendBool(dst, c.Bool)
	default:
		return c.Time.AppendFormat(dst, timeFormat)
	}
}

// jsonLines writes an object a row, all columns in order, null where there is
// nothing. A time is text, and so is JSON.
type jsonLines struct {
	out     *bufio.Writer
	columns []Column
	keys    [][]byte // with what stands around them
	line    []byte
}

func newJSONL(w io.Writer, columns []Column) (rows, error) {
	j := &jsonLines{out: bufio.NewWriterSize(w, 64<<10), columns: columns}
	before := "{"
	for i := range columns {
		key := agent.AppendString([]byte(before), columns[i].Name)
		j.keys = append(j.keys, append(key, ':'))
		before = ","
	}
	return j, nil
}

func (j *jsonLines) write(row []Cell) error {
	j.line = j.line[:0]
	for i := range row {
		c, t := &row[i], j.columns[i].Type
		j.line = append(j.line, j.keys[i]...)
		switch {
		case c.Null:
			j.line = append(j.line, "null"...)
		case t == Text || t == JSON:
			j.line = agent.AppendString(j.line, c.Text)
		case t == Time:
			j.line = append(c.plain(append(j.line, '"'), t), '"')
		default:
			j.line = c.plain(j.line, t)
		}
	}
	j.line = append(j.line, '}', '\n')
	_, err := j.out.Write(j.line)
	return err
}

func (j *jsonLines) close() error { return j.out.Flush() }

// A csvTable has a line with the columns' names, then a line a row; null is an
// empty field.
type csvTable struct {
	out     *csv.Writer
	columns []Column
	fields  []string
	buf     []byte
}

func newCSV(w io.Writer, columns []Column) (rows, error) {
	c := &csvTable{out: csv.NewWriter(w), columns: columns, fields: make([]string, len(columns))}
	for i := range columns {
		c.fields[i] = columns[i].Name
	}
	return c, c.out.Write(c.fields)
}

func (c *csvTable) write(row []Cell) error {
	for i := range row {
		cell, t := &row[i], c.columns[i].Type
		switch {
		case cell.Null:
			c.fields[i] = ""
		case t == Text || t == JSON:
			c.fields[i] = cell.Text
		default:
			c.buf = cell.plain(c.buf[:0], t)
			c.fields[i] = string(c.buf)
		}
	}
	return c.out.Write(c.fields)
}

func (c *csvTable) close() error {
	c.out.Flush()
	return c.out.Error()
}
