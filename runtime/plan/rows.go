package plan

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
	"unicode/utf8"
)

// rows gives the variables of every agent of an item.
func (m *maker) rows(it *item) ([]vars, bool) {
	e := it.entry
	if e.ForEach == nil {
		return count(e.Replicas, e.Max > 0), true
	}
	at := it.at + ".for_each"
	list := e.ForEach.List
	if e.ForEach.File != "" {
		var err error
		if list, err = m.find.rows(e.ForEach.File); err != nil {
			m.problemAt(at, err.Error(), "")
			return nil, false
		}
		m.source(e.ForEach.File)
	}
	if len(list) == 0 {
		m.derived(at, "there is no row, so there would be no agent", "")
		return nil, false
	}
	out := make([]vars, len(list))
	for i, row := range list {
		for _, taken := range []string{"n", "program"} {
			if _, ok := row[taken]; ok {
				m.problemAt(at, fmt.Sprintf("a column cannot be named %q: {n} is the row's number, {program} the directory of copied files", taken), "")
				return nil, false
			}
		}
		out[i] = vars{n: i + 1, row: row}
	}
	return out, true
}

// source notes a file that the scenario itself is made of.
func (m *maker) source(name string) {
	file, err := m.find.open(name)
	file.Path = filepath.ToSlash(filepath.Clean(name))
	if err == nil && !slices.Contains(m.plan.Sources, file) {
		m.plan.Sources = append(m.plan.Sources, file)
	}
}

// count numbers replicas from 1; an agent that is the only one it can be has
// no number.
func count(replicas int, later bool) []vars {
	if replicas == 0 && !later {
		return []vars{{}}
	}
	out := make([]vars, min(max(replicas, 1), mostAgents+1))
	for i := range out {
		out[i].n = i + 1
	}
	return out
}

// rows reads a file of rows: .csv with a line of names first, or JSON objects,
// one a line.
func (f *finder) rows(name string) ([]map[string]any, error) {
	if filepath.IsAbs(name) {
		return nil, fmt.Errorf("%s is not relative to the scenario", name)
	}
	in, err := os.Open(f.path(name))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("no such file beside the scenario: %s", name)
	} else if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, errors.Unwrap(err))
	}
	defer func() { _ = in.Close() }()
	data, err := io.ReadAll(io.LimitReader(in, largest+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot read %s: %w", name, err)
	case len(data) > largest:
		return nil, fmt.Errorf("%s is larger than 64 MiB", name)
	case !utf8.Valid(data):
		return nil, fmt.Errorf("%s is not UTF-8", name)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if strings.EqualFold(filepath.Ext(name), ".csv") {
		return csvRows(name, data)
	}
	return jsonRows(name, data)
}

// csvRows gives every cell as text.
func csvRows(name string, data []byte) ([]map[string]any, error) {
	r := csv.NewReader(bytes.NewReader(data))
	columns, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s is empty: its first line names the columns", name)
	} else if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, err)
	}
	seen := map[string]bool{}
	for i, c := range columns {
		c = strings.TrimSpace(c)
		columns[i] = c
		if c == "" || strings.ContainsAny(c, "{}") || seen[c] {
			return nil, fmt.Errorf("cannot read %s: its first line names column %d %q; names are not empty, differ, and hold no braces", name, i+1, c)
		}
		seen[c] = true
	}
	var out []map[string]any
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, fmt.Errorf("cannot read %s: %w", name, err)
		}
		row := make(map[string]any, len(cells))
		for i, cell := range cells {
			row[columns[i]] = cell
		}
		out = append(out, row)
	}
}

// jsonRows gives numbers as they are written.
func jsonRows(name string, data []byte) ([]map[string]any, error) {
	var out []map[string]any
	for i, line := range bytes.Split(data, []byte("\n")) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		d := json.NewDecoder(bytes.NewReader(line))
		d.UseNumber()
		var row map[string]any
		if err := d.Decode(&row); err != nil || row == nil {
			return nil, fmt.Errorf("cannot read %s: line %d is not a JSON object", name, i+1)
		}
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("cannot read %s: line %d goes on after its JSON object", name, i+1)
		}
		out = append(out, row)
	}
	return out, nil
}
