// Package tree is the shared tree of a run as far as it is decided and not
// touched: which files there are in which version, who may read and write
// them, who holds a lease on what, and what becomes of a change set. It reads
// and writes no file: the files are workspace's, the order of things is the
// engine's.
package tree

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// None is the version of a path that does not exist. Any is of a change that is
// on record, and was made of the version that the path had.
const (
	None = -1
	Any  = -2
)

// A File is what a path holds, or held: the version that it has is the number
// of the commit which changed it last, 0 where it is the template's.
type File struct {
	Path    string `json:"path"`
	Version int    `json:"version"`
	Hash    string `json:"sha256,omitempty"` // of the content, hex
	Size    int    `json:"size,omitempty"`
	Exec    bool   `json:"exec,omitempty"`
	Gone    bool   `json:"gone,omitempty"` // that commit deleted it
	// By, Tick and Message say who committed that version, and when; By is empty
	// for the template.
	By      string `json:"by,omitempty"`
	Tick    int    `json:"tick,omitempty"`
	Message string `json:"message,omitempty"`

	before int // its version at the start of Tick, for those who change it twice
}

// Rules say who may do what with a path.
type Rules interface {
	MayRead(agent, path string) bool
	MayWrite(agent, path string) bool
}

// A Tree is the shared tree between two records. It never changes: what is
// decided gives another one. Any number of goroutines may read it.
type Tree struct {
	rules   Rules
	files   map[string]*File // gone ones included
	version int              // the newest commit
	leases  leases
}

// New is the tree of a run's start.
func New(rules Rules, files []File) *Tree {
	t := &Tree{rules: rules, files: make(map[string]*File, len(files))}
	for i := range files {
		f := files[i]
		t.files[f.Path] = &f
	}
	return t
}

// Ruled is the same tree under other rules.
func (t *Tree) Ruled(rules Rules) *Tree {
	c := *t
	c.rules = rules
	return &c
}

// Version is the number of the newest commit.
func (t *Tree) Version() int { return t.version }

// MayRead says whether an agent may see what a path holds.
func (t *Tree) MayRead(agent, path string) bool { return t.rules.MayRead(agent, path) }

// MayWrite says whether an agent may commit to a path.
func (t *Tree) MayWrite(agent, path string) bool { return t.rules.MayWrite(agent, path) }

// File is what a path holds or held last; nil where there never was a file.
func (t *Tree) File(path string) *File { return t.files[path] }

// version is that of a path now.
func (f *File) version() int {
	if f == nil || f.Gone {
		return None
	}
	return f.Version
}

// Under lists the files that there are at a path or below it, by path; the
// empty path is the whole tree.
func (t *Tree) Under(path string) []*File {
	if f := t.files[path]; f != nil && !f.Gone {
		return []*File{f}
	}
	var list []*File
	for name, f := range t.files {
		if !f.Gone && below(name, path) {
			list = append(list, f)
		}
	}
	slices.SortFunc(list, func(a, b *File) int { return strings.Compare(a.Path, b.Path) })
	return list
}

// below says whether a path lies below a directory.
func below(path, dir string) bool {
	return dir == "" || len(path) > len(dir) && path[len(dir)] == '/' && strings.HasPrefix(path, dir)
}

// Covers says whether a path is the other, or lies below it; "." is the whole tree.
func Covers(path, name string) bool { return path == "." || path == name || below(name, path) }

// touches says whether one of two paths is the other, or lies below it.
func touches(a, b string) bool { return a == b || below(a, b) || below(b, a) }

// Apply is the tree after a record of a tick: what Draft decided, or what the
// log says that it had.
func (t *Tree) Apply(tick int, commits []Commit, steps []Step) *Tree {
	if len(commits)+len(steps) == 0 {
		return t
	}
	c := *t
	if len(commits) > 0 {
		c.files = make(map[string]*File, len(t.files)+len(commits))
		for path, f := range t.files {
			c.files[path] = f
		}
	}
	for i := range commits {
		c.commit(tick, &commits[i])
	}
	if len(steps) > 0 {
		c.leases = t.leases.clone()
		c.leases.tick = tick
	}
	for i := range steps {
		c.leases.step(&steps[i])
	}
	return &c
}

// commit takes a change set in. The tree's files are its own.
func (t *Tree) commit(tick int, c *Commit) {
	t.version = c.Number
	for i := range c.Changes {
		x := &c.Changes[i]
		f := &File{Path: strings.Clone(x.Path), Version: c.Number, Gone: x.Delete, By: c.Author, Tick: tick,
			Message: strings.Clone(c.Message), before: t.files[x.Path].version()}
		if old := t.files[x.Path]; old != nil && old.By == c.Author && old.Tick == tick && old.Version > 0 {
			f.before = old.before
		}
		if !x.Delete {
			f.Hash, f.Size, f.Exec = Hash(x.Content), len(x.Content), x.Exec
		}
		t.files[f.Path] = f
	}
}

// Hash names a content.
func Hash(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
