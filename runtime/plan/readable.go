package plan

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A readable set is what the processes of one program may read and execute
// besides what every process may: absolute paths of files, and of directories
// with all below them.
type readableSet map[string]bool

func (s readableSet) list() []string { return slices.Sorted(maps.Keys(s)) }

// allows adds what a process reads that executes a program: where its path leads
// to, and the tree that the program was installed in, which holds its libraries.
func (r *resolver) allows(program string) {
	for range mostInterpreters {
		if !filepath.IsAbs(program) {
			return
		}
		real, err := filepath.EvalSymlinks(program)
		if err != nil {
			return // told elsewhere
		}
		for _, path := range []string{filepath.Clean(program), real} {
			if tree := treeOf(path); !r.find.shared(tree) {
				r.readable[tree] = true
			}
		}
		if program, err = r.find.interpreter(real); err != nil {
			return // told elsewhere
		}
	}
}

// mostInterpreters is how many programs the kernel goes on to from one, each the
// interpreter of the one before; it gives up behind them.
const mostInterpreters = 5

// reads adds a file or a directory that a command names by its whole path.
func (r *resolver) reads(word string) {
	if !filepath.IsAbs(word) {
		return
	}
	if path := filepath.Clean(word); !absent(path) && path != "/" && !r.find.shared(path) {
		r.readable[path] = true
	}
}

// starts adds what a process of a resolved command reads where it lies.
func (r *resolver) starts(argv []string) {
	r.allows(argv[0])
	for _, word := range argv[1:] {
		r.reads(word)
	}
}

// Readable are the files and directories that a process of a command reads where
// they lie, less those for which shared says yes. The first word is an absolute
// path, or troupe.
func Readable(argv []string, shared func(path string) bool) []string {
	r := newResolver(newFinder("", Options{Shared: shared, LookPath: exec.LookPath}), func(string, string, string) {})
	r.starts(argv)
	return r.readable.list()
}

// installs are the names of directories that hold programs of what is installed
// around them.
var installs = []string{"bin", "sbin", "shims", "libexec"}

// modules is the directory of a package of Node's and of those that it needs.
const modules = "/node_modules"

// treeOf is the directory tree that a program was installed in: that of
// ~/.pyenv/shims/python3 is ~/.pyenv. A home is no such tree, and neither is what
// stands in one for all that its user has installed: the program's own directory
// is all of them that it needs. A program that stands alone is its own tree.
func treeOf(program string) string {
	dir := filepath.Dir(program)
	if above, _, ok := strings.Cut(program, modules+"/"); ok {
		return above + modules
	}
	if !slices.Contains(installs, filepath.Base(dir)) {
		return program
	}
	tree := filepath.Dir(dir)
	if tree == "/" || home(tree) || filepath.Base(tree) == ".local" {
		return dir
	}
	return tree
}

// home says whether a directory is somebody's home, or holds those.
func home(dir string) bool {
	own, _ := os.UserHomeDir()
	return dir == own || dir == "/root" || dir == "/home" || filepath.Dir(dir) == "/home"
}

// listed adds what a scenario says is readable.
func (r *resolver) listed(paths []string) {
	for i, name := range paths {
		at := fmt.Sprintf(".readable[%d]", i)
		switch path := r.find.absolute(name); {
		case name == "" || strings.ContainsRune(name, 0):
			r.wrong(at, fmt.Sprintf("readable: %q is no path", name), "name a file or a directory, such as /srv/models")
		case absent(path):
			r.wrong(at, fmt.Sprintf("readable: there is no %s", path), "a path is relative to the scenario unless it begins with /")
		case path == "/":
			r.wrong(at, "readable: all files are no list", "name the directories that the agent needs, or use isolation: none")
		default:
			r.readable[path] = true
		}
	}
}

// absolute is where a name leads that is relative to the scenario, or is not.
func (f *finder) absolute(name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return f.path(name)
}
