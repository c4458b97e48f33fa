package plan

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

func TestTreeOf(t *testing.T) {
	t.Setenv("HOME", "/srv/me")
	for program, want := range map[string]string{
		"/usr/bin/python3":                    "/usr",
		"/root/.pyenv/shims/python3":          "/root/.pyenv",
		"/srv/me/bin/tool":                    "/srv/me/bin", // a home is no tree of a program's
		"/home/ann/bin/tool":                  "/home/ann/bin",
		"/root/.local/bin/claude":             "/root/.local/bin",
		"/home/ann/.nvm/versions/v22/bin/npm": "/home/ann/.nvm/versions/v22",
		"/bin/sh":                             "/bin",
		"/srv/agents/agent":                   "/srv/agents/agent",
		"/srv/lib/node_modules/@a/b/cli.js":   "/srv/lib/node_modules",
	} {
		if got := treeOf(program); got != want {
			t.Errorf("%s: got %s, want %s", program, got, want)
		}
	}
}

// What a program needs is where its path leads to, what interprets it, and what
// the command names; what all may read is not listed.
func TestAllows(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string]string{"kit/bin/real": "\x7fELF", "py/bin/python": "\x7fELF", "py/bin/py-x": "\x7fELF", "data/model": "m", "shared/bin/run": "x"} {
		if err := os.MkdirAll(filepath.Dir(at(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at(name), []byte(text), 0o700); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(at("links"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(at("kit/bin/real"), at("links/tool")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("script"), []byte("#!"+at("py/bin/python")+"\n"), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	t.Setenv("PATH", at("py/bin"))
	for name, line := range map[string]string{"splits": "/usr/bin/env -S A=1 python -u", "glued": "/usr/bin/env -Spy-x -u", "one": at("other"), "other": at("one")} {
		if err := os.WriteFile(at(name), []byte("#!"+line+"\n"), 0o700); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
	}
	shared := func(path string) bool { return path == at("shared") }
	for _, c := range []struct {
		words []string
		want  []string
	}{
		{[]string{at("links/tool"), at("data/model"), at("data/none"), "--flag", "/"}, []string{at("data/model"), at("kit"), at("links/tool")}},
		{[]string{at("script"), at("data")}, []string{at("data"), at("py"), at("script")}},
		{[]string{at("splits")}, []string{at("py"), at("splits")}},
		{[]string{at("glued")}, []string{at("glued"), at("py")}},
		{[]string{at("one")}, []string{at("one"), at("other")}}, // the kernel gives up, and so does this
		{[]string{at("shared/bin/run")}, nil},
		{[]string{"troupe"}, nil},
	} {
		r := newResolver(newFinder(dir, Options{Shared: shared, LookPath: exec.LookPath}), func(at, message, _ string) { t.Error(at, message) })
		r.command(c.words)
		if got := r.readable.list(); !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, want %q", c.words, got, c.want)
		}
	}
}
