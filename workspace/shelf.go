package workspace

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/gofrs/flock"
)

// Names below the run's directory.
const (
	sharedDir   = "shared"     // the shared tree, as it is
	versionsDir = "versions"   // what its files hold or held, each content under its hash
	newDir      = "shared.new" // files on their way into one of them
	leaseDir    = "shared"     // below locks/
)

// A Shelf keeps the files of a run's shared tree. Only who made it writes them;
// Content, View and Unview may be called by any number of goroutines, the rest by
// one at a time.
// Paths are relative, slash-separated, and as short as they can be.
type Shelf struct {
	run   Run
	root  *os.Root
	safe  bool // what is written is on disk
	find  func(hash string) ([]byte, error)
	locks map[string]*flock.Flock // by leased path
	mu    sync.Mutex              // held while a content is stored

	tree  sync.Mutex       // held while the tree or a view is changed; before mu
	views map[string]*view // by process
}

// A SharedFile is what a path of the tree holds.
type SharedFile struct {
	Path string // slash-separated, below the tree
	Hash string // of its content: SHA-256 in hex
	Exec bool
}

// OpenShelf makes the shelf's directories where they are not there. With sync
// all that is written is on disk before the method returns that wrote it. Find
// gives a content that is not kept, or not whole: what is kept can be lost.
func (r Run) OpenShelf(sync bool, find func(hash string) ([]byte, error)) (*Shelf, error) {
	s := &Shelf{run: r, safe: sync, find: find, locks: map[string]*flock.Flock{}, views: map[string]*view{}}
	err := os.MkdirAll(filepath.Join(r.locks(), leaseDir), 0o700)
	if err == nil {
		s.root, err = os.OpenRoot(r.Dir)
	}
	if err == nil {
		err = s.root.RemoveAll(newDir) // of a supervisor that was killed
	}
	for _, dir := range []string{sharedDir, versionsDir, newDir} {
		if err == nil {
			err = s.root.MkdirAll(dir, 0o700) // who may read what is not the file system's to say
		}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot make the shared tree: %w", err)
	}
	return s, nil
}

// Close lets go of the tree and of all that Hold has locked.
func (s *Shelf) Close() {
	_ = s.Hold(nil)
	_ = s.root.Close()
}

// Write makes a path hold a content, which is kept from then on. Whoever reads
// the path reads all of the old content or all of the new one.
func (s *Shelf) Write(name string, content []byte, exec bool) error {
	hash := hashOf(content)
	if err := s.keep(hash, content); err != nil {
		return err
	}
	s.tree.Lock()
	defer s.tree.Unlock()
	err := s.put(name, hash, content, exec)
	for _, v := range s.views {
		if err == nil && v.shows(name) {
			err = s.show(v, name)
		}
	}
	return err
}

// Remove deletes a path, and directories above it that are empty then.
func (s *Shelf) Remove(name string) error {
	s.tree.Lock()
	defer s.tree.Unlock()
	err := s.remove(sharedDir, name)
	for _, v := range s.views {
		if err == nil && v.shows(name) {
			err = s.remove(v.dir, name)
		}
	}
	return err
}

// remove deletes a path below a directory of the run.
func (s *Shelf) remove(top, name string) error {
	err := s.root.Remove(path.Join(top, name))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	for dir := path.Dir(name); err == nil && dir != "."; dir = path.Dir(dir) {
		if s.root.Remove(path.Join(top, dir)) != nil {
			break // there are others in it
		}
	}
	return err
}

// keep stores a content under its hash.
func (s *Shelf) keep(hash string, content []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := path.Join(versionsDir, hash)
	if old, err := s.root.ReadFile(name); err == nil && bytes.Equal(old, content) {
		return nil
	}
	return s.place(name, content, false)
}

// put makes a path hold a content that is kept: another name of what is kept where
// that can be. Files that are made anew for each commit, and gone with the next, are
// what a file system is slow at.
func (s *Shelf) put(name, hash string, content []byte, exec bool) error {
	to := path.Join(sharedDir, name)
	if exec { // which what is kept is not
		return s.place(to, content, exec)
	}
	if err := s.root.MkdirAll(path.Dir(to), 0o755); err != nil {
		return err
	}
	if s.link(path.Join(versionsDir, hash), to) != nil {
		return s.place(to, content, exec)
	}
	return s.syncDir(path.Dir(to))
}

// link makes a path another name of a file, whatever it was before. It fails where
// the file system has no links, or no more of this file.
func (s *Shelf) link(from, to string) error {
	fresh := path.Join(newDir, hashOf([]byte(to)))
	err := s.root.Link(from, fresh)
	if errors.Is(err, fs.ErrExist) { // renaming does nothing where both are one file already
		if err = s.root.Remove(fresh); err == nil {
			err = s.root.Link(from, fresh)
		}
	}
	if err != nil {
		return err
	}
	if err = s.root.Rename(fresh, to); err != nil {
		err = errors.Join(err, s.root.Remove(fresh))
	}
	return err
}

