package workspace

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
)

// templated opens a workspace in a run with a template: a file, one that can be
// executed, a link and an empty directory.
func templated(t *testing.T) (Run, *Workspace) {
	t.Helper()
	r := Run{Dir: t.TempDir()}
	copies := []Copy{
		{Path: ".", Dir: true}, {Path: "deep", Dir: true}, {Path: "empty", Dir: true},
		{Path: "deep/file", Source: "template_test.go"}, {Path: "tool", Source: "template_test.go", Exec: true},
		{Path: "deep/up", Link: "../tool"},
	}
	for i := range copies {
		if copies[i].Source != "" {
			f, err := os.Open(copies[i].Source)
			if err != nil {
				t.Fatal(err)
			}
			copies[i].SHA256, _, err = digest(f)
			if err != nil {
				t.Fatal(err)
			}
			_ = f.Close()
			copies[i].Source, _ = filepath.Abs(copies[i].Source)
		}
	}
	if err := r.Install("t", copies); err != nil {
		t.Fatal(err)
	}
	w, err := r.Open("ann")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Release)
	w.Template = r.Program("t")
	return r, w
}

// listing is what is below a directory, with its permissions.
func listing(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		below, _ := filepath.Rel(dir, path)
		all = append(all, info.Mode().String()+" "+below)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var filled = []string{
	"drwx------ .", "drwxr-xr-x deep", "-rw-r--r-- deep/file", "Lrwxrwxrwx deep/up", "drwxr-xr-x empty", "-rwxr-xr-x tool",
}

// TestTemplate: resetting a workspace, and restoring one of which nothing is kept,
// gives the template; one that was emptied comes back empty.
func TestTemplate(t *testing.T) {
	r, w := templated(t)
	look := func(want []string) {
		t.Helper()
		if got := listing(t, w.Work); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if err := w.Reset(); err != nil {
		t.Fatal(err)
	}
	look(filled)
	c, err := r.Captures("ann", false)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(w.Work, "tool")); err != nil {
		t.Fatal(err)
	}
	if at, err := c.Restore(5, w); at != -1 || err != nil {
		t.Fatalf("restored %d, %v", at, err)
	}
	look(filled)
	if err := c.Take(1, w); err != nil {
		t.Fatal(err)
	}
	if err := (&Workspace{Work: w.Work, Home: w.Home, Tmp: w.Tmp}).Reset(); err != nil { // empties it
		t.Fatal(err)
	}
	if err := c.Take(2, w); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		tick int
		want []string
	}{{1, filled}, {2, []string{"drwx------ ."}}, {0, filled}} {
		if _, err := c.Restore(x.tick, w); err != nil {
			t.Fatal(err)
		}
		look(x.want)
	}
}

// TestTemplateIsNotLedAway: what somebody plants in work while a template is copied
// there is never written through.
func TestTemplateIsNotLedAway(t *testing.T) {
	_, w := templated(t)
	away := t.TempDir()
	for _, planted := range []string{"deep", "tool", "empty"} {
		empty := &Workspace{Work: w.Work, Home: w.Home, Tmp: w.Tmp}
		if err := empty.Reset(); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(away, planted), filepath.Join(w.Work, planted)); err != nil {
			t.Fatal(err)
		}
		if err := w.fill(); err == nil {
			t.Errorf("%s: it was filled", planted)
		}
	}
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				_ = os.Symlink(away, filepath.Join(w.Work, "deep"))
				_ = os.Rename(filepath.Join(w.Work, "deep"), filepath.Join(w.Work, "moved"))
				_ = os.RemoveAll(filepath.Join(w.Work, "moved"))
			}
		}
	})
	for range 200 {
		_ = w.Reset()
	}
	close(done)
	wg.Wait()
	if got := listing(t, away); len(got) != 1 {
		t.Errorf("in another directory is %q", got)
	}
}

// packed is what is in an archive.
func packed(t *testing.T, file string) (names []string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Linkname != "" {
			h.Name += " -> " + h.Linkname
		}
		names = append(names, h.Name)
	}
}

// TestArchive: what is no file is left out, and what leads away is packed as a link.
func TestArchive(t *testing.T) {
	r, w := templated(t)
	err := w.Reset()
	if err == nil {
		err = syscall.Mkfifo(filepath.Join(w.Work, "pipe"), 0o600)
	}
	if err == nil {
		err = os.Symlink("/etc", filepath.Join(w.Work, "away"))
	}
	if err == nil {
		err = r.Archive("ann")
	}
	if err != nil {
		t.Fatal(err)
	}
	if got, want := packed(t, r.ArchiveFile("ann")), []string{
		"work/away -> /etc", "work/deep/", "work/deep/file", "work/deep/up -> ../tool", "work/empty/", "work/tool",
	}; !slices.Equal(got, want) {
		t.Errorf("packed is %q, want %q", got, want)
	}
	if err := r.Archive("ann"); err != nil { // the second time there is nothing to do
		t.Fatal(err)
	}
	for _, gone := range []string{w.Work, w.Home, w.Tmp} {
		if _, err := os.Lstat(gone); err == nil {
			t.Errorf("%s is still there", gone)
		}
	}
	left, _ := os.ReadDir(filepath.Dir(w.Work))
	if len(left) != 1 || left[0].Name() != "work.tar.gz" {
		t.Errorf("left is %v", left)
	}
}

// TestArchiveAfterAKill: what was killed while it packed begins anew, and what was
// killed while it threw away goes on with that: the archive is whole.
func TestArchiveAfterAKill(t *testing.T) {
	r, w := templated(t)
	if err := w.Reset(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(r.ArchiveFile("ann")), unfinished+filepath.Base(r.ArchiveFile("ann"))), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.Archive("ann"); err != nil {
		t.Fatal(err)
	}
	whole := packed(t, r.ArchiveFile("ann"))
	for _, left := range []string{w.Work, w.Home} {
		if err := os.MkdirAll(filepath.Join(left, "deep"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := r.Archive("ann"); err != nil {
			t.Fatal(err)
		}
		if got := packed(t, r.ArchiveFile("ann")); !slices.Equal(got, whole) {
			t.Errorf("packed is %q, want %q", got, whole)
		}
		left, _ := os.ReadDir(filepath.Dir(w.Work))
		if len(left) != 1 || left[0].Name() != "work.tar.gz" {
			t.Errorf("left is %v", left)
		}
		if err := os.Mkdir(w.Home, 0o700); err != nil { // work went first
			t.Fatal(err)
		}
	}
}

// TestArchiveLeavesOthersFiles: a file of somebody else's that an agent has linked is
// not packed: who packs may read more than the agent.
func TestArchiveLeavesOthersFiles(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("it takes root to own a file and have it linked by another")
	}
	r, w := templated(t)
	secret := filepath.Join(filepath.Dir(w.Work), "secret")
	err := w.Reset()
	if err == nil {
		err = os.WriteFile(secret, []byte("secret"), 0o600)
	}
	if err == nil {
		err = os.Link(secret, filepath.Join(w.Work, "link"))
	}
	if err == nil {
		err = os.Chown(w.Work, 65534, 65534)
	}
	if err == nil {
		err = r.Archive("ann")
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := packed(t, r.ArchiveFile("ann")); slices.Contains(got, "work/link") {
		t.Errorf("packed is %q", got)
	}
}
