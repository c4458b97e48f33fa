package export

import (
	"io"

	"github.com/parquet-go/parquet-go"
)

const (
	// groupBytes and groupRows bound a row group, which is in memory until it is
	// whole.
	groupBytes = 16 << 20
	groupRows  = 256 << 10
)

// A parquetFile writes row groups as they fill. Its columns are required, or
// optional where they may be null; text and JSON are strings, times are UTC
// timestamps in microseconds.
type parquetFile struct {
	out     *parquet.GenericWriter[any]
	columns []Column
	row     [1]parquet.Row
	bytes   int // in the open row group, about
	rows    int // in it
}

// leaves are the nodes of the types.
var leaves = map[Type]func() parquet.Node{
	Text:    parquet.String,
	JSON:    parquet.String,
	Integer: func() parquet.Node { return parquet.Int(64) },
	Number:  func() parquet.Node { return parquet.Leaf(parquet.DoubleType) },
	Boolean: func() parquet.Node { return parquet.Leaf(parquet.BooleanType) },
	Time:    func() parquet.Node { return parquet.Timestamp(parquet.Microsecond) },
}

// ordered is a group whose fields keep their order: the library's own sorts
// them by name.
type ordered struct {
	parquet.Group
	fields []parquet.Field
}

func (o ordered) Fields() []parquet.Field { return o.fields }

func newParquet(w io.Writer, columns []Column) (rows, error) {
	root := ordered{Group: parquet.Group{}}
	for _, c := range columns {
		node := leaves[c.Type]()
		if c.Nullable {
			node = parquet.Optional(node)
		}
		root.Group[c.Name] = node
		root.fields = append(root.fields, parquet.Group{c.Name: node}.Fields()...)
	}
	config, err := parquet.NewWriterConfig(parquet.NewSchema("row", root),
		parquet.Compression(&parquet.Snappy), parquet.CreatedBy("troupe", "", ""))
	if err != nil {
		return nil, err
	}
	return &parquetFile{out: parquet.NewGenericWriter[any](w, config), columns: columns}, nil
}

func (p *parquetFile) write(row []Cell) error {
	out := p.row[0][:0]
	for i := range row {
		c, t := &row[i], p.columns[i].Type
		out = append(out, p.value(c, t).Level(0, p.defined(i, c), i))
		p.bytes += len(c.Text) + 8
	}
	p.row[0] = out
	p.rows++
	if _, err := p.out.WriteRows(p.row[:]); err != nil {
		return err
	}
	if p.bytes < groupBytes && p.rows < groupRows {
		return nil
	}
	p.bytes, p.rows = 0, 0
	return p.out.Flush()
}

// defined is the definition level of a cell.
func (p *parquetFile) defined(column int, c *Cell) int {
	if p.columns[column].Nullable && !c.Null {
		return 1
	}
	return 0
}

func (p *parquetFile) value(c *Cell, t Type) parquet.Value {
	if c.Null {
		return parquet.NullValue()
	}
	switch t {
	case Integer:
		return parquet.Int64Value(c.Int)
	case Number:
		return parquet.DoubleValue(c.Number)
	case Boolean:
		return parquet.BooleanValue(c.Bool)
	case Time:
		return parquet.Int64Value(c.Time.UnixMicro())
	default:
		return parquet.ByteArrayValue([]byte(c.Text))
	}
}

func (p *parquetFile) close() error { return p.out.Close() }
