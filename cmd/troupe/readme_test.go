package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent/bots"
	"github.com/troupe-dev/troupe/runtime/world"
)

// A fenced is one fenced block of the README.
type fenced struct{ kind, text string }

var fence = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

func readme(t *testing.T) (text string, blocks []fenced) {
	t.Helper()
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range fence.FindAllStringSubmatch(string(b), -1) {
		blocks = append(blocks, fenced{m[1], m[2]})
	}
	if len(blocks) == 0 {
		t.Fatal("the README has no blocks")
	}
	return string(b), blocks
}

// TestReadme does what the README says, in order: files are written, Go is
// built, commands are run.
func TestReadme(t *testing.T) {
	t.Parallel() // much of it waits
	_, blocks := readme(t)
	dir := t.TempDir()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(root, "scenarios"), filepath.Join(dir, "scenarios")); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, b := range blocks {
		switch b.kind {
		case "yaml", "python":
			name, ok := strings.CutPrefix(strings.SplitN(b.text, "\n", 2)[0], "# ")
			if !ok {
				t.Fatalf("a block that names no file:\n%s", b.text)
			}
			write(t, filepath.Join(dir, name), b.text)
		case "go":
			write(t, filepath.Join(dir, "gopher.go"), b.text)
			command(t, root, "go", "build", "-o", filepath.Join(dir, "gopher"), filepath.Join(dir, "gopher.go"))
		case "sh":
			var behind sync.WaitGroup // commands that end with &
			for _, line := range strings.Split(strings.TrimSpace(b.text), "\n") {
				if line, behindIt := strings.CutSuffix(line, " &"); behindIt {
					behind.Go(func() { shell(t, dir, line) })
					continue
				}
				ran += shell(t, dir, line)
			}
			behind.Wait()
		}
	}
	if ran < 8 {
		t.Errorf("only %d commands of the README ran", ran)
	}
}

// shell runs one line of a sh block with the binary under test as troupe.
func shell(t *testing.T, dir, line string) (ran int) {
	t.Helper()
	if line == "go test ./..." {
		ci, err := os.ReadFile("../../.ci/run")
		if err != nil || !regexp.MustCompile(`go test [^\n]*\./\.\.\.`).Match(ci) {
			t.Errorf("CI does not run the README's tests: %v", err)
		}
		return 0
	}
	line = strings.Replace(line, "go run ./cmd/troupe ", "troupe ", 1)
	if !strings.HasPrefix(line, "troupe ") {
		t.Fatalf("the README runs %q, which this test does not know", line)
	}
	command(t, dir, "sh", "-c", line)
	return 1
}

func command(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TROUPE_DATA="+filepath.Join(dir, ".troupe"), "ANTHROPIC_API_KEY=for the stub")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out.Bytes())
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestReadmeIsComplete looks for everything that can be used in the README.
func TestReadmeIsComplete(t *testing.T) {
	text, _ := readme(t)
	words := []string{"`deadline`", "`crash`", "`spawn`", "`invalid_action`", "`oversize`", "stdio", "exec", "reobserve",
		"skip", "noop", "retry", "restart", "substitute", "wait", "stop", "abort"}
	words = append(words, bots.Names()...)
	for _, w := range world.Kinds() {
		words = append(words, "`"+w+"`")
	}
	for _, c := range commands {
		words = append(words, "troupe "+c.Name)
		for _, f := range c.Flags {
			words = append(words, "--"+f.Names()[0])
		}
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("the README says nothing of %s", w)
		}
	}
}
