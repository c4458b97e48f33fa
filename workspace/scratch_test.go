package workspace

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Sweep removes what nobody holds, and nothing else.
func TestSweep(t *testing.T) {
	base := filepath.Join(t.TempDir(), "scratch")
	held, release, err := Scratch(base)
	if err != nil {
		t.Fatal(err)
	}
	dead, letGo, err := Scratch(base)
	if err != nil {
		t.Fatal(err)
	}
	letGo() // as its process's end does
	if err := os.Mkdir(filepath.Join(base, unheldPrefix+"1"), 0o700); err != nil {
		t.Fatal(err)
	}
	var ended []string
	sweep := func() error {
		return Sweep(base, func(dir string) error { ended = append(ended, dir); return nil })
	}
	if err := sweep(); err != nil {
		t.Error(err)
	}
	if left := readDir(base); !slices.Equal(left, []string{filepath.Base(held.Dir)}) || !slices.Equal(ended, []string{dead.Dir}) {
		t.Errorf("there are %v, and ended were %v", left, ended)
	}
	release()
	if err := sweep(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(base); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the base is still there: %v", err)
	}
	if err := sweep(); err != nil {
		t.Error(err)
	}
}
