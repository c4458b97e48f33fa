package bench

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed children
var children embed.FS

// A program is what an agent's process runs: words to which those of the
// shape are added. The word troupe is this binary itself.
type program struct {
	about string
	words []string
	env   map[string]string
}

// makers are the children that an agent can be, the lightest first.
var makers = []struct {
	name string
	make func(ctx context.Context, dir string) (*program, error)
}{
	{"c", compiled},
	{"go", ourselves},
	{"python", python},
}

// Children lists what Options.Child can be, the lightest first.
func Children() []string {
	names := make([]string, len(makers))
	for i, m := range makers {
		names[i] = m.name
	}
	return names
}

// newChild makes the child of that name, the lightest there is for none.
func newChild(ctx context.Context, name, dir string) (*program, error) {
	var errs []error
	for _, m := range makers {
		if name != "" && name != m.name {
			continue
		}
		p, err := m.make(ctx, dir)
		if err == nil {
			return p, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// compiled is a program in C: a few pages of memory and two system calls a
// line. A static one starts fastest.
func compiled(ctx context.Context, dir string) (*program, error) {
	source, err := unpack(dir, "child.c")
	if err != nil {
		return nil, err
	}
	binary := filepath.Join(dir, "child")
	var out []byte
	for _, how := range []string{"-static", "-O2"} { // where there is no static library
		cmd := exec.CommandContext(ctx, "cc", "-O2", how, "-o", binary, source)
		if out, err = cmd.CombinedOutput(); err == nil {
			return &program{about: "a program in C, compiled with cc " + how, words: []string{binary}}, nil
		}
	}
	return nil, fmt.Errorf("cannot compile the child in C: %w\n%s", err, out)
}

// ourselves is this binary with one thread at work, which never enters Go's
// scheduler.
func ourselves(context.Context, string) (*program, error) {
	return &program{
		about: "this binary (Go), on one thread with bare reads and writes",
		words: []string{"troupe", "bench", "child"},
		env:   map[string]string{"GOMAXPROCS": "1", "GOGC": "off"},
	}, nil
}

// python is a script of a dozen lines. A launcher in PATH that finds the right
// Python is not what is measured, so its answer is what is run.
func python(ctx context.Context, dir string) (*program, error) {
	script, err := unpack(dir, "child.py")
	if err != nil {
		return nil, err
	}
	path, err := exec.CommandContext(ctx, "python3", "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		return nil, fmt.Errorf("cannot find Python: %w", err)
	}
	return &program{
		about: "a script in Python",
		words: []string{strings.TrimSpace(string(path)), script},
		env:   map[string]string{"PYTHONUNBUFFERED": "1"},
	}, nil
}

func unpack(dir, name string) (path string, err error) {
	text, err := children.ReadFile("children/" + name)
	if err != nil {
		return "", fmt.Errorf("cannot find the child: %w", err)
	}
	path = filepath.Join(dir, name)
	return path, os.WriteFile(path, text, 0o600)
}

// bot is a reference agent of this binary, which hosts any number of agents.
func bot(name string) *program {
	return &program{about: "troupe bot " + name, words: []string{"troupe", "bot", name}}
}

// launch is what the floor executes: the file, its arguments and environment.
func (p *program) launch(args ...string) (file string, argv, env []string) {
	argv = append(slices.Clone(p.words), args...)
	file = argv[0]
	if file == "troupe" {
		file = self()
	}
	env = []string{"PATH=" + os.Getenv("PATH")}
	for name, value := range p.env {
		env = append(env, name+"="+value)
	}
	return file, argv, env
}

// self is the running binary.
func self() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}
