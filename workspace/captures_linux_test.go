package workspace

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// What an owner forbade itself is captured and restored by the owner. Root may
// do anything, so that a thread of it becomes somebody else for this.
func TestForbiddenFiles(t *testing.T) {
	const nobody = 65534
	dir := t.TempDir()
	run := Run{Dir: filepath.Join(dir, "run")}
	if os.Geteuid() == 0 {
		if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o711), os.Chown(dir, nobody, nobody)); err != nil {
			t.Fatal(err)
		}
		runtime.LockOSThread() // and never unlocked: the thread ends with the test
		t.Cleanup(func() {
			if err := errors.Join(unix.Setfsuid(0), unix.Setfsgid(0)); err != nil {
				t.Error(err)
			}
		})
		if err := errors.Join(unix.Setfsgid(nobody), unix.Setfsuid(nobody)); err != nil {
			t.Fatal(err)
		}
	}
	w, c := opened(t, run, "a")
	write(t, w.Work+"/closed/in/f", "f")
	write(t, w.Work+"/blind/f", "f")
	write(t, w.Work+"/stuck/f", "f")
	write(t, w.Home+"/f", "secret")
	modes := map[string]os.FileMode{
		w.Work + "/closed/in": 0, w.Work + "/closed": 0, w.Work + "/blind": 0o600, w.Work + "/stuck": 0o500,
		w.Home + "/f": 0, w.Home: 0o100,
	}
	closeAll := func() {
		for _, path := range []string{w.Work + "/closed/in", w.Work + "/closed", w.Work + "/blind", w.Work + "/stuck", w.Home + "/f", w.Home} {
			if err := os.Chmod(path, modes[path]); err != nil {
				t.Fatal(err)
			}
		}
	}
	closeAll()
	if _, err := os.ReadFile(w.Home + "/f"); !errors.Is(err, os.ErrPermission) {
		t.Fatalf("the test may read what it may not: %v", err)
	}
	check := func(when string) {
		t.Helper()
		for _, path := range []string{w.Home, w.Home + "/f", w.Work + "/closed", w.Work + "/blind", w.Work + "/stuck", w.Work + "/closed/in"} {
			if path == w.Work+"/closed/in" {
				if err := os.Chmod(w.Work+"/closed", 0o700); err != nil {
					t.Fatal(err)
				}
			}
			if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != modes[path] {
				t.Errorf("%s: %s is %v, %v; want %v", when, path, info, err, modes[path])
			}
		}
		for _, path := range []string{"closed", "closed/in", "blind", "stuck", "../home/f"} {
			if err := os.Chmod(filepath.Join(w.Work, path), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		for _, path := range []string{"closed/in/f", "blind/f", "stuck/f", "../home/f"} {
			if text, err := os.ReadFile(filepath.Join(w.Work, path)); err != nil || len(text) == 0 {
				t.Errorf("%s: %s holds %q, %v", when, path, text, err)
			}
		}
		closeAll()
	}
	take(t, c, 1, w)
	take(t, c, 2, w)
	if c.Newest() != 1 {
		t.Error("reading what is forbidden changed it")
	}
	check("captured")
	restore(t, c, 2, w, 1)
	check("restored in place")
	if err := w.Reset(); err != nil {
		t.Fatal(err)
	}
	restore(t, captures(t, run, "a"), 2, w, 1)
	check("restored")
	if err := run.Remove(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}
