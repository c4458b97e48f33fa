package scenarios

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestDecodeSyntax(t *testing.T) {
	tests := []struct{ name, yaml, want string }{
		{"tab", "a:\n\tb: 1\n", "s.yaml:2:1: cannot read as YAML: found character that cannot start any token while scanning for the next token\n  \tb: 1\n  ^\n  hint: YAML is indented by spaces, not by tabs"},
		{"two colons", "a: b: c\n", "s.yaml:1:5: cannot read as YAML: mapping values are not allowed in this context\n  a: b: c\n      ^"},
		{"open list", "a: [1\nb: 2", "s.yaml:2:2: cannot read as YAML: did not find expected ',' or ']' while parsing a flow sequence that begins on line 1\n  b: 2\n   ^"},
		{"open quotes", "a: 'x\n\n", "s.yaml:1:6: cannot read as YAML: found unexpected end of stream while scanning a quoted scalar that begins on line 1\n  a: 'x\n       ^"},
		{"anchor", "a: *nope\n", "s.yaml:1:4: cannot read as YAML: unknown anchor 'nope' referenced\n  a: *nope\n     ^"},
		{"after umlauts", "ä: [ö, ü: b: c]\n", "s.yaml:1:15: cannot read as YAML: did not find expected ',' or ']' while parsing a flow sequence that begins on line 1\n  ä: [ö, ü: b: c]\n             ^"},
		{"documents", "a: 1\n---\nb: 2\n", "s.yaml:2:1: a second document begins here\n  ---\n  ^\n  hint: a scenario is one document: one file each"},
		{"UTF-8", "a: 1\nbé: \"\xff\"\n", "s.yaml:2:7: invalid UTF-8: byte 0xff\n  bé: \"\ufffd\"\n       ^\n  hint: save the file as UTF-8"},
		{"UTF-16", "\xff\xfea\x00", "s.yaml:1:1: invalid UTF-8: byte 0xff\n  \ufffd\ufffda\ufffd\n  ^\n  hint: save the file as UTF-8"},
		{"control", "a: \x1b[31mx\n", "s.yaml:1:4: the character U+001B is not allowed in YAML\n  a: \ufffd[31mx\n     ^\n  hint: in a double-quoted text write it as \\x… or \\u…"},
		{"itself", "a: &x\n  b: [*x]\n", "s.yaml:2:7: *x contains itself\n    b: [*x]\n        ^"},
		{"deep", "a: " + strings.Repeat("[", 200) + strings.Repeat("]", 200), "s.yaml:1:104: nested more than 100 deep\n  …" + strings.Repeat("[", 160) + "…\n   " + strings.Repeat(" ", 80) + "^"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, ps := Decode("s.yaml", "/", []byte(tt.yaml))
			if s != nil || len(ps) != 1 {
				t.Fatalf("got scenario %v and problems %v", s, ps)
			}
			if got := ps[0].String(); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestDecodeAliases(t *testing.T) {
	s, ps := Decode("s.yaml", "/", []byte("name: x\nworld: {kind: w, config: {a: &c [1, 2], b: *c}}\nagents:\n  - &e {id: a, command: &n [x, 5]}\n  - *e\n  - {id: b, command: *n}\n"))
	if want := map[string]any{"a": []any{1, 2}, "b": []any{1, 2}}; !reflect.DeepEqual(s.World.Config, want) {
		t.Errorf("config is %v, want %v", s.World.Config, want)
	}
	// The offending value stands at its anchor, however it is reached.
	want := []string{
		"s.yaml:4:32: agents[0].command[1]: want text, got an integer",
		"s.yaml:4:32: agents[1].command[1]: want text, got an integer",
		"s.yaml:4:32: agents[2].command[1]: want text, got an integer",
	}
	if got := headings(ps); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDecodeAliasBomb(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for _, n := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"} {
		prev := string(n[0] - 1)
		b.WriteString("a" + n + ": &a" + n + " [" + strings.Repeat("*a"+prev+", ", 10) + "]\n")
	}
	_, ps := Decode("s.yaml", "/", []byte(b.String()))
	want := []string{"s.yaml:6:45: aliases make more than 1000000 values of this file"}
	if got := headings(ps); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDecodeLimits(t *testing.T) {
	_, ps := Decode("s.yaml", "/", bytes.Repeat([]byte("#"), maxFile+1))
	if len(ps) != 1 || ps[0].Message != "the file is larger than 16 MiB" {
		t.Errorf("got %v", ps)
	}
	_, ps = Decode("s.yaml", "/", []byte(head+"collect: ["+strings.Repeat("5, ", 3*maxProblems)+"]"))
	if len(ps) != maxProblems+1 {
		t.Errorf("got %d problems, want %d", len(ps), maxProblems+1)
	}
	if last := ps[len(ps)-1].String(); last != "s.yaml: more problems are not listed" {
		t.Errorf("the last is %q", last)
	}
}

func TestDecodeByteOrderMarkAndBreaks(t *testing.T) {
	_, ps := Decode("s.yaml", "/", []byte("\ufeff"+strings.ReplaceAll(head, "\n", "\r\n")+"sede: 1\r\n"))
	want := "s.yaml:6:1: unknown key \"sede\"\n  sede: 1\n  ^\n  hint: did you mean \"seed\"? "
	if len(ps) != 1 || !strings.HasPrefix(ps[0].String(), want) {
		t.Errorf("got %v", ps)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "s.yaml")
	if err := os.WriteFile(file, []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	s, ps := Load(file)
	if len(ps) > 0 || s.Name != "whole" || s.Source.File != file || s.Source.Dir != dir {
		t.Errorf("got %+v from %+v and %v", s, s.Source, ps)
	}
	t.Chdir(dir)
	s, ps = Load("./s.yaml")
	if len(ps) > 0 || s.Source.File != "./s.yaml" || s.Source.Dir != dir {
		t.Errorf("got %+v and %v", s.Source, ps)
	}
	for path, want := range map[string]string{
		"none.yaml": "none.yaml: cannot read the scenario: no such file or directory",
		".":         ".: cannot read the scenario: read .: is a directory",
	} {
		if s, ps := Load(path); s != nil || !reflect.DeepEqual(headings(ps), []string{want}) {
			t.Errorf("%s: got %v and %q", path, s, headings(ps))
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte(head + "clock: {<<: *a, ticks: 0x10}\n"))
	f.Add([]byte("a: &x [*x]\n? b\n: !!str 5\n"))
	f.Add([]byte("name: 010\r\u0085world: \"\\0\"\n--- \n"))
	validate := validator(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		s, ps := Decode("s.yaml", "/", data)
		for _, p := range ps {
			if p.String() == "" || p.Message == "" {
				t.Errorf("an empty problem: %+v", p)
			}
			if p.Line > 0 && (p.Column < 1 || p.Column > len(p.Text)+1) {
				t.Errorf("column %d of a line of %d bytes: %s", p.Column, len(p.Text), p.Message)
			}
		}
		if s == nil && len(ps) == 0 {
			t.Error("neither a scenario nor a problem")
		}
		if len(ps) == 0 {
			if err := validate(data); err != nil {
				t.Errorf("decoded, but not valid in the JSON Schema: %v", err)
			}
		}
	})
}
