package plan

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/troupe-dev/troupe/scenarios"
)

// A plan knows the files that its scenario is made of, and what its scripts are
// run by.
func TestSources(t *testing.T) {
	dir := t.TempDir()
	text := head + `agents:
  - {id: "{name}", for_each: ../people.csv, command: [./a.sh]}
  - {id: "{name}-2", for_each: ./../people.csv, command: [cat, a.sh]}
  - {id: "{name}-3", for_each: [{name: x}], command: [./b.py]}
`
	for name, text := range map[string]string{"s/x.yaml": text, "people.csv": "name\nann\n", "s/a.sh": "#!/bin/sh\n", "s/b.py": "#!/usr/bin/env sh\n"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil { //nolint:gosec // some are executed
			t.Fatal(err)
		}
	}
	s, problems := scenarios.Load(filepath.Join(dir, "s", "x.yaml"))
	p, problems := Expand(s, Options{Found: problems, LookPath: installed})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	hash := func(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }
	same(t, "sources", fmt.Sprint(p.Sources), fmt.Sprint([]File{
		{Source: filepath.Join(dir, "s", "x.yaml"), Path: "x.yaml", SHA256: hash(text)},
		{Source: filepath.Join(dir, "people.csv"), Path: "../people.csv", SHA256: hash("name\nann\n"), Exec: true},
	}))
	same(t, "interpreter", p.Entries[0].Program.Files[0].Interpreter, "/bin/sh")
	same(t, "interpreter of a file that is none's program", p.Entries[1].Program.Files[0].Interpreter, "")
	same(t, "interpreter by env", p.Entries[2].Program.Files[0].Interpreter, "/usr/bin/sh")
}
