package workspace

import (
	"os"
	"path/filepath"
	"testing"
)

// The running program is found by its name once for each version, by whoever gets
// to the data directory; what a kill or an older version left goes.
func TestTool(t *testing.T) {
	data := t.TempDir()
	left := []string{filepath.Join(data, "bin", unfinished+"new"), filepath.Join(data, "bin", "old")}
	for _, dir := range left {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	const name = "troupe-that-no-path-has"
	dir, err := (&Walls{}).Tool(data, name, "new")
	if err != nil {
		t.Fatal(err)
	}
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.Stat(own)
	if err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(dir, name)
	info, err := os.Stat(at)
	if err != nil || info.Size() != want.Size() || info.Mode().Perm()&0o055 != 0o055 {
		t.Fatalf("%s is %v, want this program for everybody: %v", at, info, err)
	}
	for _, d := range []string{filepath.Dir(dir), dir} {
		if info, err := os.Stat(d); err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("%s is %v: %v", d, info, err)
		}
	}
	for _, dir := range left {
		if _, err := os.Lstat(dir); err == nil {
			t.Errorf("%s is there still", dir)
		}
	}
	if again, err := (&Walls{}).Tool(data, name, "new"); again != dir || err != nil {
		t.Errorf("the second time it is in %q: %v", again, err)
	}
	if next, err := (&Walls{}).Tool(data, name, "next"); next == dir || err != nil {
		t.Errorf("another version is in %q: %v", next, err)
	}
	if _, err := os.Lstat(dir); err == nil {
		t.Error("the version before is there still")
	}

	t.Setenv("PATH", filepath.Join(data, "bin", "next"))
	if dir, err := (&Walls{}).Tool(data, name, "next"); dir != "" && sameFile(own, filepath.Join(data, "bin", "next", name)) || err != nil {
		t.Errorf("where PATH has it, it is in %q: %v", dir, err)
	}
}
