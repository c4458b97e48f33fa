package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"github.com/troupe-dev/troupe/runtime"
)

// The test binary is also every program that the scripts run: troupe itself,
// and the agents and worlds that misbehave.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "troupe", "faulty", "claude", "codex", "hostile", "natsbot", "committer", "visitor", "mcpcall", "asker", "awaitrun", "answerer":
		endAtOnce()
	}
	testscript.Main(m, map[string]func(){
		"troupe":    func() { os.Exit(mainThenLeaks()) },
		"faulty":    func() { os.Exit(faulty(os.Args[1:])) },
		"claude":    func() { os.Exit(claudeStub(os.Args[1:])) },
		"codex":     func() { os.Exit(codexStub(os.Args[1:])) },
		"historian": func() { os.Exit(historians(os.Args[1:])) },
		"hostile":   func() { os.Exit(hostile(os.Args[1:])) },
		"mcpcall":   func() { os.Exit(mcpCall(os.Args[1:])) },
		"committer": func() { os.Exit(committer(os.Args[1:])) },
		"chat":      func() { os.Exit(chat(os.Args[1:])) },
		"answerer":  func() { os.Exit(answerer()) },
		"fetch":     func() { os.Exit(fetch(os.Args[1:])) },
		"pid1":      func() { os.Exit(asPID1(os.Args[1:])) },
		"nats":      func() { os.Exit(natsTool(os.Args[1:])) },
		"visitor":   func() { os.Exit(visitor(os.Args[1:])) },
		"natsbot":   func() { os.Exit(natsBotMain(os.Args[1:])) },
		"asker":     func() { os.Exit(asker(os.Args[1:])) },
		"awaitrun":  func() { os.Exit(awaitRun(os.Args[1:])) },
		"upstream":  func() { os.Exit(upstream(os.Args[1:])) },
	})
}

// endAtOnce begins the program anew with what keeps the race detector from
// sleeping for a second at its end. Agents are given no environment of the
// test's, so each sees to it by itself.
func endAtOnce() {
	const name, value = "GORACE", "atexit_sleep_ms=0"
	if os.Getenv(name) == "" {
		err := syscall.Exec("/proc/self/exe", os.Args, append(os.Environ(), name+"="+value))
		fmt.Fprintln(os.Stderr, "cannot begin anew:", err)
		os.Exit(99)
	}
}

// mainThenLeaks is the program, and fails where a goroutine outlives it.
func mainThenLeaks() int {
	code := Main()
	err := goleak.Find()
	for end := time.Now().Add(10 * time.Second); err != nil && time.Now().Before(end); { // it gives up soon, for a busy machine
		err = goleak.Find()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "goroutines left:", err)
		return 99
	}
	return code
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "", // writes what cmp compares with anew
		Setup: func(e *testscript.Env) error {
			scenarios, err := filepath.Abs("../../scenarios")
			if err != nil {
				return err
			}
			e.Setenv("SCENARIOS", scenarios)
			e.Setenv("TROUPE_DATA", filepath.Join(e.WorkDir, "data"))
			e.Setenv("GORACE", "atexit_sleep_ms=0")
			e.Defer(func() {
				if left := processesIn(e.WorkDir, 5*time.Second); len(left) > 0 {
					t.Errorf("processes left in %s: %v", e.WorkDir, left)
				}
			})
			return nil
		},
		Cmds:      scriptCommands,
		Condition: condition,
	})
}

// processesIn names the processes that work below a directory, after giving
// them some time to end.
func processesIn(dir string, patience time.Duration) (left []string) {
	for end := time.Now().Add(patience); ; {
		left = nil
		entries, _ := os.ReadDir("/proc")
		for _, e := range entries {
			cwd, err := os.Readlink("/proc/" + e.Name() + "/cwd")
			if err == nil && (cwd == dir || strings.HasPrefix(cwd, dir+"/")) && e.Name() != "self" && e.Name() != "thread-self" {
				cmd, _ := os.ReadFile("/proc/" + e.Name() + "/cmdline")
				left = append(left, e.Name()+" "+strings.ReplaceAll(string(cmd), "\x00", " "))
			}
		}
		if len(left) == 0 || time.Now().After(end) {
			return left
		}
	}
}

// jsonResult is what --json prints.
type jsonResult = runtime.ResultJSON
