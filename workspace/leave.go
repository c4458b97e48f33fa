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
// the workspace or the whole archive, and may be called again. No process may be
// using it.
func (r Run) Archive(process string) error {
	work, file := filepath.Join(r.agent(process), "work"), r.ArchiveFile(process)
	if missing(file) && !missing(work) {
		if err := pack(work, file); err != nil {
			return fmt.Errorf("cannot archive the workspace of %s: %w", process, err)
		}
	}
	return r.Discard(process) // what is left of it, where there is an archive
}

func missing(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

func pack(dir, file string) error {
	st, err := outside().stat(dir)
	if err != nil {
		return err
	}
	return WriteFile(file, true, func(w io.Writer) error {
		z := gzip.NewWriter(w)
		p := packing{tar.NewWriter(z), st.Uid}
		err := outside().within(dir, 0o500, func(d *directory) error { return p.all(d, "work") })
		return errors.Join(err, p.Close(), z.Close())
	})
}

// A packing is one workspace on its way into an archive.
type packing struct {
	*tar.Writer
	owner uint32 // of the files
}

// all packs what is in a directory, under a name.
func (p *packing) all(d *directory, under string) error {
	names, err := d.names()
	if err != nil {
		return d.fail("", err)
	}
	for _, name := range names {
		if err := p.entry(d, name, under+"/"+name); err != nil {
			return d.fail(name, err)
		}
	}
	return nil
}

// mostPacked is the longest file, in bytes, that is packed: zeros that are stored
// nowhere may be a terabyte, and would be written out.
const mostPacked = 16 << 30

func (p *packing) entry(d *directory, name, as string) error {
	st, err := d.stat(name)
	if err != nil {
		return err
	}
	n := nodeOf(name, &st)
	h := &tar.Header{Name: as, Mode: int64(n.permissions()), ModTime: time.Unix(n.mtime.sec, n.mtime.nsec), Format: tar.FormatPAX}
	switch n.kind() {
	case unix.S_IFDIR:
		h.Typeflag, h.Name = tar.TypeDir, as+"/"
		if err := p.WriteHeader(h); err != nil {
			return err
		}
		return d.within(name, 0o500, func(child *directory) error { return p.all(child, as) })
	case unix.S_IFLNK:
		h.Typeflag = tar.TypeSymlink
		if h.Linkname, err = d.readLink(name, n.size); err != nil {
			return err
		}
		return p.WriteHeader(h)
	case unix.S_IFREG:
		return p.file(d, name, h)
	}
	return nil
}

func (p *packing) file(d *directory, name string, h *tar.Header) error {
	f, st, err := d.openFile(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if st.Nlink > 1 && st.Uid != p.owner {
		return nil // linked here, it would be given away
	}
	if h.Typeflag, h.Size = tar.TypeReg, st.Size; h.Size > mostPacked {
		return fmt.Errorf("it has %d bytes, more than the %d that are packed", h.Size, int64(mostPacked))
	}
	if err := p.WriteHeader(h); err != nil {
		return err
	}
	_, err = io.CopyN(p, f, h.Size)
	return err
}
