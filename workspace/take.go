package workspace

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Take captures w as of a tick, which is none before the newest capture's.
// Where nothing changed since that one, it writes nothing; and so it does where
// there is none and work and home are as a new process finds them, unless that
// is a template.
//
// Nobody should write in w meanwhile. A file that is written all the same is
// copied again, and after three times taken as it was then; one that vanishes,
// or does not stay what it is, is left out. What is written through a mapping
// into memory is seen once the system has marked the file as changed.
func (c *Captures) Take(tick int, w *Workspace) error {
	newest := c.Newest()
	if tick < newest {
		return c.cannot("capture", tick, fmt.Errorf("there is a capture of tick %d; drop it first", newest))
	}
	old, err := c.load(newest)
	var damaged *DamagedError
	if err != nil && !errors.As(err, &damaged) { // then all is captured anew
		return c.cannot("capture", tick, err)
	}
	t := &taking{captures: c, old: old}
	now, err := begin(func() (*tree, error) { return t.walk(w) })
	if err != nil {
		return c.cannot("capture", tick, err)
	}
	if t.changed && (newest >= 0 || w.Template != "" || !now.pristine()) {
		if err := c.commit(tick, now, t.copied); err != nil {
			return c.cannot("capture", tick, err)
		}
		newest = tick
	}
	c.tree, c.at = now, newest
	return nil
}

// Untouched says that w is beyond doubt the state of the newest capture, or
// where there is none that of the last Take: nothing need be taken. It reads no
// file. Others may write meanwhile: then it was so when it was called.
func (c *Captures) Untouched(w *Workspace) bool {
	if c.tree == nil || c.at != c.Newest() {
		return false
	}
	t := &taking{captures: c, old: c.tree, glance: true}
	_, err := t.walk(w)
	return err == nil && !t.changed
}

// errTouched ends a glance.
var errTouched = errors.New("something has changed")

// begin does something again where a directory moved under its feet.
func begin[T any](work func() (T, error)) (result T, err error) {
	const tries = 3
	for range tries {
		if result, err = work(); !errors.Is(err, errMoved) {
			break
		}
	}
	return result, err
}

// A taking is one Take at work.
type taking struct {
	captures *Captures
	old      *tree // nil where there is none
	seen     time.Time
	owner    uint32 // of the files below
	changed  bool   // there is another state than old
	glance   bool   // it ends where something may have changed, and copies nothing
	copied   bool   // there are new blobs
}

func (t *taking) walk(w *Workspace) (*tree, error) {
	t.seen, t.changed = time.Now(), t.old == nil
	now := &tree{seen: t.seen}
	before := t.old
	if before == nil {
		before = &tree{}
	}
	var err error
	if now.work, err = t.root(w.Work, before.work); err != nil {
		return nil, err
	}
	now.home, err = t.root(w.Home, before.home)
	return now, err
}

// root looks at work or home. One that is no directory is like one that is not
// there.
func (t *taking) root(path string, old *node) (*node, error) {
	top := outside()
	st, err := top.stat(path)
	if err != nil && !gone(err) {
		return nil, top.fail(path, err)
	}
	if err != nil || modeOf(&st)&unix.S_IFMT != unix.S_IFDIR {
		t.changed = t.changed || old != nil
		return nil, nil
	}
	t.owner = st.Uid
	return t.entry(top, path, old)
}

// entry looks at a file and copies what is new of it. Nil means that it is
// left out.
func (t *taking) entry(d *directory, name string, old *node) (*node, error) {
	const tries = 3
	for range tries {
		n, err := t.look(d, name, old)
		if err == nil && n != nil && n != old && !n.equal(old) {
			t.changed = true
		}
		if err == nil || errors.Is(err, errMoved) || !gone(err) {
			return n, err
		}
	}
	return nil, nil
}

func (t *taking) look(d *directory, name string, old *node) (*node, error) {
	st, err := d.stat(name)
	if err != nil {
		return nil, d.fail(name, err)
	}
	same := t.old != nil && old.untouched(&st, t.old.seen)
	if t.glance && !same {
		return nil, errTouched
	}
	switch modeOf(&st) & unix.S_IFMT {
	case unix.S_IFDIR:
		return t.directory(d, nodeOf(name, &st), old, same && !old.partial)
	case unix.S_IFREG:
		if t.foreign(&st) {
			return nil, nil
		}
		if same {
			return old, nil
		}
		return t.file(d, name, old)
	case unix.S_IFLNK:
		if same {
			return old, nil
		}
		n := nodeOf(name, &st)
		n.target, err = d.readLink(name, st.Size)
		return n, err
	default:
		return nil, nil
	}
}

// foreign says whether a file is another user's that was linked here: it would be
// given away. A user of its own can have no other's file here but by that, and the
// other name may be gone by now.
func (t *taking) foreign(st *unix.Stat_t) bool {
	return st.Uid != t.owner && (st.Nlink > 1 || int(t.owner) != os.Geteuid())
}

