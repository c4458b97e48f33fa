package plan

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestGlob(t *testing.T) {
	dir := folder(t, map[string]string{
		"a.py": "", "b.txt": "", "lib/a.py": "", "lib/x/b.py": "", "lib/x/y/c.py": "", "lib/.hidden": "", ".git/config": "",
		"lib/x/.d/e.py": "", "odd [1]/f": "", "../outer/g.py": "",
	})
	for link, target := range map[string]string{"lib/loop": "..", "link.py": "a.py", "elsewhere": filepath.Join(dir, "../outer"), "gone": "nowhere"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for pattern, want := range map[string]string{
		"a.py":          "a.py",
		"./lib/../a.py": "a.py",
		"*.py":          "a.py link.py",
		"lib/*":         "lib/a.py lib/loop/a.py lib/loop/b.txt lib/loop/elsewhere/g.py lib/loop/link.py lib/loop/odd [1]/f lib/x/b.py lib/x/y/c.py",
		"lib/x":         "lib/x/b.py lib/x/y/c.py",
		"lib/x/**":      "lib/x/b.py lib/x/y/c.py",
		"lib/x/**/*.py": "lib/x/b.py lib/x/y/c.py",
		"lib/x/**/y/*":  "lib/x/y/c.py",
		"lib/x/*/*.py":  "lib/x/y/c.py",
		"**/c.py":       "lib/x/y/c.py",
		"lib/.h*":       "lib/.hidden",
		".git/**":       ".git/config",
		"odd \\[1\\]/f": "odd [1]/f",
		"elsewhere/*":   "elsewhere/g.py",
		"../outer/*.py": "../outer/g.py",
		"nothing/**":    "",
		"gone":          "",
		"a.py/b":        "",
		"**/nothing.py": "",
	} {
		found, err := glob(dir, pattern)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
		}
		slices.Sort(found)
		same(t, pattern, strings.Join(found, " "), want)
	}
}

func TestFilesAreCopied(t *testing.T) {
	top := folder(t, map[string]string{
		"s/agent.py": "hello", "s/run.sh*": "#!/usr/bin/env sh\n", "s/script": "#!/bin/sh\n", "s/lib/a.py": "", "s/prompt.md": "p", "up/x.py": "up", "s/bin*": "\x7fELF",
	})
	p := mustExpand(t, filepath.Join(top, "s"), head+`agents:
  - {id: a, command: [python3, ./agent.py, -x, ../up/x.py, lib], files: ["lib/*.py", agent.py], prompt: prompt.md, system: {text: hi}}
  - {id: b, command: [./run.sh, run.sh]}
  - {id: c, command: [script]}
  - {id: d, command: [bin]}
  - {id: e, command: [/bin/sh, /nothing.py, 'print("a.py")', "https://x/a.js", "${A}.sh"]}
`)
	var got []string
	for _, e := range p.Entries {
		line := strings.Join(e.Program.Command, " ") + " |"
		for _, f := range e.Program.Files {
			source, err := filepath.Rel(top, f.Source)
			if err != nil {
				t.Fatal(err)
			}
			line += fmt.Sprintf(" %s=%s:%v:%.6s", f.Path, source, f.Exec, f.SHA256)
		}
		got = append(got, line)
	}
	same(t, "files", strings.Join(got, "\n"), strings.Join([]string{
		"/usr/bin/python3 {program}/agent.py -x {program}/__/up/x.py lib | __/up/x.py=up/x.py:false:75a288 agent.py=s/agent.py:false:2cf24d lib/a.py=s/lib/a.py:false:e3b0c4 prompt.md=s/prompt.md:false:148de9",
		"{program}/run.sh {program}/run.sh | run.sh=s/run.sh:true:1b86d1",
		"{program}/script | script=s/script:true:a8076d",
		"{program}/bin | bin=s/bin:true:3bdbb4",
		"/bin/sh /nothing.py print(\"a.py\") https://x/a.js ${A}.sh |",
	}, "\n"))
}

