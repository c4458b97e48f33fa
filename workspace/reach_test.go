package workspace

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What only its owner may read is not among what all may, however deep it lies.
func TestPublicBelow(t *testing.T) {
	dir := t.TempDir()
	for _, f := range []struct {
		path string
		mode os.FileMode
	}{
		{"open/f", 0o644}, {"open/in/f", 0o644}, {"mixed/f", 0o644}, {"mixed/key", 0o600}, {"mixed/open/f", 0o644},
		{"deep/in/f", 0o644}, {"deep/in/key", 0o640}, {"closed/f", 0o644}, {"blind/f", 0o644}, {"key", 0o600}, {"f", 0o644},
	} {
		path := filepath.Join(dir, f.path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, f.mode); err != nil {
			t.Fatal(err)
		}
	}
	for name, mode := range map[string]os.FileMode{"closed": 0o700, "blind": 0o744} {
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("key", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	below := func(paths []string) string {
		for i := range paths {
			paths[i] = strings.TrimPrefix(paths[i], dir)
		}
		slices.Sort(paths)
		return strings.Join(paths, " ")
	}
	parts, holders, whole := publicBelow(dir)
	if got := below(parts); got != "/deep/in/f /f /mixed/f /mixed/open /open" {
		t.Errorf("all may read %q", got)
	}
	if got := below(holders); got != " /deep /deep/in /mixed" || whole {
		t.Errorf("%q hold parts; whole is %v", got, whole)
	}
	parts, holders, whole = publicBelow(filepath.Join(dir, "open"))
	if got := below(parts); got != "/open" || len(holders) > 0 || !whole {
		t.Errorf("of what is open, all may read %q", got)
	}
}
