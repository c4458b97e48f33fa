package socket

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"

	"github.com/troupe-dev/troupe/runtime/tree"
)

// A Copy is a directory into which paths of the shared tree are checked out. It
// notes in a directory of its own which versions it has. One goroutine uses it; any
// number of them, and of processes, may have copies of one directory: what they do
// with its notes they do one after another.
type Copy struct {
	Agent string // who asks; empty where the socket knows

	client *Client
	root   *os.Root
	dir    string
	notes  notes
	dirty  bool // they have changed
}

// notes are what a copy remembers.
type notes struct {
	Files  map[string]noted `json:"files"`
	Leases map[int][]string `json:"leases,omitempty"` // paths by the token of a lease that was seen
}

// A noted file is one that was checked out, or is to be committed.
type noted struct {
	Version int    `json:"version"` // tree.None where there was none
	Hash    string `json:"sha256,omitempty"`
	Exec    bool   `json:"exec,omitempty"`
	// Staged is what was asked to be committed in a tick and is not known to be,
	// as staging has it.
	Staged string `json:"staged,omitempty"`
	Tick   int    `json:"tick,omitempty"`
}

const (
	notesFile = tree.Notes + "/notes.json"
	lockFile  = tree.Notes + "/lock"
	basesDir  = tree.Notes + "/base" // contents as they were checked out, under their hashes
	gone      = "gone"
)

// OpenCopy finds the copy that a directory is in, or begins one in it.
func OpenCopy(c *Client, dir string) (*Copy, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	at := dir
	for up := dir; ; up = filepath.Dir(up) {
		// The directory alone says nothing: a data directory may have its name.
		if info, err := os.Stat(filepath.Join(up, filepath.FromSlash(notesFile))); err == nil && info.Mode().IsRegular() {
			at = up
			break
		}
		if up == filepath.Dir(up) {
			break
		}
	}
	root, err := os.OpenRoot(at)
	if err != nil {
		return nil, err
	}
	return &Copy{client: c, root: root, dir: at}, nil
}

// Close lets go of the directory.
func (w *Copy) Close() error { return w.root.Close() }

// noting does something with the notes, alone of all who use the directory, and
// keeps what it has noted, whatever came of it.
func (w *Copy) noting(do func() error) (err error) {
	if err := w.root.MkdirAll(tree.Notes, 0o755); err != nil {
		return err
	}
	lock := flock.New(filepath.Join(w.dir, filepath.FromSlash(lockFile)))
	if err := lock.Lock(); err != nil {
		return fmt.Errorf("cannot lock the notes of what is checked out: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	if err := w.readNotes(); err != nil {
		return err
	}
	return errors.Join(do(), w.writeNotes())
}

func (w *Copy) readNotes() error {
	w.notes, w.dirty = notes{}, false
	text, err := w.root.ReadFile(notesFile)
	if err == nil {
		err = json.Unmarshal(text, &w.notes)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot read which versions are checked out: %w", err)
	}
	if w.notes.Files == nil {
		w.notes.Files = map[string]noted{}
	}
	if w.notes.Leases == nil {
		w.notes.Leases = map[int][]string{}
	}
	return nil
}

func (w *Copy) writeNotes() error {
	if !w.dirty {
		return nil
	}
	text, err := json.Marshal(&w.notes)
	if err == nil {
		err = w.write(notesFile, text, false)
	}
	if err == nil {
		err = w.sweep()
	}
	return err
}

// sweep removes the contents that no note names any more.
func (w *Copy) sweep() error {
	needed := map[string]bool{}
	for _, n := range w.notes.Files {
		needed[n.Hash] = true
	}
	dir, err := w.root.Open(basesDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	names, err := dir.Readdirnames(-1)
	err = errors.Join(err, dir.Close())
	for _, name := range names {
		if !needed[name] {
			err = errors.Join(err, w.root.Remove(basesDir+"/"+name))
		}
	}
	return err
}

// Paths are those of the tree that names in a directory of the copy stand for.
func (w *Copy) Paths(dir string, names []string) ([]string, error) {
	paths := make([]string, len(names))
	for i, name := range names {
		at := name
		if !filepath.IsAbs(at) {
			at = filepath.Join(dir, at)
		}
		rel, err := filepath.Rel(w.dir, at)
		if err != nil {
			return nil, err
		}
		paths[i] = filepath.ToSlash(rel)
		if paths[i] == "." {
			continue
		}
		if err := tree.CheckPath(paths[i]); err != nil {
			return nil, err
		}
	}
	return paths, nil
}

// write replaces a file of the copy.
func (w *Copy) write(name string, content []byte, exec bool) error {
	if err := w.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	if exec {
		mode = 0o755
	}
	if err := w.root.MkdirAll(tree.Notes, 0o755); err != nil {
		return err
	}
	const fresh = tree.Notes + "/new"
	if err := w.root.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := w.root.OpenFile(fresh, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return w.root.Rename(fresh, name)
}

// A local file is one that the copy has.
type local struct {
	content []byte
	hash    string
	exec    bool
}

// read gives a file of the copy; nil where there is none.
func (w *Copy) read(name string) (*local, error) {
	info, err := w.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() || isNotDir(err) {
		return nil, nil
	}
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file: the tree has files alone", name)
	}
	var content []byte
	if err == nil {
		content, err = w.root.ReadFile(name)
	}
	if err != nil {
		return nil, err
	}
	return &local{content, tree.Hash(content), info.Mode()&0o111 != 0}, nil
}

func isNotDir(err error) bool {
	return err != nil && strings.Contains(err.Error(), "not a directory")
}

// locals lists the files of the copy at a path or below it.
func (w *Copy) locals(at string) ([]string, error) {
	var list []string
	err := fs.WalkDir(w.root.FS(), at, func(name string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist), isNotDir(err):
			return nil
		case err != nil:
			return err
		case e.IsDir() && e.Name() == tree.Notes:
			return fs.SkipDir
		case !e.IsDir():
			list = append(list, name)
		}
		return nil
	})
	return list, err
}
