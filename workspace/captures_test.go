package workspace

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// opened is a workspace with its captures.
func opened(t testing.TB, run Run, process string) (*Workspace, *Captures) {
	t.Helper()
	w, err := run.Open(process)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Release)
	return w, captures(t, run, process)
}

func captures(t testing.TB, run Run, process string) *Captures {
	t.Helper()
	c, err := run.Captures(process, false)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func take(t testing.TB, c *Captures, tick int, w *Workspace) {
	t.Helper()
	if err := c.Take(tick, w); err != nil {
		t.Fatal(err)
	}
}

func restore(t testing.TB, c *Captures, tick int, w *Workspace, want int) {
	t.Helper()
	if at, err := c.Restore(tick, w); err != nil || at != want {
		t.Fatalf("restored to %d, %v; want %d", at, err, want)
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// look says what a directory is like: every file with its permissions, time
// and content.
func look(t testing.TB, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		fmt.Fprintf(&all, "%q %v %v", path[len(dir):], info.Mode(), info.ModTime().UnixNano())
		switch {
		case info.Mode().IsRegular():
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&all, " %q", text)
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&all, " -> %q", target)
		}
		all.WriteString("\n")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func both(t testing.TB, w *Workspace) string { return look(t, w.Work) + look(t, w.Home) }

func wantSame(t testing.TB, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// files lists a directory's names, below it too, sorted.
func files(t testing.TB, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && !d.IsDir() {
			all = append(all, path[len(dir)+1:])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// What an agent may do to its files between two captures, all of it undone.
func TestRestoreUndoes(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	write(t, filepath.Join(outside, "f"), "keep me")
	for _, c := range []struct {
		name string
		do   func(work string) error
	}{
		{"nothing", func(string) error { return nil }},
		{"a file is written", func(w string) error { return os.WriteFile(w+"/f", []byte("new"), 0o600) }},
		{"a file of the same size and time is written", func(w string) error {
			info, err := os.Stat(w + "/f")
			if err != nil {
				return err
			}
			return errors.Join(os.WriteFile(w+"/f", []byte("tx"), 0o600), os.Chtimes(w+"/f", time.Time{}, info.ModTime()))
		}},
		{"a file grows", func(w string) error { return os.Truncate(w+"/f", 1<<20) }},
		{"a file goes", func(w string) error { return os.Remove(w + "/f") }},
		{"a file comes", func(w string) error { return os.WriteFile(w+"/new", []byte("new"), 0o600) }},
		{"a file is made executable", func(w string) error { return os.Chmod(w+"/f", 0o755) }},
		{"a file gets a time", func(w string) error { return os.Chtimes(w+"/f", time.Time{}, time.Unix(1, 5)) }},
		{"a file moves", func(w string) error { return os.Rename(w+"/f", w+"/d/f") }},
		{"two files change places", func(w string) error {
			return errors.Join(os.Rename(w+"/f", w+"/x"), os.Rename(w+"/d/deep/g", w+"/f"), os.Rename(w+"/x", w+"/d/deep/g"))
		}},
		{"a file becomes a directory", func(w string) error { return errors.Join(os.Remove(w+"/f"), os.Mkdir(w+"/f", 0o700)) }},
		{"a file becomes a link to itself elsewhere", func(w string) error {
			return errors.Join(os.Rename(w+"/f", w+"/x"), os.Symlink("x", w+"/f"))
		}},
		{"a directory becomes a link out", func(w string) error {
			return errors.Join(os.RemoveAll(w+"/d"), os.Symlink(outside, w+"/d"))
		}},
		{"a file becomes a link out", func(w string) error {
			return errors.Join(os.Remove(w+"/f"), os.Symlink(outside+"/f", w+"/f"))
		}},
		{"work becomes a link out", func(w string) error {
			return errors.Join(os.RemoveAll(w), os.Symlink(outside, w))
		}},
		{"work becomes a file", func(w string) error {
			return errors.Join(os.RemoveAll(w), os.WriteFile(w, nil, 0o600))
		}},
		{"work goes", os.RemoveAll},
		{"a link turns", func(w string) error { return errors.Join(os.Remove(w+"/link"), os.Symlink("/", w+"/link")) }},
		{"a link becomes a file", func(w string) error {
			return errors.Join(os.Remove(w+"/link"), os.WriteFile(w+"/link", []byte("f"), 0o600))
		}},
		{"a directory is closed", func(w string) error { return os.Chmod(w+"/d", 0) }},
		{"work is closed", func(w string) error { return os.Chmod(w, 0o500) }},
		{"a directory goes", func(w string) error { return os.RemoveAll(w + "/d") }},
		{"a directory comes", func(w string) error { return os.MkdirAll(w+"/new/a/b", 0o700) }},
		{"a pipe comes", func(w string) error { return unix.Mkfifo(w+"/pipe", 0o600) }},
		{"a file becomes a pipe", func(w string) error { return errors.Join(os.Remove(w+"/f"), unix.Mkfifo(w+"/f", 0o600)) }},
		{"two files become one", func(w string) error {
			return errors.Join(os.Remove(w+"/f"), os.Link(w+"/d/deep/g", w+"/f"))
		}},
		{"a file is linked out and written", func(w string) error {
			out := filepath.Join(w, "../linked")
			return errors.Join(os.Remove(w+"/f"), os.WriteFile(out, []byte("my"), 0o644), os.Link(out, w+"/f"))
		}},
	} {
		for _, fresh := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/reopened=%v", c.name, fresh), func(t *testing.T) {
				run := Run{Dir: t.TempDir()}
				w, captured := opened(t, run, "a")
				write(t, w.Work+"/f", "my")
				write(t, w.Work+"/d/deep/g", "gg")
				write(t, w.Work+"/empty", "")
				write(t, w.Home+"/.config/x", "home")
				if err := errors.Join(os.Chmod(w.Work+"/d/deep/g", 0o444), os.Symlink("f", w.Work+"/link"), os.Symlink(outside, w.Work+"/out")); err != nil {
					t.Fatal(err)
				}
				want := both(t, w)
				take(t, captured, 3, w)
				if err := c.do(w.Work); err != nil {
					t.Fatal(err)
				}
				if c.name != "nothing" && captured.Untouched(w) {
					t.Error("at a glance nothing has changed")
				}
				write(t, w.Tmp+"/t", "t")
				if fresh {
					captured = captures(t, run, "a")
				}
				restore(t, captured, 5, w, 3)
				wantSame(t, both(t, w), want)
				if left := files(t, w.Tmp); len(left) > 0 {
					t.Errorf("tmp has %v", left)
				}
				take(t, captured, 6, w)
				if captured.Newest() != 3 {
					t.Error("what was restored is captured again")
				}
			})
		}
	}
	if text, err := os.ReadFile(outside + "/f"); err != nil || string(text) != "keep me" || len(files(t, outside)) != 1 {
		t.Errorf("outside there is %v, %q, %v", files(t, outside), text, err)
	}
}

// TestUntouched looks at a glance, until what was written is old enough that the
// glance is sure.
func TestUntouched(t *testing.T) {
	run := Run{Dir: t.TempDir()}
	w, c := opened(t, run, "a")
	if c.Untouched(w) {
		t.Error("sure of what nobody has looked at")
	}
	for tick, file := range []string{"", "/f", "/d/g", "/d/h"} {
		if file != "" {
			write(t, w.Home+file, "text")
		}
		for take(t, c, tick, w); !c.Untouched(w); take(t, c, tick, w) {
			if c.Newest() != tick-1 && c.Newest() != tick {
				t.Fatalf("the newest capture is that of %d", c.Newest())
			}
		}
	}
	if c = captures(t, run, "a"); c.Untouched(w) {
		t.Error("sure of what it has not looked at")
	}
}

func TestNothingChangedWritesNothing(t *testing.T) {
	run := Run{Dir: t.TempDir()}
	w, c := opened(t, run, "a")
	dir := filepath.Join(run.Dir, "checkpoints")
	take(t, c, 0, w)
	take(t, c, 1, w)
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) || c.Newest() != -1 {
		t.Fatalf("a new workspace was captured: %v, newest %d", err, c.Newest())
	}
	write(t, w.Work+"/f", "one")
	take(t, c, 2, w)
	one := files(t, dir)
	take(t, c, 3, w)
	if now := files(t, dir); c.Newest() != 2 || !slices.Equal(now, one) {
		t.Errorf("newest %d, files %v after %v", c.Newest(), now, one)
	}
	if err := os.Chtimes(w.Work+"/f", time.Time{}, time.Unix(7, 0)); err != nil {
		t.Fatal(err)
	}
	take(t, c, 4, w)
	if now := files(t, dir); c.Newest() != 4 || len(now) != len(one)+1 {
		t.Errorf("newest %d, files %v after %v: want a manifest alone", c.Newest(), now, one)
	}
	if err := os.Remove(w.Work + "/f"); err != nil {
		t.Fatal(err)
	}
	take(t, c, 5, w)
	restore(t, c, 4, w, 4)
	if text, err := os.ReadFile(w.Work + "/f"); string(text) != "one" {
		t.Errorf("got %q, %v", text, err)
	}
	restore(t, c, 5, w, 5)
	restore(t, c, 1, w, -1)
	if left := append(files(t, w.Work), files(t, w.Home)...); len(left) > 0 {
		t.Errorf("a new workspace has %v", left)
	}
	if err := c.Take(4, w); err == nil || !strings.Contains(err.Error(), "drop it first") {
		t.Errorf("captures go backwards: %v", err)
	}
	take(t, c, 5, w) // the same as before: replaced, or left, and never doubled
	if c.Newest() != 5 || len(c.all) != 3 {
		t.Errorf("newest %d of %v", c.Newest(), c.all)
	}
}

// A write right after a capture may leave all that stat says as it was.
func TestRacyWrites(t *testing.T) {
	run := Run{Dir: t.TempDir()}
	w, c := opened(t, run, "a")
	path := w.Work + "/f"
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unseen := 0
	for tick := range 300 {
		text := fmt.Sprintf("%08d", tick)
		before, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte(text), 0); err != nil {
			t.Fatal(err)
		}
		after, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		if before.ModTime().Equal(after.ModTime()) {
			unseen++
		}
		take(t, c, tick, w)
		if c.Newest() != tick {
			t.Fatalf("the write of tick %d was not seen", tick)
		}
	}
	t.Logf("%d of 300 writes left no mark in the time of modification", unseen)
	for _, tick := range []int{299, 0, 150} {
		restore(t, c, tick, w, tick)
		if text, err := os.ReadFile(path); string(text) != fmt.Sprintf("%08d", tick) {
			t.Errorf("tick %d: %q, %v", tick, text, err)
		}
	}
}

