package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/troupe-dev/troupe/workspace"
)

// scriptCommands are what the scripts can say beside testscript's own words.
var scriptCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"waitfile": waitFile,
	"jsonget":  jsonGet,
	"exits":    exits,
	"isjson":   isJSON,
	"nobodyin": nobodyIn,
	"flip":     flip,
}

// condition knows mounts: whether this user may mount in a namespace of its own.
func condition(name string) (bool, error) {
	switch name {
	case "landlock":
		_, err := workspace.Survey(name, &workspace.Site{Data: os.TempDir()})
		return err == nil, nil
	case "mounts":
	default:
		return false, fmt.Errorf("unknown condition %q", name)
	}
	return exec.Command("unshare", "-rm", "mount", "-t", "tmpfs", "none", os.TempDir()).Run() == nil, nil
}

// exits CODE PROGRAM [ARG]… is exec of a program that must exit with that code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code program [arg]…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		got = ended.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%s exited with status %d, want %d", args[1], got, want)
	}
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

// isJSON FILE says that a file (stdout for the last command's) is one JSON
// object and nothing else.
func isJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: isjson file")
	}
	var v map[string]json.RawMessage
	if err := json.Unmarshal([]byte(ts.ReadFile(args[0])), &v); err != nil {
		ts.Fatalf("%s is not one JSON object: %v", args[0], err)
	}
}

// nobodyIn DIR waits until no process works below a directory.
func nobodyIn(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: nobodyin dir")
	}
	if left := processesIn(ts.MkAbs(args[0]), 30*time.Second); len(left) > 0 {
		ts.Fatalf("there are still %v", left)
	}
}

// flipped are the parts of a stored entry in which flip can damage it: the byte
// of a whole one, and the bit. Payloads end before a checksum of 8 bytes.
var flipped = map[string]struct {
	at  func(entry []byte) int
	bit byte
}{
	"payload": {func(entry []byte) int { return len(entry) - 9 }, 1},
	"length":  {func([]byte) int { return 1 }, 1},
	"number":  {func([]byte) int { return 10 }, 1},
	"time":    {func([]byte) int { return 12 }, 1},
	"subject": {func([]byte) int { return 20 }, 2},
}

// flip FILE [PART] flips a bit of the entry in the middle of a block of the
// store: in its payload, or in another part.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: flip file [part]")
	}
	part := flipped[append(args, "payload")[1]]
	if part.at == nil {
		ts.Fatalf("cannot flip a bit of the %s", args[1])
	}
	text, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	for at := 0; at+4 <= len(text); {
		end := at + int(binary.LittleEndian.Uint32(text[at:])&^(1<<31))
		if end > len(text)/2 {
			text[at+part.at(text[at:end])] ^= part.bit
			break
		}
		at = end
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), text, 0o600))
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
