package main

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptCommands are what the scripts can say beside testscript's own words.
var scriptCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"waitfile": waitFile,
	"jsonget":  jsonGet,
}

// waitFile FILE [TEXT] waits until a file exists and holds the text.
func waitFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: waitfile file [text]")
	}
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		text, err := os.ReadFile(ts.MkAbs(args[0]))
		if err == nil && (len(args) == 1 || strings.Contains(string(text), args[1])) {
			return
		}
	}
	ts.Fatalf("%s did not come to hold what was waited for", args[0])
}

// jsonGet FILE KEY NAME sets the variable NAME to the value of a top-level key
// in the first JSON line of FILE (stdout for the last command's).
func jsonGet(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: jsonget file key name")
	}
	lines := bufio.NewScanner(strings.NewReader(ts.ReadFile(args[0])))
	lines.Buffer(nil, 64<<20)
	lines.Scan()
	var v map[string]json.RawMessage
	ts.Check(json.Unmarshal(lines.Bytes(), &v))
	value, ok := v[args[1]]
	if !ok {
		ts.Fatalf("%s has no key %s", args[0], args[1])
	}
	ts.Setenv(args[2], strings.Trim(string(value), `"`))
}