// The rule itself, where a kernel marks every write.
func TestRacy(t *testing.T) {
	seen := time.Unix(100, 10e6)
	for _, c := range []struct {
		ctime stamp
		racy  bool
	}{
		{stamp{100, 10e6}, true},
		{stamp{100, 0}, true},
		{stamp{99, 990e6}, true},
		{stamp{99, 989e6}, false},
		{stamp{50, 999e6}, false},
		{stamp{101, 0}, true},
		{stamp{-1, 0}, false},
	} {
		if got := c.ctime.racy(seen); got != c.racy {
			t.Errorf("changed at %v, seen at %v: racy %v", c.ctime, seen, got)
		}
	}
}

func TestNamesOfAnyBytes(t *testing.T) {
	run := Run{Dir: t.TempDir()}
	w, c := opened(t, run, "a")
	for _, name := range []string{"\xff\xfe", "new\nline", `quote"`, "ünï", "\u2028", " ", "-rf", "[", "\x01", strings.Repeat("n", 255), "a\\b", "\ufffd"} {
		write(t, w.Work+"/"+name+"/x", name)
		if err := os.Symlink(name, w.Work+"/"+name+"/link"); err != nil {
			t.Fatal(err)
		}
	}
	want := both(t, w)
	take(t, c, 0, w)
	if err := w.Reset(); err != nil {
		t.Fatal(err)
	}
	restore(t, captures(t, run, "a"), 0, w, 0)
	wantSame(t, both(t, w), want)
}

