package scenarios

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// Limits on a scenario file, so that no input exhausts memory or the stack.
const (
	maxFile  = 16 << 20  // bytes
	maxDepth = 100       // of mappings and lists in each other
	maxAlias = 1_000_000 // values that aliases may add
)

// Load reads and decodes a scenario file; see Decode. Relative paths in it
// start from its directory.
func Load(path string) (*Scenario, []Problem) {
	refuse := func(err error) (*Scenario, []Problem) {
		return nil, []Problem{{File: path, Message: fmt.Sprintf("cannot read the scenario: %v", err)}}
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return refuse(err)
	}
	f, err := os.Open(path)
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return refuse(err)
	}
	defer func() { _ = f.Close() }() // only read from
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return refuse(err)
	}
	s, problems := Decode(path, filepath.Dir(abs), data)
	if s != nil {
		s.Source.SHA256 = fmt.Sprintf("%x", sha256.Sum256(data))
	}
	return s, problems
}

// Decode decodes a scenario from data; name is the file's in messages, dir
// what relative paths start from. It reports all problems at once, ordered by
// position. The scenario is nil where the file is no YAML mapping at all; else
// it holds what could be decoded, and is good to run only without problems.
func Decode(name, dir string, data []byte) (*Scenario, []Problem) {
	src := &Source{File: name, Dir: dir}
	root, bad := parse(src, data)
	if bad != nil {
		return nil, []Problem{*bad}
	}
	src.root = root
	s := &Scenario{Source: src}
	d := &decoder{src: src}
	if root.Kind != yaml.MappingNode {
		d.mismatch(place{node: root}, "a mapping of keys such as name, world and agents")
		return nil, d.all()
	}
	d.decode(place{node: root}, s)
	return s, d.all()
}

// parse turns data into its one document's root node, or says why it cannot.
// It sets the source's lines.
func parse(src *Source, data []byte) (*yaml.Node, *Problem) {
	if len(data) > maxFile {
		p := src.problem(Position{}, fmt.Sprintf("the file is larger than %d MiB", maxFile>>20), "long lists of rows belong in a .csv or .jsonl file: for_each: rows.csv")
		return nil, &p
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	src.lines = splitLines(string(data))
	if p := badCharacter(src, data); p != nil {
		return nil, p
	}
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		return nil, syntax(src, err)
	}
	var doc, next yaml.Node
	switch err := loader.Load(&doc); {
	case errors.Is(err, io.EOF):
		p := src.problem(Position{}, "the file is empty", "a scenario needs at least name, world and agents")
		return nil, &p
	case err != nil:
		return nil, syntax(src, err)
	}
	switch err := loader.Load(&next); {
	case err == nil:
		p := src.problem(src.position(&next), "a second document begins here", "a scenario is one document: one file each")
		return nil, &p
	case !errors.Is(err, io.EOF):
		return nil, syntax(src, err)
	}
	if len(doc.Content) != 1 {
		p := src.problem(Position{}, "the file holds no value", "")
		return nil, &p
	}
	root := doc.Content[0]
	w := walker{anchored: map[*yaml.Node]extent{}}
	if _, at, message := w.bound(root, 0); message != "" {
		p := src.problem(src.position(at), message, "")
		return nil, &p
	}
	return root, nil
}

// syntax turns the parser's error into a problem at its place.
func syntax(src *Source, err error) *Problem {
	var le *yaml.LoadError
	if !errors.As(err, &le) {
		p := src.problem(Position{}, fmt.Sprintf("cannot read as YAML: %v", err), "")
		return &p
	}
	line, column := le.Mark.Line, le.Mark.Column
	// The end of the file is a line after the last one: point at its end.
	if n := len(src.lines); line > n || line == n && n > 1 && src.lines[n-1] == "" {
		for line = min(line, n); line > 1 && strings.TrimSpace(src.lines[line-1]) == ""; {
			line--
		}
		column = utf8.RuneCountInString(src.lines[line-1]) + 1
	}
	at := Position{}
	if line > 0 {
		at = src.place(line, column)
	}
	message := "cannot read as YAML: " + le.Message
	if le.ContextMsg != "" {
		message += " " + le.ContextMsg
		if m := le.ContextMark; m.Line > 0 && m != le.Mark {
			message += fmt.Sprintf(" that begins on line %d", m.Line)
		}
	}
	p := src.problem(at, message, "")
	if at.Line > 0 && strings.HasPrefix(p.Text[min(at.Column-1, len(p.Text)):], "\t") {
		p.Hint = "YAML is indented by spaces, not by tabs"
	}
	return &p
}
