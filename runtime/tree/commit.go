package tree

import (
	"fmt"
	"slices"
	"strings"
)

// A Change is what a change set does to one path.
type Change struct {
	Path    string
	Base    int // the version that it was made of; None where there was no file
	Delete  bool
	Exec    bool
	Content []byte
}

// A Commit is a change set that was accepted.
type Commit struct {
	Number   int
	Author   string
	Position int // of the request among those of its author in the tick, from 1
	Message  string
	Changes  []Change // by path; Base is not on record
}

// A MovedError says that a path is not in the version that a change was made
// of any more: somebody else's commit came first.
type MovedError struct {
	Path string
	Base int
	Now  *File // nil where there never was a file
}

func (e *MovedError) Error() string {
	was := "there was no such file"
	if e.Base != None {
		was = fmt.Sprintf("the change is of version %d", e.Base)
	}
	if e.Now == nil {
		return fmt.Sprintf("%s does not exist, and %s", e.Path, was)
	}
	return fmt.Sprintf("%s moved: %s, and %s; check it out again, or merge", e.Path, was, e.Now.Who())
}

// Who says who made the version of a file, and when.
func (f *File) Who() string {
	did := "committed"
	if f.Gone {
		did = "deleted it in"
	}
	if f.By == "" {
		return "it is the template's, version 0"
	}
	text := fmt.Sprintf("%s %s version %d at tick %d", f.By, did, f.Version, f.Tick)
	if f.Message != "" {
		text += fmt.Sprintf(" (%s)", cut(f.Message))
	}
	return text
}

// cut shortens what somebody wrote for an error.
func cut(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// A Draft is what a tick makes of a tree, decided request by request.
type Draft struct {
	Commits []Commit
	Steps   []Step

	tick int
	now  *Tree // its own where something was decided
	own  bool  // so it is
}

// Draft begins the decisions of a tick.
func (t *Tree) Draft(tick int) *Draft { return &Draft{tick: tick, now: t} }

// Tree is the tree as it is decided so far.
func (d *Draft) Tree() *Tree { return d.now }

// Commit decides a change set of an agent: whole or not at all. A token above
// 0 says that it was made under that lease.
func (d *Draft) Commit(author string, position int, message string, changes []Change, token int) (*Commit, error) {
	changes = slices.Clone(changes)
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	if err := CheckChanges(changes); err != nil {
		return nil, err
	}
	if err := d.now.leases.checkToken(author, token); err != nil {
		return nil, err
	}
	for i := range changes {
		if err := d.check(author, &changes[i], token); err != nil {
			return nil, err
		}
	}
	if err := d.fits(changes); err != nil {
		return nil, err
	}
	d.fork()
	c := Commit{Number: d.now.version + 1, Author: author, Position: position, Message: message, Changes: changes}
	d.now.commit(d.tick, &c)
	d.Commits = append(d.Commits, c)
	return &d.Commits[len(d.Commits)-1], nil
}

// fork makes the tree the draft's own.
func (d *Draft) fork() {
	if d.own {
		return
	}
	d.own = true
	c := *d.now
	c.files = make(map[string]*File, len(d.now.files)+1)
	for path, f := range d.now.files {
		c.files[path] = f
	}
	c.leases = d.now.leases.clone()
	d.now = &c
}

// check says why one change cannot be.
func (d *Draft) check(author string, x *Change, token int) error {
	if !d.now.MayWrite(author, x.Path) {
		return fmt.Errorf("%s may not be written by %s", x.Path, author)
	}
	if err := d.now.leases.checkWrite(author, x.Path, token); err != nil {
		return err
	}
	f := d.now.files[x.Path]
	if f.version() == x.Base || x.Base == Any {
		return nil
	}
	if f != nil && f.By == author && f.Tick == d.tick && f.Version > 0 && f.before == x.Base && d.inTick(f.Version) {
		return nil // its author changed it a moment ago, before it could know the version
	}
	return &MovedError{x.Path, x.Base, f}
}

// inTick says whether a version was made by this draft.
func (d *Draft) inTick(version int) bool {
	return len(d.Commits) > 0 && version >= d.Commits[0].Number
}

// fits says whether no path would be a file and a directory.
func (d *Draft) fits(changes []Change) error {
	deleted, written := map[string]bool{}, map[string]bool{}
	for i := range changes {
		deleted[changes[i].Path], written[changes[i].Path] = changes[i].Delete, !changes[i].Delete
	}
	there := func(path string) bool {
		f := d.now.files[path]
		return written[path] || f != nil && !f.Gone && !deleted[path]
	}
	for i := range changes {
		x := &changes[i]
		if x.Delete || d.now.files[x.Path].version() != None {
			continue
		}
		for dir := parent(x.Path); dir != ""; dir = parent(dir) {
			if there(dir) {
				return fmt.Errorf("%s cannot be there: %s is a file", x.Path, dir)
			}
		}
		for name := range d.now.files {
			if below(name, x.Path) && there(name) {
				return fmt.Errorf("%s cannot be a file: it is a directory", x.Path)
			}
		}
	}
	return nil
}

func parent(path string) string { return path[:max(strings.LastIndexByte(path, '/'), 0)] }