// A tree deeper than paths may be long and than there may be descriptors.
func TestDeepTree(t *testing.T) {
	const depth = 2100
	run := Run{Dir: t.TempDir()}
	w, c := opened(t, run, "a")
	deepen := func() {
		fd, err := unix.Open(w.Work, unix.O_DIRECTORY|unix.O_RDONLY, 0)
		for i := 0; i < depth && err == nil; i++ {
			err = unix.Mkdirat(fd, "d", 0o700)
			next, failed := unix.Openat(fd, "d", unix.O_DIRECTORY|unix.O_RDONLY, 0)
			err = errors.Join(err, failed, unix.Close(fd))
			fd = next
		}
		var file int
		if err == nil {
			file, err = unix.Openat(fd, "f", unix.O_CREAT|unix.O_WRONLY, 0o600)
		}
		if err = errors.Join(err, unix.Close(fd), unix.Close(file)); err != nil {
			t.Fatal(err)
		}
	}
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	few := syscall.Rlimit{Cur: 256, Max: old.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
			t.Error(err)
		}
	})
	deepen()
	take(t, c, 0, w)
	if err := w.Reset(); err != nil {
		t.Fatal(err)
	}
	restore(t, c, 0, w, 0)
	take(t, c, 1, w)
	if c.Newest() != 0 {
		t.Error("what was restored is not what was captured")
	}
	restore(t, captures(t, run, "a"), 0, w, 0)
	info, err := os.Stat(c.manifest(0))
	if err != nil || info.Size() > depth*200 {
		t.Errorf("the manifest of %d directories: %d bytes, %v", depth, info.Size(), err)
	}
	restore(t, c, -1, w, -1)
	if left := files(t, w.Work); len(left) > 0 {
		t.Errorf("%d files left", len(left))
	}
}

