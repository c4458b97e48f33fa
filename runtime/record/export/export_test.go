package export

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/record"
)

// sample is a record with something for every table, and every null.
func sample(tick int) *record.Record {
	return &record.Record{
		Tick: tick,
		Turns: []record.Turn{
			{Agent: "a", Observation: []byte(`{"x":1}`), Action: []byte(`"caf\u00e9, \"tea\""`), Done: true},
			{Agent: "b", Observation: []byte(`{}`), Failure: agent.Deadline, Policy: "skip", Unsent: true},
			{Agent: "c", Action: []byte("\"\xff\xfe broken\"")},
		},
		Messages: []record.Message{
			{From: "a", To: "b", Body: []byte(`"hi"`)}, {From: "a", Channel: "square", Body: []byte(`1`), Fate: &record.Fate{Copies: 2, Delay: 3, Cut: 4}}, {From: "b", To: "a", Body: []byte(`2`)},
		},
		Scores:  []record.Score{{Agent: "a", Value: []byte("3.50")}, {Agent: "b", Value: []byte("-1e3")}},
		Events:  [][]byte{[]byte(`{"fell":"tree"}`)},
		Columns: []record.Column{{Name: "n", Value: []byte("7")}, {Name: "text", Value: []byte(`"7"`)}, {Name: "huge", Value: []byte("1e999")}},
		Annex: record.Annex{
			Time: time.Date(2001, 2, 3, 4, 5, 6, 7_000_999, time.FixedZone("", 3600)),
			Attempts: []record.Attempt{
				{Agent: "a", Attempt: 1, Error: "no \"such\"\nmove", Failure: agent.InvalidAction, Act: agent.Act{Action: []byte(`2`)}},
				{Agent: "a", Attempt: 2, Failure: agent.Oversize},
			},
			Facts: []record.Fact{{Agent: "b", Kind: "failed", Tick: tick, Detail: "deadline: too late"}},
			Usages: []record.Usage{
				{Agent: "a", Attempt: 1, Usage: agent.Usage{Model: "m", Session: "s", Turns: 2, Input: 3, USD: agent.Dollar, Took: 7 * time.Millisecond}},
				{Agent: "a", Attempt: 2, Usage: agent.Usage{Model: "m", Session: "t", Turns: 1, Input: 4, USD: agent.Dollar, Took: 5 * time.Millisecond}},
				{Agent: "zed", Attempt: 1, Usage: agent.Usage{Model: "m"}}, // who has no turn
			},
		},
	}
}

