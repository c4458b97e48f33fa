package runtime

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// A program that is known to say its version says it; of all others there is a
// hash, or what their linker called them.
func TestIdentify(t *testing.T) {
	dir := t.TempDir()
	script := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil { //nolint:gosec // it is executed
			t.Fatal(err)
		}
		return path
	}
	sum := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%x", sha256.Sum256(text))
	}
	link := filepath.Join(dir, "node")
	if err := os.Symlink(script("python3.11", `echo; test "$HOME" = "$PWD" && echo "Python 9 $*" >&2`), link); err != nil {
		t.Fatal(err)
	}
	ruby, other, tool := script("ruby", "echo no; exit 1"), script("my-python3", "touch "+dir+"/started"), script("tool", "echo 7 $1")
	got := identify(t.Context(), []usedProgram{{path: link}, {path: ruby}, {path: other}, {tool, []string{"-V"}}, {path: filepath.Join(dir, "gone")}})
	if p := got[0]; p.Version != "Python 9 --version" || p.File != filepath.Join(dir, "python3.11") || p.SHA256 != "" {
		t.Errorf("an interpreter: %+v", p)
	}
	if p := got[1]; p.Version != "" || p.SHA256 != sum(ruby) || p.Error != "" {
		t.Errorf("one that does not say: %+v", p)
	}
	if p := got[2]; p.Version != "" || p.SHA256 != sum(other) {
		t.Errorf("one that is not known: %+v", p)
	}
	if _, err := os.Stat(filepath.Join(dir, "started")); err == nil {
		t.Error("a program that is not known was started")
	}
	if p := got[3]; p.Version != "7 -V" {
		t.Errorf("a tool: %+v", p)
	}
	if p := got[4]; p.Error == "" || p.SHA256 != "" {
		t.Errorf("none: %+v", p)
	}
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(own); err != nil || info.Size() <= smallProgram {
		t.Skipf("the test's own program is small: %v", err)
	}
	if p := identify(t.Context(), []usedProgram{{path: own}})[0]; p.BuildID == "" || p.SHA256 != "" {
		t.Errorf("a large program: %+v", p)
	}
}