func TestCopiesDoNotCollide(t *testing.T) {
	top := folder(t, map[string]string{"s/__/x.py": "inside", "x.py": "outside"})
	told(t, filepath.Join(top, "s"), head+`agents: [{id: a, command: [cat, ../x.py, __/x.py]}]`, nil,
		`3:42: agents[0].command[2]: cannot read __/x.py: TOP/x.py and DIR/__/x.py would both be copied to __/x.py ()`)
}

func TestUnreadableFile(t *testing.T) {
	dir := folder(t, map[string]string{"x.py": ""})
	f := newFinder(dir, Options{LookPath: installed})
	f.read[filepath.Join(dir, "x.py")] = readFile{err: fmt.Errorf("open: %w", os.ErrPermission)}
	var got string
	r := newResolver(f, func(at, message, hint string) { got = at + ": " + message + " (" + hint + ")" })
	r.word(1, "x.py")
	same(t, "told", got, ".command[1]: cannot read x.py: permission denied (make the file readable: chmod +r x.py)")
}

func TestRowFiles(t *testing.T) {
	dir := folder(t, map[string]string{
		"empty.csv": "", "head.csv": "a,b\n", "twice.csv": "a,a\n1,2\n", "ragged.csv": "a,b\n1\n", "brace.csv": "{a}\n1\n", "quote.csv": "a\n\"x\n",
		"latin.csv": "a\n\xff\n", "list.jsonl": "{\"a\":1}\n[1]\n", "null.jsonl": "null\n", "more.jsonl": "{\"a\":1} {}\n", "half.jsonl": "{\"a\":",
		"crlf.csv": "a,b\r\n1,2\r\n", "CAPS.CSV": "a\n1\n",
	})
	f := newFinder(dir, Options{LookPath: installed})
	for name, want := range map[string]string{
		"empty.csv":  "empty.csv is empty: its first line names the columns",
		"head.csv":   "[]",
		"twice.csv":  `cannot read twice.csv: its first line names column 2 "a"; names are not empty, differ, and hold no braces`,
		"ragged.csv": "cannot read ragged.csv: record on line 2: wrong number of fields",
		"brace.csv":  `cannot read brace.csv: its first line names column 1 "{a}"; names are not empty, differ, and hold no braces`,
		"quote.csv":  `cannot read quote.csv: parse error on line 2, column 4: extraneous or missing " in quoted-field`,
		"latin.csv":  "latin.csv is not UTF-8",
		"list.jsonl": "cannot read list.jsonl: line 2 is not a JSON object",
		"null.jsonl": "cannot read null.jsonl: line 1 is not a JSON object",
		"more.jsonl": "cannot read more.jsonl: line 1 goes on after its JSON object",
		"half.jsonl": "cannot read half.jsonl: line 1 is not a JSON object",
		"crlf.csv":   "[map[a:1 b:2]]",
		"CAPS.CSV":   "[map[a:1]]",
		"gone.csv":   "no such file beside the scenario: gone.csv",
		"/abs.csv":   "/abs.csv is not relative to the scenario",
	} {
		rows, err := f.rows(name)
		got := fmt.Sprint(rows)
		if err != nil {
			got = err.Error()
		}
		same(t, name, got, want)
	}
}

func FuzzRows(f *testing.F) {
	f.Add("a,b\n1,2\n")
	f.Add("{\"a\":{\"b\":1.50}}\n")
	f.Fuzz(func(t *testing.T, data string) {
		for _, read := range []func(string, []byte) ([]map[string]any, error){csvRows, jsonRows} {
			rows, err := read("x", []byte(data))
			if err != nil {
				continue
			}
			for _, row := range rows {
				v := vars{n: 1, row: row}
				for name := range row {
					if _, ok := v.value(name); !ok && name != "" {
						t.Errorf("column %q is not known", name)
					}
				}
				if _, err := canonical(map[string]any{"row": row}); err != nil {
					t.Errorf("a row cannot be written: %v", err)
				}
			}
		}
	})
}
