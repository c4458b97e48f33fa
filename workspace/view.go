package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
)

// viewDir is where a process's view lies, beside its workspace.
const viewDir = "shared"

// A view is what one process sees of the shared tree: names of the tree's own
// files in a directory that belongs to the supervisor. So each process can be shown
// what it may read and nothing else, whatever walls there are: the directory is
// as closed to others as what else the process has, and its files cannot be
// written by it.
type view struct {
	dir   string // below the run's
	shows func(path string) bool
}

// View makes the directory in which a process reads those files of the tree that
// shows covers, and has it follow the tree until Unview: each file in it changes at
// once and whole. What is there already goes.
func (s *Shelf) View(process string, shows func(path string) bool) (dir string, err error) {
	s.tree.Lock()
	defer s.tree.Unlock()
	v := &view{dir: path.Join("agents", process, viewDir), shows: shows}
	err = s.root.RemoveAll(v.dir)
	if err == nil {
		err = s.makeDirs(v.dir)
	}
	if err == nil {
		err = s.fill(v)
	}
	if err != nil {
		return "", fmt.Errorf("cannot show the shared tree to %s: %w", process, err)
	}
	s.views[process] = v
	return s.run.View(process), nil
}

// Unview ends a view and removes it. Its process is gone.
func (s *Shelf) Unview(process string) {
	s.tree.Lock()
	defer s.tree.Unlock()
	if v := s.views[process]; v != nil {
		delete(s.views, process)
		_ = s.root.RemoveAll(v.dir) // a later View does so too
	}
}

// fill makes a view have what there is.
func (s *Shelf) fill(v *view) error {
	tree, err := fs.Sub(s.root.FS(), sharedDir)
	if err != nil {
		return err
	}
	return fs.WalkDir(tree, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !v.shows(name) {
			return err
		}
		return s.show(v, name)
	})
}

// show makes a file of a view be the tree's.
func (s *Shelf) show(v *view, name string) error {
	from, to := path.Join(sharedDir, name), path.Join(v.dir, name)
	if err := s.makeDirs(path.Dir(to)); err != nil {
		return err
	}
	if s.link(from, to) != nil {
		return s.copy(from, to)
	}
	return nil
}

// copy is show where there can be no link.
func (s *Shelf) copy(from, to string) error {
	info, err := s.root.Stat(from)
	if err != nil {
		return err
	}
	content, err := s.root.ReadFile(from)
	if err != nil {
		return err
	}
	return s.place(to, content, info.Mode()&0o111 != 0)
}

// makeDirs makes a directory, and those above it, which whoever gets there can
// read, whatever this process's umask is.
func (s *Shelf) makeDirs(dir string) error {
	err := s.root.Mkdir(dir, 0o755)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case errors.Is(err, fs.ErrNotExist):
		if err = s.makeDirs(path.Dir(dir)); err == nil {
			err = s.root.Mkdir(dir, 0o755)
		}
	}
	if err != nil {
		return err
	}
	return s.root.Chmod(dir, 0o755)
}
