package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// fill copies the template into work, which was just made: whatever is there by
// then was put there by somebody else, and is an error. Nothing is ever written
// through a link.
func (w *Workspace) fill() error {
	if w.Template == "" {
		return nil
	}
	top := outside()
	st, err := top.stat(w.Work)
	if err == nil {
		f := filling{restoring{uid: st.Uid, gid: st.Gid}}
		err = f.directory(w.Template, top, w.Work)
	}
	if err != nil {
		return fmt.Errorf("cannot copy a template into a workspace: %w", err)
	}
	return nil
}

// A filling copies a tree of the run's own.
type filling struct{ restoring }

func (f *filling) directory(from string, d *directory, name string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	return d.within(name, newMode, func(child *directory) error {
		for _, e := range entries {
			if err := f.entry(filepath.Join(from, e.Name()), e, child); err != nil {
				return err
			}
		}
		return nil
	})
}

func (f *filling) entry(from string, e fs.DirEntry, d *directory) error {
	name := e.Name()
	var err error
	switch e.Type() {
	case fs.ModeDir:
		if err = unix.Mkdirat(d.fd, name, newMode); err == nil {
			err = f.give(d, name)
		}
		if err == nil {
			err = f.directory(from, d, name)
		}
		if err == nil { // whatever the umask is
			return chmodAt(d.fd, name, 0o755)
		}
	case fs.ModeSymlink:
		var target string
		if target, err = os.Readlink(from); err == nil {
			err = unix.Symlinkat(target, d.fd, name)
		}
		if err == nil {
			err = f.give(d, name)
		}
	default:
		err = f.file(from, d, name)
	}
	if err != nil {
		return d.fail(name, err)
	}
	return nil
}

// file copies one file. It is the owner's to write, and has its old time: git
// goes by that.
func (f *filling) file(from string, d *directory, name string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	fd, err := d.open(name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	out := os.NewFile(uintptr(fd), name)
	err = copyFile(out, in)
	if err == nil {
		err = f.give(d, name)
	}
	if err == nil {
		err = unix.Fchmod(fd, uint32(info.Mode().Perm())|0o600)
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	at := unix.NsecToTimespec(info.ModTime().UnixNano())
	return touchAt(d.fd, name, stampOf(at))
}

// AdoptTemplate takes over a template that another run has under a name, and shares
// its files with it, where the file system can: they are never written to again.
func (r Run) AdoptTemplate(from Run, name, as string) error {
	if err := linkTree(from.Program(name), r.Program(as)); err != nil {
		return fmt.Errorf("cannot take over a template: %w", err)
	}
	return nil
}

// Links are the symbolic links of a template of the run's, by their paths below it,
// with what they lead to; those that git keeps for itself are left out.
func (r Run) Links(name string) (map[string]string, error) {
	root, links := r.Program(name), map[string]string{}
	err := filepath.WalkDir(root, func(at string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below, err := filepath.Rel(root, at)
		switch {
		case err != nil:
			return err
		case below == ".git" && e.IsDir():
			return fs.SkipDir
		case e.Type() != fs.ModeSymlink:
			return nil
		}
		links[filepath.ToSlash(below)], err = os.Readlink(at)
		return err
	})
	return links, err
}
