package workspace

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Adopt takes over what another run keeps of a process: captures of its files up
// to a tick, and the states that its agents told, of which the fleet drops those
// after it when it begins. It gives the tick of the newest capture; -1 for none.
// Nobody may be using either.
func (r Run) Adopt(from Run, process string, last int) (newest int, err error) {
	for _, kept := range []string{"files", "states"} {
		at := filepath.Join("checkpoints", kept, process)
		if err := linkTree(filepath.Join(from.Dir, at), filepath.Join(r.Dir, at)); err != nil {
			return -1, fmt.Errorf("cannot take over what is kept of %s: %w", process, err)
		}
	}
	c, err := r.Captures(process, true)
	if err != nil {
		return -1, err
	}
	return c.newestUpTo(last)
}

// newestUpTo drops the captures after a tick and gives the newest that is left.
func (c *Captures) newestUpTo(last int) (int, error) {
	if err := c.Drop(last); err != nil {
		return -1, err
	}
	return c.Newest(), nil
}

// linkTree makes a directory of the same files: they are never written to again,
// and shared where the file system can. A directory that is not there has none.
func linkTree(from, to string) error {
	if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, below)
		switch {
		case e.IsDir():
			return os.MkdirAll(target, 0o700)
		case e.Type() == fs.ModeSymlink:
			to, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(to, target)
		case os.Link(path, target) == nil:
			return nil
		}
		return duplicate(path, target)
	})
}

func duplicate(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}