// place writes a file by another name and renames it.
func (s *Shelf) place(name string, content []byte, exec bool) error {
	if err := s.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	mode := fs.FileMode(0o444)
	if exec {
		mode = 0o555
	}
	fresh := path.Join(newDir, hashOf([]byte(name))) // contents are stored by others meanwhile
	f, err := s.root.OpenFile(fresh, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Chmod(mode) // whatever this process's umask is: some read it in their views
	}
	if err == nil && s.safe {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = s.root.Rename(fresh, name)
	}
	if err != nil {
		return errors.Join(err, s.root.Remove(fresh))
	}
	return s.syncDir(path.Dir(name))
}

func (s *Shelf) syncDir(name string) error {
	if !s.safe {
		return nil
	}
	d, err := s.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Content is what a hash names.
func (s *Shelf) Content(hash string) ([]byte, error) {
	content, err := s.root.ReadFile(path.Join(versionsDir, hash))
	if err == nil && hashOf(content) == hash {
		return content, nil
	}
	if content, err = s.find(hash); err == nil && hashOf(content) != hash {
		err = errors.New("it is not what is on record")
	}
	if err == nil {
		s.mu.Lock()
		err = s.place(path.Join(versionsDir, hash), content, false)
		s.mu.Unlock()
	}
	if err != nil {
		return nil, fmt.Errorf("cannot find the content %s of the shared tree: %w", hash, err)
	}
	return content, nil
}

// Bring makes the tree have these files, and no others.
func (s *Shelf) Bring(files []SharedFile) error {
	want := map[string]SharedFile{}
	for _, f := range files {
		want[f.Path] = f
	}
	extra, err := s.differing(want)
	for _, name := range extra {
		if err == nil {
			err = s.root.RemoveAll(path.Join(sharedDir, name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		var content []byte
		if err == nil {
			content, err = s.Content(want[name].Hash)
		}
		if err == nil {
			err = s.put(name, want[name].Hash, content, want[name].Exec)
		}
	}
	if err != nil {
		return fmt.Errorf("cannot bring the shared tree to where the record is: %w", err)
	}
	return nil
}

// differing lists what the tree has and should not; what it has as it should
// be is taken from want.
func (s *Shelf) differing(want map[string]SharedFile) (extra []string, err error) {
	dirs := map[string]bool{".": true}
	for name := range want {
		for dir := path.Dir(name); !dirs[dir]; dir = path.Dir(dir) {
			dirs[dir] = true
		}
	}
	tree, err := fs.Sub(s.root.FS(), sharedDir)
	if err != nil {
		return nil, err
	}
	err = fs.WalkDir(tree, ".", func(name string, e fs.DirEntry, err error) error {
		switch f, wanted := want[name]; {
		case err != nil:
			return err
		case e.IsDir() && dirs[name]:
			return nil
		case e.Type().IsRegular() && wanted:
			if s.holds(name, f) {
				delete(want, name)
			}
			return nil
		}
		extra = append(extra, name)
		if e.IsDir() {
			return fs.SkipDir
		}
		return nil
	})
	return extra, err
}

func (s *Shelf) holds(name string, f SharedFile) bool {
	name = path.Join(sharedDir, name)
	info, err := s.root.Lstat(name)
	if err != nil || (info.Mode().Perm()&0o111 != 0) != f.Exec || info.Mode().Perm()&0o222 != 0 {
		return false
	}
	content, err := s.root.ReadFile(name)
	return err == nil && hashOf(content) == f.Hash
}

// Hold has a lock file held for each of these paths, and for no other. What
// it says is who has the lease.
func (s *Shelf) Hold(leased map[string]string) error {
	for name, lock := range s.locks {
		if _, still := leased[name]; !still {
			_ = os.Truncate(lock.Path(), 0)
			_ = lock.Unlock()
			delete(s.locks, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(leased)) {
		if s.locks[name] != nil {
			continue
		}
		lock := flock.New(filepath.Join(s.run.locks(), leaseDir, hashOf([]byte(name))[:32]+".lock"), flock.SetPermissions(0o600))
		ok, err := lock.TryLock()
		if err == nil && !ok {
			err = errors.New("another process holds it")
		}
		if err == nil {
			err = os.WriteFile(lock.Path(), []byte(strings.Join([]string{name, leased[name], ""}, "\n")), 0o600)
		}
		if err != nil {
			return fmt.Errorf("cannot lock %s for the lease on %s: %w", lock.Path(), name, err)
		}
		s.locks[name] = lock
	}
	return nil
}

func hashOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
