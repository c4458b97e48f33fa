package socket

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/troupe-dev/troupe/runtime/tree"
)

// A Commit is what came of one.
type Commit struct {
	Files   []string // that are changed; none where there was nothing to commit
	Version int      // of the tree, where it is decided already
	Staged  int      // the request's position, where it is not
	Tick    int      // at whose end it is
}

// mostMerges is how often a commit is tried again that others come before.
const mostMerges = 20

// Commit has what is changed at some paths, and below them, brought into the
// tree: all of it or nothing. With merge, what others have changed meanwhile is
// merged into the copy first. A token above 0 is that of the lease which it is
// made under.
func (w *Copy) Commit(paths []string, message string, token int, merge bool) (Commit, error) {
	for try := 1; ; try++ {
		var out Commit
		var reply *Reply
		err := w.noting(func() (err error) {
			out, reply, err = w.commit(paths, message, token, merge)
			return err
		})
		if merge && reply != nil && reply.Moved != nil && try < mostMerges {
			continue // it moved since it was merged
		}
		if reply != nil && reply.Moved != nil && !merge {
			err = fmt.Errorf("%w (troupe commit --merge merges)", err)
		}
		return out, err
	}
}

func (w *Copy) commit(paths []string, message string, token int, merge bool) (Commit, *Reply, error) {
	if err := w.settle(paths); err != nil {
		return Commit{}, nil, err
	}
	if merge {
		if err := w.merge(paths); err != nil {
			return Commit{}, nil, err
		}
	}
	changes, err := w.changes(paths)
	if err != nil || len(changes) == 0 {
		return Commit{}, nil, err
	}
	out := Commit{}
	for i := range changes {
		out.Files = append(out.Files, changes[i].Path)
	}
	if token == 0 {
		if token, err = w.lease(out.Files); err != nil {
			return out, nil, err
		}
	}
	reply, err := w.client.Ask(&Request{Op: "commit", Agent: w.Agent, Message: message, Files: changes, Token: token}, nil)
	if err != nil {
		return out, reply, err
	}
	out.Staged, out.Tick = reply.Staged, reply.Tick
	if reply.Version != nil {
		out.Version = *reply.Version
	}
	return out, nil, w.committed(changes, reply)
}

// changes are what the copy has changed.
func (w *Copy) changes(paths []string) ([]Change, error) {
	names := map[string]bool{}
	for name := range w.notes.Files {
		names[name] = under(name, paths)
	}
	for _, p := range paths {
		list, err := w.locals(p)
		if err != nil {
			return nil, err
		}
		for _, name := range list {
			names[name] = true
		}
	}
	var list []Change
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !names[name] {
			continue
		}
		l, err := w.read(name)
		if err != nil {
			return nil, err
		}
		n, known := w.notes.Files[name]
		if !known {
			n.Version = tree.None
		}
		if n.is(l) || n.Staged == staging(l) {
			continue
		}
		c := Change{Path: name, Delete: l == nil}
		if n.Version != tree.None {
			c.Base = &n.Version
		}
		if l != nil {
			c.Exec = l.exec
			c.Text, c.Data = Content(l.content)
		}
		list = append(list, c)
	}
	return list, nil
}

// committed notes what was asked for: what is decided already is what the copy
// is made of from now on.
func (w *Copy) committed(changes []Change, reply *Reply) error {
	for i := range changes {
		c := &changes[i]
		l, err := w.read(c.Path)
		if err != nil {
			return err
		}
		if reply.Version == nil {
			n, known := w.notes.Files[c.Path]
			if !known {
				n.Version = tree.None
			}
			n.Staged, n.Tick = staging(l), reply.Tick
			w.notes.Files[c.Path], w.dirty = n, true
			continue
		}
		if err := w.adopt(c.Path, *reply.Version, l); err != nil {
			return err
		}
	}
	return nil
}

// adopt notes that the tree has in some version what the copy has.
func (w *Copy) adopt(name string, version int, l *local) error {
	if l == nil {
		delete(w.notes.Files, name)
		w.dirty = true
		return nil
	}
	return w.base(&File{File: tree.File{Path: name, Version: version, Hash: l.hash, Exec: l.exec}}, l.content)
}

// settle finds out what became of what was asked for before.
func (w *Copy) settle(paths []string) error {
	var waiting []string
	for _, name := range slices.Sorted(maps.Keys(w.notes.Files)) {
		if n := w.notes.Files[name]; n.Staged != "" && under(name, paths) {
			waiting = append(waiting, name)
		}
	}
	if len(waiting) == 0 {
		return nil
	}
	_, err := w.stat(waiting)
	return err
}

// stat asks what the tree has at some paths, and takes in what it says of
// requests that wait.
func (w *Copy) stat(paths []string) (files map[string]*File, err error) {
	files = map[string]*File{}
	tick := 0
	for chunk := range slices.Chunk(paths, tree.MaxPaths) {
		reply, err := w.client.Ask(&Request{Op: "stat", Agent: w.Agent, Paths: chunk}, func(r *Reply) error {
			if r.File != nil {
				files[r.File.Path] = r.File
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		tick = reply.Tick
	}
	for _, name := range paths {
		n, known := w.notes.Files[name]
		if !known || n.Staged == "" || n.Tick >= tick {
			continue // it is not decided yet
		}
		f := files[name]
		switch {
		case f == nil || f.Version <= n.Version && n.Version != tree.None:
			n.Staged = "" // nothing came of it
			w.notes.Files[name], w.dirty = n, true
		case f.Gone && n.Staged == gone:
			delete(w.notes.Files, name)
			w.dirty = true
		case !f.Gone && stagedAs(f.Hash, f.Exec) == n.Staged: // whoever did it
			if err := w.adopted(name, f); err != nil {
				return nil, err
			}
		default:
			n.Staged = ""
			w.notes.Files[name], w.dirty = n, true
		}
	}
	return files, nil
}

// adopted notes a version that is on the shelf, and whose content the copy has
// or had.
func (w *Copy) adopted(name string, f *File) error {
	l, err := w.read(name)
	if err != nil {
		return err
	}
	if l != nil && l.hash == f.Hash {
		return w.base(f, l.content)
	}
	_, err = w.client.Ask(&Request{Op: "checkout", Agent: w.Agent, Paths: []string{name}}, func(r *Reply) error {
		if r.File == nil || r.File.Gone {
			return nil
		}
		return w.base(r.File, r.File.Bytes())
	})
	return err
}

// lease finds the token of the lease that changes to some files are made under,
// 0 for none. A lease that was seen and has ended is an error: somebody else may
// have had it since.
func (w *Copy) lease(files []string) (token int, err error) {
	reply, err := w.client.Ask(&Request{Op: "leases", Agent: w.Agent}, nil)
	if err != nil {
		return 0, err
	}
	held := map[int]bool{}
	for _, l := range reply.Leases {
		held[l.Token] = true
		w.notes.Leases[l.Token], w.dirty = l.Paths, true
		if !slices.ContainsFunc(files, func(name string) bool { return !under(name, l.Paths) }) {
			token = l.Token
		}
	}
	for ended, paths := range w.notes.Leases {
		if !held[ended] && slices.ContainsFunc(files, func(name string) bool { return under(name, paths) }) && token == 0 {
			return 0, fmt.Errorf("the lease on %s (token %d) has ended: somebody else may have changed it; troupe lock asks for it again, troupe unlock goes on without", paths, ended)
		}
	}
	return token, nil
}

// ErrConflict says that both sides changed the same lines.
var ErrConflict = errors.New("both sides changed the same lines")
