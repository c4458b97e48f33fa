package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
)

// largest is the longest file that is copied into a run, in bytes.
const largest = 64 << 20

// copied is what the words of a command begin with that name a copied file.
const copied = "{program}/"

// A finder looks up what a scenario names, and reads each file once.
type finder struct {
	dir      string // absolute; where relative names start
	beside   string // absolute; where they start that are not there; empty for nowhere
	lookPath func(string) (string, error)
	troupe   func(args []string) error
	shared   func(path string) bool
	read     map[string]readFile  // by absolute path
	found    map[string]foundPath // by name
	known    map[string]bool      // what regular said, by name
}

func newFinder(dir string, opts Options) *finder {
	if opts.Shared == nil {
		opts.Shared = func(string) bool { return false }
	}
	return &finder{
		dir:      dir,
		beside:   opts.Beside,
		lookPath: opts.LookPath,
		troupe:   opts.Troupe,
		shared:   opts.Shared,
		read:     map[string]readFile{},
		found:    map[string]foundPath{},
		known:    map[string]bool{},
	}
}

type readFile struct {
	file File
	err  error
}

type foundPath struct {
	path string
	err  error
}

// program finds a program in PATH.
func (f *finder) program(name string) (string, error) {
	if p, ok := f.found[name]; ok {
		return p.path, p.err
	}
	found, err := f.lookPath(name)
	if err == nil {
		found, err = filepath.Abs(found)
	}
	f.found[name] = foundPath{found, err}
	return found, err
}

// path is where a relative name's file is.
func (f *finder) path(name string) string {
	at := filepath.Join(f.dir, name)
	if f.beside != "" && absent(at) {
		return filepath.Join(f.beside, name)
	}
	return at
}

// home is where people look for the files.
func (f *finder) home() string { return or(f.beside, f.dir) }

// glob lists the files that a pattern names.
func (f *finder) glob(pattern string) ([]string, error) {
	names, err := glob(f.dir, pattern)
	if err == nil && len(names) == 0 && f.beside != "" {
		return glob(f.beside, pattern)
	}
	return names, err
}

// regular says whether a relative name is that of a file beside the scenario.
func (f *finder) regular(name string) bool {
	if name == "" || strings.HasPrefix(name, "-") || filepath.IsAbs(name) || strings.ContainsRune(name, 0) {
		return false
	}
	known, ok := f.known[name]
	if !ok {
		info, err := os.Stat(f.path(name))
		known = err == nil && info.Mode().IsRegular()
		f.known[name] = known
	}
	return known
}

// open reads a relative name's file for its hash.
func (f *finder) open(name string) (File, error) {
	source := f.path(name)
	if r, ok := f.read[source]; ok {
		return r.file, r.err
	}
	file, err := hash(source)
	file.Path = within(name)
	f.read[source] = readFile{file, err}
	return file, err
}

func hash(source string) (File, error) {
	in, err := os.Open(source)
	if err != nil {
		return File{}, err
	}
	defer func() { _ = in.Close() }()
	info, err := in.Stat()
	if err != nil {
		return File{}, err
	}
	if !info.Mode().IsRegular() {
		return File{}, fmt.Errorf("%s is not a regular file", source)
	}
	sum := sha256.New()
	n, err := io.Copy(sum, io.LimitReader(in, largest+1))
	if err != nil {
		return File{}, err
	}
	if n > largest {
		return File{}, fmt.Errorf("%s is larger than 64 MiB, the most that is copied into a run", source)
	}
	return File{
		Source: source,
		SHA256: hex.EncodeToString(sum.Sum(nil)),
		Exec:   info.Mode()&0o111 != 0,
	}, nil
}

// within is the path of a file's copy: a name that climbs out of the
// scenario's directory has __ for each .. in it.
func within(name string) string {
	segments := strings.Split(path.Clean(filepath.ToSlash(name)), "/")
	for i, s := range segments {
		if s != ".." {
			break
		}
		segments[i] = "__"
	}
	return path.Join(segments...)
}

// A fileSet is what one program's copies are made of.
type fileSet map[string]File // by Path

// add refuses a file whose copy would take the place of another one's.
func (s fileSet) add(file File) error {
	if old, ok := s[file.Path]; ok {
		if old.Source != file.Source {
			return fmt.Errorf("%s and %s would both be copied to %s", old.Source, file.Source, file.Path)
		}
		file.Exec = file.Exec || old.Exec
		file.Interpreter = cmp.Or(file.Interpreter, old.Interpreter)
	}
	s[file.Path] = file
	return nil
}

// holds says whether a path is that of a file, or of a directory with files.
func (s fileSet) holds(name string) bool {
	if _, ok := s[name]; ok {
		return true
	}
	for p := range s {
		if strings.HasPrefix(p, name+"/") {
			return true
		}
	}
	return false
}

func (s fileSet) list() []File {
	if len(s) == 0 {
		return nil
	}
	out := make([]File, 0, len(s))
	for _, file := range s {
		out = append(out, file)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Path < out[j].Path })
	return out
}
