package observe

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/record"
)

// A manifest is read once, as long as it is the same file.
func TestManifests(t *testing.T) {
	dir := t.TempDir()
	write := func(name, run string, ago time.Duration) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := record.WriteManifest(path, &record.Manifest{Run: run}); err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(-ago)
		if err := os.Chtimes(path, then, then); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var c manifests
	get := func(path, run string) *record.Manifest {
		t.Helper()
		m, err := c.get(path)
		if err != nil || m.Run != run {
			t.Fatalf("%s: %+v, %v; want %s", path, m, err, run)
		}
		return m
	}
	path := write("a", "one", time.Hour)
	if first := get(path, "one"); get(path, "one") != first {
		t.Error("it was read twice")
	}
	write("a", "two", time.Hour)
	if first := get(path, "two"); get(path, "two") != first {
		t.Error("the next one was read twice")
	}
	write("a", "now", 0)
	if first := get(path, "now"); get(path, "now") == first {
		t.Error("one that may change yet is kept")
	}
	for i := range 3 * mostManifests {
		name := fmt.Sprint("run-", i)
		get(write(name, name, time.Hour), name)
	}
	if len(c.read) != mostManifests {
		t.Errorf("%d are kept, want %d", len(c.read), mostManifests)
	}
	for i := 3*mostManifests - 1; i >= 2*mostManifests; i-- {
		name := fmt.Sprint("run-", i)
		get(filepath.Join(dir, name), name)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := c.get(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("of one that is gone: %v", err)
	}
}
