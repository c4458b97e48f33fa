package workspace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// A view has what it shows and nothing else, follows the tree, and can be read by
// whoever gets to it, and not written.
func TestView(t *testing.T) {
	r := Run{Dir: t.TempDir()}
	s, err := r.OpenShelf(false, func(string) ([]byte, error) { return nil, errors.New("nowhere") })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do(s.Write("open/a", []byte("one"), true))
	do(s.Write("secret/b", []byte("two"), false))
	stale := r.View("ann")
	do(os.MkdirAll(filepath.Join(stale, "secret"), 0o700))
	do(os.WriteFile(filepath.Join(stale, "secret", "old"), nil, 0o600))
	dir, err := s.View("ann", func(name string) bool { return !strings.HasPrefix(name, "secret/") })
	do(err)
	if dir != stale {
		t.Errorf("the view is in %s", dir)
	}
	look := func(want map[string]fs.FileMode) {
		t.Helper()
		got := map[string]fs.FileMode{}
		do(filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := e.Info()
			below, _ := filepath.Rel(dir, name)
			got[below] = info.Mode().Perm()
			return err
		}))
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	look(map[string]fs.FileMode{".": 0o755, "open": 0o755, "open/a": 0o555})
	do(s.Write("open/a", []byte("three"), false))
	do(s.Write("secret/c", []byte("four"), false))
	do(s.Write("open/d/e", []byte("five"), false))
	look(map[string]fs.FileMode{".": 0o755, "open": 0o755, "open/a": 0o444, "open/d": 0o755, "open/d/e": 0o444})
	if text, err := os.ReadFile(filepath.Join(dir, "open", "a")); err != nil || string(text) != "three" {
		t.Errorf("got %q, %v", text, err)
	}
	do(s.Remove("open/d/e"))
	do(s.Write("open/d", []byte("a file now"), false))
	do(s.Remove("open/a"))
	look(map[string]fs.FileMode{".": 0o755, "open": 0o755, "open/d": 0o444})
	s.Unview("ann")
	do(s.Write("open/a", []byte("six"), false))
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the view is still there: %v", err)
	}
}
