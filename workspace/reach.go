package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// What everybody must be allowed to do, of a file's permissions.
const (
	othersRead   = 0o004
	othersSearch = 0o001
)

// reachable says what keeps a user who owns nothing from the site: the directory
// above the run's that is closed, the program, or what it reads.
func (s *Site) reachable() error {
	if err := searchable(filepath.Dir(s.Data)); err != nil {
		return fmt.Errorf("the agents' users cannot reach the data directory: %w", err)
	}
	for _, p := range s.Programs {
		if err := executableByAll(p); err != nil {
			return fmt.Errorf("the agents' users cannot execute %s: %w", p, err)
		}
	}
	for _, p := range s.Reads {
		if err := readableByAll(p); err != nil {
			return fmt.Errorf("the agents' users cannot read %s: %w", p, err)
		}
	}
	return nil
}

// searchable says which directory on the way to path, itself included, lets only
// some users through.
func searchable(path string) error {
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) && path != filepath.Dir(path) {
		return searchable(filepath.Dir(path)) // it is made when it is needed, for all
	}
	if err != nil {
		return err
	}
	for dir := real; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		if info.IsDir() && info.Mode()&othersSearch == 0 {
			return fmt.Errorf("the directory %s is closed to others (mode %#o): chmod o+x %s opens the way through it", dir, info.Mode().Perm(), dir)
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

// publicBelow is what all may read of a directory and of all below it: it alone
// where that is everything, else parts of it, and the directories that hold parts.
// Links are no part: what they lead to has its own place.
func publicBelow(dir string) (parts, holders []string, whole bool) {
	whole = true
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, false
	}
	for _, e := range entries {
		info, err := e.Info()
		path := filepath.Join(dir, e.Name())
		switch {
		case err != nil || info.Mode().Type() == fs.ModeSymlink:
		case info.Mode()&othersRead == 0 || info.IsDir() && info.Mode()&othersSearch == 0:
			whole = false
		case info.IsDir():
			p, h, all := publicBelow(path)
			parts, holders, whole = append(parts, p...), append(holders, h...), whole && all
		default:
			parts = append(parts, path)
		}
	}
	if whole {
		return []string{dir}, nil, true
	}
	return parts, append(holders, dir), false
}

// executableByAll says what keeps others from executing a file. Scripts are read
// by others who execute them, so all have to be readable.
func executableByAll(path string) error {
	for _, p := range []string{path, resolved(path)} {
		if err := searchable(filepath.Dir(p)); err != nil {
			return err
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return allows(info, path, othersRead|othersSearch, "rx")
}

// readableByAll says what keeps others from a file, or from what a directory
// lists. Where there is nothing, nothing is kept from them.
func readableByAll(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, p := range []string{path, resolved(path)} {
		if err := searchable(filepath.Dir(p)); err != nil {
			return err
		}
	}
	if info.IsDir() {
		return allows(info, path, othersRead|othersSearch, "rx")
	}
	return allows(info, path, othersRead, "r")
}

// allows says that others may not do what they want with a file; letters are
// what they want as chmod has it.
func allows(info fs.FileInfo, path string, want fs.FileMode, letters string) error {
	if info.Mode()&want == want {
		return nil
	}
	return fmt.Errorf("its mode is %#o: chmod o+%s %s opens it", info.Mode().Perm(), letters, path)
}

// resolved is where a path leads to.
func resolved(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

// admit opens the run's directories, and those above it up to the data
// directory, to users who know the names of what they look for. What else is in
// them keeps its own permissions. Other runs, whose processes may have had the
// same users, are closed: one supervisor at a time has a data directory.
func (s *Site) admit() error {
	rel, err := filepath.Rel(s.Data, s.Run.Dir)
	if err != nil || !filepath.IsLocal(rel) {
		return fmt.Errorf("%s is not below %s", s.Run.Dir, s.Data)
	}
	agents := filepath.Join(s.Run.Dir, "agents")
	if err := os.MkdirAll(agents, newMode); err != nil {
		return err
	}
	runs := filepath.Join(s.Data, "runs")
	for _, name := range readDir(runs) {
		if dir := filepath.Join(runs, name); within(runs, s.Run.Dir) && dir != s.Run.Dir {
			shut(dir)
		}
	}
	for dir := agents; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err == nil && info.Mode()&passable != passable {
			err = os.Chmod(dir, info.Mode()|passable)
		}
		if err != nil || dir == s.Data {
			return err
		}
	}
}

// passable is what a directory has that others may pass.
const passable = 0o011

// shut keeps others from passing a directory that admit has opened.
func shut(dir string) {
	if info, err := os.Lstat(dir); err == nil && info.IsDir() && info.Mode()&passable != 0 {
		_ = os.Chmod(dir, info.Mode()&^passable)
	}
}
