package workspace

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// Tool has this very program where agents find it by a name: what they start can
// say its commands, in the version that runs them, whatever PATH has and whoever
// may enter the place where it lies. It gives a directory below the data directory
// which has the program and nothing else; empty where PATH has the program, and
// agents can execute it there. Its id tells versions apart: those with another id
// are removed.
func (w *Walls) Tool(data, name, id string) (dir string, err error) {
	own, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("cannot find this program: %w", err)
	}
	if at, err := exec.LookPath(name); err == nil && sameFile(at, own) && (w.uids == nil || executableByAll(at) == nil) {
		return "", nil
	}
	bin := filepath.Join(data, "bin")
	dir = filepath.Join(bin, id)
	for _, other := range readDir(bin) {
		if other != id {
			_ = os.RemoveAll(filepath.Join(bin, other)) // it takes room, and harms nobody
		}
	}
	if _, err := os.Lstat(dir); err == nil {
		return dir, nil
	}
	fresh := filepath.Join(bin, unfinished+id) // which the next call removes if this one is killed
	err = os.MkdirAll(fresh, newMode)
	if err == nil {
		err = place(own, filepath.Join(fresh, name))
	}
	for _, d := range []string{bin, fresh} { // whatever the umask is
		if err == nil {
			err = os.Chmod(d, 0o755) //nolint:gosec // agents of other users pass
		}
	}
	if err == nil {
		err = os.Rename(fresh, dir)
	}
	if err != nil {
		return "", fmt.Errorf("cannot put %s where agents find it: %w", name, err)
	}
	return dir, nil
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// place makes a path another name of a program, or a copy where not all may
// execute that, or it lies on another disk.
func place(program, path string) error {
	info, err := os.Stat(program)
	if err != nil {
		return err
	}
	if allows(info, program, othersRead|othersSearch, "rx") == nil && os.Link(program, path) == nil {
		return nil
	}
	err = WriteFile(path, false, func(w io.Writer) error {
		from, err := os.Open(program)
		if err != nil {
			return err
		}
		defer func() { _ = from.Close() }()
		_, err = io.Copy(w, from)
		return err
	})
	if err != nil {
		return err
	}
	return os.Chmod(path, 0o755) //nolint:gosec // as install
}