// directory looks at a directory's entries, whose names are the old ones where
// it is the same.
func (t *taking) directory(d *directory, n, old *node, same bool) (*node, error) {
	if same && len(old.children) == 0 {
		return old, nil
	}
	return n, d.within(n.name, 0o500, func(child *directory) error {
		if same {
			n.children = make([]*node, 0, len(old.children))
			for _, c := range old.children {
				if err := t.add(child, n, c.name, c); err != nil {
					return err
				}
			}
			return nil
		}
		names, err := child.names()
		if err != nil {
			return child.fail("", err)
		}
		n.children = make([]*node, 0, len(names))
		for _, name := range names {
			if err := t.add(child, n, name, old.child(name)); err != nil {
				return err
			}
		}
		return nil
	})
}

// add looks at an entry of the directory n.
func (t *taking) add(d *directory, n *node, name string, old *node) error {
	c, err := t.entry(d, name, old)
	if err != nil {
		return err
	}
	if c == nil {
		n.partial = true
	} else {
		n.children = append(n.children, c)
	}
	return nil
}

// file looks into a file that may have changed.
func (t *taking) file(d *directory, name string, old *node) (*node, error) {
	f, st, err := d.openFile(name)
	if err != nil {
		return nil, d.fail(name, err)
	}
	defer func() { _ = f.Close() }()
	if t.foreign(&st) { // it has come in between
		return nil, nil
	}
	n := nodeOf(name, &st)
	if old.is(unix.S_IFREG) && old.size == n.size && old.mtime == n.mtime {
		if n.blob, _, err = digest(f); err == nil && n.blob == old.blob {
			after, err := t.again(f, n)
			if err == nil && after.ctime == n.ctime {
				return n, nil
			}
		}
	}
	const tries = 3
	for try := 1; ; try++ {
		blob, size, err := t.captures.copyIn(f)
		if err != nil {
			return nil, d.fail(name, err)
		}
		after, err := t.again(f, n)
		if err != nil {
			return nil, d.fail(name, err)
		}
		calm := after.ctime == n.ctime && after.mtime == n.mtime && after.size == size
		if n = after; !calm && try < tries {
			continue
		}
		if !calm {
			n.ctime = stamp{}
		}
		n.blob, n.size, t.copied = blob, size, true
		if err := os.Rename(filepath.Join(t.captures.dir, newBlob), t.captures.blob(blob)); err != nil {
			return nil, d.fail(name, err)
		}
		return n, nil
	}
}

// again looks at an open file once more.
func (t *taking) again(f *os.File, n *node) (*node, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return nil, err
	}
	return nodeOf(n.name, &st), nil
}

// copyIn copies a file's content to where a new blob begins.
func (c *Captures) copyIn(from *os.File) (blob string, size int64, err error) {
	const flags = os.O_RDWR | os.O_CREATE | os.O_TRUNC
	path := filepath.Join(c.dir, newBlob)
	to, err := os.OpenFile(path, flags, 0o600)
	if errors.Is(err, os.ErrNotExist) {
		if err := c.make(); err != nil {
			return "", 0, err
		}
		to, err = os.OpenFile(path, flags, 0o600)
	}
	if err != nil {
		return "", 0, err
	}
	err = copyFile(to, from)
	if err == nil {
		blob, size, err = digest(to)
	}
	if err == nil && c.sync {
		err = to.Sync()
	}
	if err = errors.Join(err, to.Close()); err != nil {
		_ = os.Remove(path) // it takes room, which may be what lacks
	}
	return blob, size, err
}

// make makes the captures' directories.
func (c *Captures) make() error {
	if err := os.MkdirAll(filepath.Join(c.dir, blobsName), 0o700); err != nil {
		return err
	}
	for dir, up := c.dir, 0; up < 3; dir, up = filepath.Dir(dir), up+1 {
		if err := c.settle(filepath.Dir(dir), true); err != nil {
			return err
		}
	}
	return nil
}

// commit writes the manifest of a capture whose blobs are there.
func (c *Captures) commit(tick int, t *tree, copied bool) error {
	path := filepath.Join(c.dir, newManifest)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if errors.Is(err, os.ErrNotExist) {
		if err := c.make(); err != nil {
			return err
		}
		f, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	}
	if err != nil {
		return err
	}
	err = t.write(f, tick)
	if err == nil && c.sync {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close(), c.settle(filepath.Join(c.dir, blobsName), copied))
	if err == nil {
		err = os.Rename(path, c.manifest(tick))
	}
	if err != nil {
		_ = os.Remove(path)
		return err
	}
	if last := len(c.all) - 1; last >= 0 && c.all[last].tick == tick {
		c.all, c.swept = c.all[:last], false
	}
	c.all = append(c.all, capture{tick: tick, blobs: t.blobs(), known: true})
	return c.settle(c.dir, true)
}
