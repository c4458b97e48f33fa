package workspace

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// ArchiveFile is what Archive writes beside a workspace.
func (r Run) ArchiveFile(process string) string {
	return filepath.Join(r.agent(process), "work.tar.gz")
}

// Processes are those that have had a workspace in the run, sorted.
func (r Run) Processes() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(r.Dir, "agents"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot list the workspaces of a run: %w", err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// Discard throws a workspace away: work, home and tmp. Its logs stay. No process
// may be using it.
func (r Run) Discard(process string) error {
	var errs []error
	for _, name := range []string{"work", "home", "tmp"} {
		errs = append(errs, outside().remove(filepath.Join(r.agent(process), name)))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("cannot throw the workspace of %s away: %w", process, err)
	}
	return nil
}

// Archive packs work into ArchiveFile and throws the workspace away. Directories,
// regular files and symbolic links are packed, and nothing else. Killed, it leaves
// the workspace or the whole archive. No process may be using it.
func (r Run) Archive(process string) error {
	work := filepath.Join(r.agent(process), "work")
	if _, err := os.Lstat(work); errors.Is(err, fs.ErrNotExist) {
		return nil // it was archived, or never made
	}
	if err := pack(work, r.ArchiveFile(process)); err != nil {
		return fmt.Errorf("cannot archive the workspace of %s: %w", process, err)
	}
	return r.Discard(process)
}

func pack(dir, file string) error {
	return WriteFile(file, true, func(w io.Writer) error {
		z := gzip.NewWriter(w)
		t := tar.NewWriter(z)
		err := outside().within(dir, 0o500, func(d *directory) error { return packIn(t, d, "work") })
		return errors.Join(err, t.Close(), z.Close())
	})
}

// packIn packs what is in a directory, under a name.
func packIn(t *tar.Writer, d *directory, under string) error {
	names, err := d.names()
	if err != nil {
		return d.fail("", err)
	}
	for _, name := range names {
		if err := packEntry(t, d, name, under+"/"+name); err != nil {
			return d.fail(name, err)
		}
	}
	return nil
}

// mostPacked is the longest file, in bytes, that is packed: zeros that are stored
// nowhere may be a terabyte, and would be written out.
const mostPacked = 16 << 30

func packEntry(t *tar.Writer, d *directory, name, as string) error {
	st, err := d.stat(name)
	if err != nil {
		return err
	}
	n := nodeOf(name, &st)
	h := &tar.Header{Name: as, Mode: int64(n.permissions()), ModTime: time.Unix(n.mtime.sec, n.mtime.nsec), Format: tar.FormatPAX}
	switch n.kind() {
	case unix.S_IFDIR:
		h.Typeflag, h.Name = tar.TypeDir, as+"/"
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		return d.within(name, 0o500, func(child *directory) error { return packIn(t, child, as) })
	case unix.S_IFLNK:
		h.Typeflag = tar.TypeSymlink
		if h.Linkname, err = d.readLink(name, n.size); err != nil {
			return err
		}
		return t.WriteHeader(h)
	case unix.S_IFREG:
		return packFile(t, d, name, h)
	}
	return nil
}

func packFile(t *tar.Writer, d *directory, name string, h *tar.Header) error {
	f, st, err := d.openFile(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if h.Typeflag, h.Size = tar.TypeReg, st.Size; h.Size > mostPacked {
		return fmt.Errorf("it has %d bytes, more than the %d that are packed", h.Size, int64(mostPacked))
	}
	if err := t.WriteHeader(h); err != nil {
		return err
	}
	_, err = io.CopyN(t, f, h.Size)
	return err
}