func exported(t *testing.T, table, format string, records ...*record.Record) []byte {
	t.Helper()
	var out bytes.Buffer
	e, err := New(&out, "r", table, format)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := e.Add(r, [record.HashSize]byte{1, 2}); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range e.Models() {
		if err := e.AddTranscript(id, strings.NewReader(transcript)); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// transcript is an agent's, with a call that ended, one that did not, and one of
// a tick that is not on record.
const transcript = `{"tick":0,"attempt":1,"time":"2001-02-03T04:05:06Z","start":{"kind":"claude"}}
{"tick":0,"attempt":1,"time":"2001-02-03T04:05:06Z","out":{"type":"assistant","message":{"content":[{"type":"tool_use","id":"t-1","name":"Bash","input":{"command":"ls, \"all\""}}]}}}
{"tick":0,"attempt":1,"time":"2001-02-03T04:05:06.25Z","out":{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t-1","content":"no\nnotes","is_error":true}]}}}
{"tick":2,"attempt":1,"time":"2001-02-03T04:05:07Z","out":{"type":"assistant","parent_tool_use_id":"t-1","message":{"content":[{"type":"tool_use","id":"t-2","name":"Read","input":{}}]}}}
{"tick":3,"attempt":1,"time":"2001-02-03T04:05:08Z","out":{"type":"assistant","message":{"content":[{"type":"tool_use","id":"t-3","name":"Read","input":{}}]}}}
`

// Calls of tools come from the transcripts of those who are models, as far as
// the records go.
func TestToolCalls(t *testing.T) {
	got := string(exported(t, "tool_calls", "jsonl", sample(0), &record.Record{Tick: 1}, &record.Record{Tick: 2}))
	want := `{"run":"r","tick":0,"agent":"a","attempt":1,"call":"t-1","parent":null,"name":"Bash","input":"{\"command\":\"ls, \\\"all\\\"\"}","result":"no\nnotes","is_error":true,"time":"2001-02-03T04:05:06.000000Z","duration_ms":250}
{"run":"r","tick":2,"agent":"a","attempt":1,"call":"t-2","parent":"t-1","name":"Read","input":"{}","result":null,"is_error":null,"time":"2001-02-03T04:05:07.000000Z","duration_ms":null}
`
	if got != want+strings.ReplaceAll(want, `"agent":"a"`, `"agent":"zed"`) {
		t.Errorf("%s\nwant, for each of a and zed,\n%s", got, want)
	}
}

// TestFormatsAgree: every format of every table holds the same cells, in the
// same order of columns and rows.
func TestFormatsAgree(t *testing.T) {
	for _, name := range sorted(Tables) {
		t.Run(name, func(t *testing.T) {
			records := []*record.Record{sample(0), {Tick: 1}, sample(2)}
			lines := readJSONL(t, exported(t, name, "jsonl", records...))
			if len(lines) == 0 {
				t.Fatal("the sample has nothing for this table")
			}
			columns := Tables[name].Columns
			if got := readCSV(t, exported(t, name, "csv", records...), columns); !slices.EqualFunc(got, lines, slices.Equal) {
				t.Errorf("csv holds\n%q, jsonl\n%q", got, lines)
			}
			if got := readParquet(t, exported(t, name, "parquet", records...), columns); !slices.EqualFunc(got, lines, slices.Equal) {
				t.Errorf("parquet holds\n%q, jsonl\n%q", got, lines)
			}
		})
	}
}

func sorted[V any](m map[string]V) []string { return strings.Split(names(m), ", ") }

// null is how the readers below give it; no cell of the sample is so.
const null = "<null>"

func readJSONL(t *testing.T, text []byte) (rows [][]string) {
	t.Helper()
	for line := range bytes.Lines(text) {
		d := json.NewDecoder(bytes.NewReader(line))
		d.UseNumber()
		var row []string
		for key := false; ; key = !key {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			if _, brace := token.(json.Delim); brace {
				key = false // turned for the next one
				continue
			}
			if key {
				continue
			}
			if token == nil {
				token = null
			}
			row = append(row, fmt.Sprint(token))
		}
		rows = append(rows, row)
	}
	return rows
}

func readCSV(t *testing.T, text []byte, columns []Column) [][]string {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range columns {
		if rows[0][i] != c.Name {
			t.Errorf("column %d is headed %q, want %q", i, rows[0][i], c.Name)
		}
		for _, row := range rows[1:] {
			if row[i] == "" && c.Nullable {
				row[i] = null
			}
		}
	}
	return rows[1:]
}

func readParquet(t *testing.T, data []byte, columns []Column) (rows [][]string) {
	t.Helper()
	f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for i, field := range f.Schema().Fields() {
		if c := columns[i]; field.Name() != c.Name || field.Optional() != c.Nullable {
			t.Errorf("column %d is %s, want %s", i, field, c.Name)
		}
	}
	in := parquet.NewReader(f)
	defer in.Close()
	buf := make([]parquet.Row, 1)
	for {
		n, err := in.ReadRows(buf)
		if n == 1 {
			row := make([]string, len(columns))
			for i, v := range buf[0] {
				row[i] = cellText(v, columns[i].Type)
			}
			rows = append(rows, row)
		}
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func cellText(v parquet.Value, kind Type) string {
	c := Cell{}
	switch {
	case v.IsNull():
		return null
	case kind == Text || kind == JSON:
		return string(v.ByteArray())
	case kind == Integer:
		c.Int = v.Int64()
	case kind == Number:
		c.Number = v.Double()
	case kind == Boolean:
		c.Bool = v.Boolean()
	case kind == Time:
		c.Time = time.UnixMicro(v.Int64()).UTC()
	}
	return string(c.plain(nil, kind))
}

// TestTurns: what the annex has of a turn is joined to it.
func TestTurns(t *testing.T) {
	rows := readCSV(t, exported(t, "turns", "csv", sample(5)), Tables["turns"].Columns)
	want := []string{
		`r 5 a {"x":1} "caf\u00e9, \"tea\"" <null> <null> true false 2 m t 3 7 0 0 0 2 12`,
		`r 5 b {} <null> deadline skip false true 0` + strings.Repeat(" <null>", 9),
		"r 5 c <null> \"\ufffd broken\" <null> <null> false false 0" + strings.Repeat(" <null>", 9),
	}
	for i, w := range want {
		if got := strings.Join(rows[i], " "); got != w {
			t.Errorf("row %d:\n%s\nwant\n%s", i, got, w)
		}
	}
}

// TestRowGroups: a long export is in many row groups, so that no more than one
// is in memory.
func TestRowGroups(t *testing.T) {
	long := []byte(`"` + strings.Repeat("x", 1<<20) + `"`)
	var records []*record.Record
	const n = 20
	for tick := range n {
		records = append(records, &record.Record{Tick: tick, Events: [][]byte{long}})
	}
	data := exported(t, "events", "parquet", records...)
	f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if got := len(f.RowGroups()); got != n>>4+1 || f.NumRows() != n {
		t.Errorf("%d rows in %d groups", f.NumRows(), got)
	}
}

func TestUnknownNames(t *testing.T) {
	for _, c := range []struct{ table, format, says string }{
		{"turns", "jsonl", ""},
		{"turn", "jsonl", "columns, events, facts, failures, messages, outcomes, scores, ticks, tool_calls, turns"},
		{"turns", "json", "csv, jsonl, parquet"},
	} {
		_, err := New(io.Discard, "r", c.table, c.format)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s as %s: %v", c.table, c.format, err)
		}
	}
}

type full struct{}

var errFull = errors.New("the disk is full")

func (full) Write([]byte) (int, error) { return 0, errFull }

// TestFullDisk: every format says what the writer says, at the end at the
// latest.
func TestFullDisk(t *testing.T) {
	for _, format := range sorted(Formats) {
		e, err := New(full{}, "r", "turns", format)
		if err == nil {
			err = errors.Join(e.Add(sample(0), [record.HashSize]byte{}), e.Close())
		}
		if !errors.Is(err, errFull) {
			t.Errorf("%s: %v", format, err)
		}
	}
}

// TestFile: a file is whole or as it was, with nothing beside it.
func TestFile(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "f"), filepath.Join(dir, "link")
	if err := os.Symlink("f", link); err != nil {
		t.Fatal(err)
	}
	write := func(text string, end error) func(io.Writer) error {
		return func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return errors.Join(err, end)
		}
	}
	for _, c := range []struct {
		path, text string
		end        error
		want       string
	}{
		{path, "lost", errFull, ""}, {path, "one", nil, "one"}, {path, "lost", errFull, "one"},
		{link, "two", nil, "two"}, {os.DevNull, "nothing", nil, "two"},
	} {
		if err := File(c.path, write(c.text, c.end)); !errors.Is(err, c.end) {
			t.Errorf("writing %q: %v", c.text, err)
		}
		text, err := os.ReadFile(path)
		if string(text) != c.want || (err != nil) != (c.want == "") {
			t.Errorf("after %q: %q, %v", c.text, text, err)
		}
	}
	if entries, err := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("%v, %v", entries, err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Errorf("%s: %v, %v", os.DevNull, info, err)
	}
}