// Files with holes take the room and the time of what is in them.
func TestSparseFiles(t *testing.T) {
	run := Run{Dir: t.TempDir()}
	w, c := opened(t, run, "a")
	huge, mixed := w.Work+"/huge", w.Work+"/mixed"
	const size = 1<<43 + 5 // ext4 has files of up to 16 TiB
	f, err := os.Create(huge)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt([]byte("middle"), size/2)
	if err := errors.Join(err, f.Truncate(size), f.Close()); err != nil {
		t.Skipf("no file system for this: %v", err)
	}
	text := append(make([]byte, 3*blockSize), "data"...)
	text = append(text, make([]byte, 2*blockSize)...)
	write(t, mixed, string(text))
	take(t, c, 0, w)
	if err := w.Reset(); err != nil {
		t.Fatal(err)
	}
	restore(t, c, 0, w, 0)
	if got, err := os.ReadFile(mixed); err != nil || !bytes.Equal(got, text) {
		t.Errorf("zeros with data: %d bytes, %v", len(got), err)
	}
	f, err = os.Open(huge)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() != size {
		t.Errorf("a huge file came back with %v bytes, %v", info.Size(), err)
	}
	got := make([]byte, 8)
	if _, err := f.ReadAt(got, size/2-1); err != nil || string(got) != "\x00middle\x00" {
		t.Errorf("its middle is %q, %v", got, err)
	}
}
