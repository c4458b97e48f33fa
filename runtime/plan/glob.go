package plan

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
)

// most is how many files one entry may name.
const most = 10_000

// glob lists the regular files below dir that a pattern names, as paths
// relative to dir, sorted and slash-separated. ** stands for any number of
// directories; a directory that the pattern names stands for everything in it.
// Names that begin with a dot are matched only by a pattern that says the dot,
// so that ** does not drag in .git. Symbolic links are followed.
func glob(dir, pattern string) ([]string, error) {
	segments := strings.Split(path.Clean(pattern), "/")
	for _, s := range segments {
		if _, err := path.Match(s, ""); err != nil {
			return nil, fmt.Errorf("%q is not a pattern: %w", pattern, err)
		}
	}
	g := globber{dir: dir, seen: map[string]bool{}}
	if err := g.walk("", segments, nil); err != nil {
		return nil, err
	}
	return g.found, nil
}

type globber struct {
	dir   string
	found []string
	seen  map[string]bool
}

// walk matches segments against what is in at. Trail holds the real paths of
// the directories on the way, to end where a symbolic link leads back.
func (g *globber) walk(at string, segments, trail []string) error {
	full := filepath.Join(g.dir, filepath.FromSlash(at))
	if len(segments) == 0 {
		info, err := os.Stat(full)
		switch {
		case err != nil:
			return err
		case info.Mode().IsRegular():
			return g.add(at)
		case !info.IsDir():
			return nil // a socket or a device is not a file to copy
		}
		segments = []string{"**", "*"}
	}
	segment, rest := segments[0], segments[1:]
	if !strings.ContainsAny(segment, `*?[\`) {
		if absent(filepath.Join(full, segment)) {
			return nil
		}
		return g.walk(path.Join(at, segment), rest, trail)
	}
	real, err := filepath.EvalSymlinks(full)
	if err != nil {
		return err
	}
	for _, passed := range trail {
		if passed == real {
			return nil
		}
	}
	return g.list(at, segments, append(trail[:len(trail):len(trail)], real))
}

// absent says whether nothing is at a path; a link to nothing is nothing.
func absent(file string) bool {
	_, err := os.Stat(file)
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

func (g *globber) list(at string, segments, trail []string) error {
	full := filepath.Join(g.dir, filepath.FromSlash(at))
	if info, err := os.Stat(full); err != nil || !info.IsDir() {
		return err
	}
	entries, err := os.ReadDir(full)
	if err != nil {
		return err
	}
	segment, rest := segments[0], segments[1:]
	if segment == "**" {
		if len(rest) == 0 {
			rest = []string{"*"}
		}
		// No directory at all: what follows ** is looked for right here.
		if err := g.walk(at, rest, trail[:len(trail)-1]); err != nil {
			return err
		}
	}
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") && !strings.HasPrefix(segment, ".") || absent(filepath.Join(full, name)) {
			continue
		}
		below := path.Join(at, name)
		if segment == "**" {
			if info, err := os.Stat(filepath.Join(g.dir, filepath.FromSlash(below))); err != nil || !info.IsDir() {
				continue
			}
			if err := g.walk(below, segments, trail); err != nil {
				return err
			}
		} else if ok, _ := path.Match(segment, name); ok {
			if err := g.walk(below, rest, trail); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *globber) add(file string) error {
	if g.seen[file] {
		return nil
	}
	if len(g.found) == most {
		return fmt.Errorf("the pattern names more than %d files", most)
	}
	g.seen[file] = true
	g.found = append(g.found, file)
	return nil
}
