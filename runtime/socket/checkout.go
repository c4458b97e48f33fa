package socket

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/troupe-dev/troupe/runtime/tree"
)

// A Checkout is what came of one.
type Checkout struct {
	Version int // of the tree
	Files   int // that were brought
	Missing []string
}

// Checkout brings what the tree has at some paths, and below them, into the copy.
// What the copy has there of a tree that has it no more is removed. Changes that
// are not committed are in its way, unless force gives them up.
func (w *Copy) Checkout(paths []string, force bool) (out Checkout, err error) {
	err = w.noting(func() error {
		out, err = w.checkout(paths, force)
		return err
	})
	return out, err
}

func (w *Copy) checkout(paths []string, force bool) (Checkout, error) {
	out := Checkout{}
	if !force {
		if changed, err := w.changed(paths); err != nil || len(changed) > 0 {
			if err == nil {
				err = fmt.Errorf("%s has changes that are not committed: commit it, or give them up with --force", strings.Join(changed, ", "))
			}
			return out, err
		}
	}
	came := map[string]bool{}
	reply, err := w.client.Ask(&Request{Op: "checkout", Agent: w.Agent, Paths: paths}, func(r *Reply) error {
		if r.File == nil || r.File.Gone {
			return nil
		}
		came[r.File.Path] = true
		return w.bring(r.File)
	})
	if err != nil {
		return out, err
	}
	for _, name := range slices.Sorted(maps.Keys(w.notes.Files)) {
		if came[name] || !under(name, paths) {
			continue
		}
		if l, err := w.read(name); err != nil {
			return out, err
		} else if l != nil {
			if err := w.root.Remove(name); err != nil {
				return out, err
			}
		}
		delete(w.notes.Files, name)
		w.dirty = true
	}
	return Checkout{Version: *reply.Version, Files: len(came), Missing: reply.Missing}, nil
}

// bring puts a file of the tree in place.
func (w *Copy) bring(f *File) error {
	content := f.Bytes()
	if tree.Hash(content) != f.Hash {
		return fmt.Errorf("%s did not come whole", f.Path)
	}
	if err := w.base(f, content); err != nil {
		return err
	}
	return w.write(f.Path, content, f.Exec)
}

// base notes which version of a file the copy is made of.
func (w *Copy) base(f *File, content []byte) error {
	w.dirty = true
	w.notes.Files[f.Path] = noted{Version: f.Version, Hash: f.Hash, Exec: f.Exec}
	return w.write(basesDir+"/"+f.Hash, content, false)
}

// changed lists the files at some paths that are not as they were checked out.
func (w *Copy) changed(paths []string) ([]string, error) {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(w.notes.Files)) {
		n := w.notes.Files[name]
		if !under(name, paths) {
			continue
		}
		l, err := w.read(name)
		if err != nil {
			return nil, err
		}
		if !n.is(l) && n.Staged != staging(l) {
			list = append(list, name)
		}
	}
	return list, nil
}

// is says whether a file is as it was checked out.
func (n *noted) is(l *local) bool {
	if l == nil {
		return n.Version == tree.None
	}
	return n.Version != tree.None && n.Hash == l.hash && n.Exec == l.exec
}

// staging is what is noted of a file that is to be committed as it is.
func staging(l *local) string {
	if l == nil {
		return gone
	}
	return stagedAs(l.hash, l.exec)
}

func stagedAs(hash string, exec bool) string {
	if exec {
		return hash + " exec"
	}
	return hash
}

// under says whether a path is one of others, or below one.
func under(name string, paths []string) bool {
	return slices.ContainsFunc(paths, func(p string) bool {
		return p == "." || p == name || strings.HasPrefix(name, p+"/")
	})
}
