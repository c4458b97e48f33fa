package workspace

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/gofrs/flock"
)

// read is what there is in the shared tree, by path.
func read(t *testing.T, r Run) map[string]string {
	t.Helper()
	all := map[string]string{}
	root := filepath.Join(r.Dir, sharedDir)
	err := filepath.WalkDir(root, func(name string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(name)
		below, _ := filepath.Rel(root, name)
		all[below] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestShelf(t *testing.T) {
	r := Run{Dir: t.TempDir()}
	lost := map[string][]byte{}
	s, err := r.OpenShelf(true, func(hash string) ([]byte, error) {
		if c, ok := lost[hash]; ok {
			return c, nil
		}
		return nil, errors.New("nowhere")
	})
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
	do(s.Write("a/b/c", []byte("one"), true))
	do(s.Write("a/d", []byte("two"), false))
	do(s.Write("a/d", []byte("three"), false))
	do(s.Remove("a/b/c"))
	if got, want := read(t, r), map[string]string{"a/d": "three"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if _, err := os.Stat(filepath.Join(r.Dir, sharedDir, "a", "b")); !os.IsNotExist(err) {
		t.Errorf("an empty directory is left: %v", err)
	}
	for _, c := range []string{"one", "two", "three"} { // all versions are kept
		got, err := s.Content(hashOf([]byte(c)))
		if err != nil || string(got) != c {
			t.Errorf("got %q, %v", got, err)
		}
	}
	// What is damaged, or not there, is found elsewhere or is an error.
	damaged := filepath.Join(r.Dir, versionsDir, hashOf([]byte("one")))
	do(os.Remove(damaged))
	do(os.WriteFile(damaged, []byte("0ne"), 0o444))
	if _, err := s.Content(hashOf([]byte("one"))); err == nil {
		t.Error("a damaged content is given")
	}
	lost[hashOf([]byte("one"))] = []byte("one")
	if got, err := s.Content(hashOf([]byte("one"))); err != nil || string(got) != "one" {
		t.Errorf("got %q, %v", got, err)
	}
	lost[hashOf([]byte("x"))] = []byte("y")
	if _, err := s.Content(hashOf([]byte("x"))); err == nil {
		t.Error("another content is given")
	}
	// Whatever the tree has become, it is brought back: who writes to a file of it
	// writes to what is kept too, which is found elsewhere then.
	lost[hashOf([]byte("three"))] = []byte("three")
	outside := filepath.Join(t.TempDir(), "outside")
	do(os.WriteFile(outside, []byte("mine"), 0o600))
	do(os.Chmod(filepath.Join(r.Dir, sharedDir, "a", "d"), 0o644))
	do(os.WriteFile(filepath.Join(r.Dir, sharedDir, "a", "d"), []byte("scribbled"), 0o600))
	do(os.MkdirAll(filepath.Join(r.Dir, sharedDir, "f", "g"), 0o700))
	do(os.Symlink(outside, filepath.Join(r.Dir, sharedDir, "e")))
	do(s.Bring([]SharedFile{
		{"a/d", hashOf([]byte("three")), false}, {"e", hashOf([]byte("two")), true}, {"f", hashOf([]byte("one")), false},
	}))
	if got, want := read(t, r), map[string]string{"a/d": "three", "e": "two", "f": "one"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	// A content that is committed again is whole again, and so is the path.
	delete(lost, hashOf([]byte("two")))
	kept := filepath.Join(r.Dir, versionsDir, hashOf([]byte("two")))
	do(os.Remove(kept))
	do(os.WriteFile(kept, []byte("tw0"), 0o444))
	for range 2 {
		do(s.Write("f", []byte("two"), false))
	}
	if got, err := s.Content(hashOf([]byte("two"))); err != nil || string(got) != "two" || read(t, r)["f"] != "two" {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := os.ReadFile(outside); err != nil || string(got) != "mine" {
		t.Errorf("what a link pointed to has become %q, %v", got, err)
	}
}

func TestShelfHolds(t *testing.T) {
	r := Run{Dir: t.TempDir()}
	s, err := r.OpenShelf(false, nil)
	if err != nil {
		t.Fatal(err)
	}
	free := func(path string) bool {
		t.Helper()
		lock := flock.New(filepath.Join(r.locks(), leaseDir, hashOf([]byte(path))[:32]+".lock"))
		ok, err := lock.TryLock()
		if err != nil {
			t.Fatal(err)
		}
		_ = lock.Unlock()
		return ok
	}
	for _, leased := range []map[string]string{{"a": "ann", "b/c": "bob"}, {"b/c": "bob"}, {}, {"a": "bob"}} {
		if err := s.Hold(leased); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"a", "b/c"} {
			if _, held := leased[path]; held == free(path) {
				t.Errorf("with %v leased, the lock of %s is free: %v", leased, path, !held)
			}
		}
	}
	s.Close()
	if !free("a") {
		t.Error("a lock is held by nobody")
	}
}
