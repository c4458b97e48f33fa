package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Restore takes work and home back to the newest capture at or before a tick
// and empties tmp. At is that capture's tick; it is -1 where there is none, and
// work and home are then as a new process finds them. Files that are
// still the capture's are left alone. Nobody may be writing in w; after an
// error, or a kill, its files are anything until the next Restore. A capture
// that has lost something is a *DamagedError.
func (c *Captures) Restore(tick int, w *Workspace) (at int, err error) {
	at = c.before(tick)
	want, err := c.load(at)
	if err != nil {
		return at, c.cannot("restore", tick, err)
	}
	c.tree, c.at = nil, -1
	if at < 0 && w.Template != "" {
		c.tree, c.at = nil, -1
		return at, w.Reset()
	}
	if want == nil || at < 0 { // what Take knows of a new workspace is not wanted
		want = &tree{}
	}
	begun := time.Now()
	_, err = begin(func() (struct{}, error) {
		r := &restoring{captures: c, seen: want.seen}
		return struct{}{}, errors.Join(r.root(w.Work, want.work), r.root(w.Home, want.home), r.root(w.Tmp, nil))
	})
	if err != nil {
		return at, c.cannot("restore", tick, err)
	}
	if at >= 0 {
		want.seen = begun
		c.tree, c.at = want, at
	}
	return at, nil
}

// A restoring is one Restore at work. The nodes it restores become what is
// then there.
type restoring struct {
	captures *Captures
	seen     time.Time
	uid, gid uint32 // of the files below
}

// root restores one of the workspace's own directories, which is made if there
// is none. It is emptied where none is wanted.
func (r *restoring) root(path string, want *node) error {
	top := outside()
	st, err := top.stat(path)
	if err != nil || modeOf(&st)&unix.S_IFMT != unix.S_IFDIR {
		if err := errors.Join(top.remove(path), os.MkdirAll(path, newMode)); err != nil {
			return err
		}
		if st, err = top.stat(path); err != nil {
			return top.fail(path, err)
		}
	}
	r.uid, r.gid = st.Uid, st.Gid
	if want == nil {
		want = &node{mode: unix.S_IFDIR | newMode, mtime: stampOf(st.Mtim)}
	}
	return r.directory(top, path, want)
}

// directory restores what is in a directory that is there, then what it is.
func (r *restoring) directory(d *directory, name string, want *node) error {
	err := d.within(name, newMode, func(child *directory) error {
		if err := child.clear(want); err != nil {
			return err
		}
		for _, c := range want.children {
			if err := r.entry(child, c); err != nil {
				return err
			}
		}
		child.lent, child.isLent = want.permissions(), true
		return nil
	})
	if err != nil {
		return err
	}
	return r.finish(d, name, want)
}

// finish sets an entry's time, and notes in its node what it is now.
func (r *restoring) finish(d *directory, name string, want *node) error {
	st, err := d.stat(name)
	if err == nil && stampOf(st.Mtim) != want.mtime {
		if err = touchAt(d.fd, name, want.mtime); err == nil {
			st, err = d.stat(name)
		}
	}
	if err != nil {
		return d.fail(name, err)
	}
	want.inode, want.mtime, want.ctime = st.Ino, stampOf(st.Mtim), stampOf(st.Ctim)
	return nil
}

// entry makes an entry what is wanted.
func (r *restoring) entry(d *directory, want *node) error {
	st, err := d.stat(want.name)
	if err == nil {
		done, err := r.mend(d, &st, want)
		if done || err != nil {
			return err
		}
		if err := d.remove(want.name); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return d.fail(want.name, err)
	}
	switch want.kind() {
	case unix.S_IFDIR:
		err = errors.Join(unix.Mkdirat(d.fd, want.name, newMode), r.give(d, want.name))
		if err == nil {
			return r.directory(d, want.name, want)
		}
	case unix.S_IFLNK:
		err = errors.Join(unix.Symlinkat(want.target, d.fd, want.name), r.give(d, want.name))
	default:
		err = r.file(d, want)
	}
	if err != nil {
		return d.fail(want.name, err)
	}
	return r.finish(d, want.name, want)
}

// mend makes what is there what is wanted, and says no where it has to be
// replaced.
func (r *restoring) mend(d *directory, st *unix.Stat_t, want *node) (done bool, err error) {
	have := nodeOf(want.name, st)
	if have.kind() != want.kind() || st.Uid != r.uid {
		return false, nil
	}
	switch want.kind() {
	case unix.S_IFDIR:
		return true, r.directory(d, want.name, want)
	case unix.S_IFLNK:
		if target, err := d.readLink(want.name, st.Size); err != nil || target != want.target {
			return false, nil //nolint:nilerr // then it is made anew
		}
		return true, r.finish(d, want.name, want)
	}
	if want.untouched(st, r.seen) {
		return true, nil
	}
	if st.Nlink > 1 || have.size != want.size { // what is done to it shows elsewhere
		return false, nil
	}
	f, _, err := d.openFile(want.name)
	if err != nil {
		return false, nil //nolint:nilerr // the same
	}
	defer func() { _ = f.Close() }()
	if blob, _, err := digest(f); err != nil || blob != want.blob {
		return false, nil //nolint:nilerr // the same
	}
	if have.permissions() != want.permissions() {
		if err := unix.Fchmod(int(f.Fd()), want.permissions()); err != nil {
			return false, d.fail(want.name, err)
		}
	}
	return true, r.finish(d, want.name, want)
}

// give makes an entry belong to whom the workspace belongs to.
func (r *restoring) give(d *directory, name string) error {
	if int(r.uid) == os.Geteuid() && int(r.gid) == os.Getegid() {
		return nil
	}
	return unix.Fchownat(d.fd, name, int(r.uid), int(r.gid), unix.AT_SYMLINK_NOFOLLOW)
}

// file copies a file back.
func (r *restoring) file(d *directory, want *node) error {
	path := r.captures.blob(want.blob)
	blob, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &DamagedError{Path: path, Err: fs.ErrNotExist}
	}
	if err != nil {
		return err
	}
	defer func() { _ = blob.Close() }()
	fd, err := d.open(want.name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), want.name)
	err = copyFile(f, blob)
	if err == nil {
		var name string
		if name, _, err = digest(f); err == nil && name != want.blob {
			err = &DamagedError{Path: path, Err: fmt.Errorf("it holds %s", name)}
		}
	}
	if err == nil {
		err = r.give(d, want.name)
	}
	if err == nil {
		err = unix.Fchmod(fd, want.permissions())
	}
	return errors.Join(err, f.Close())
}

// readLink reads a symbolic link.
func (d *directory) readLink(name string, size int64) (string, error) {
	for size = max(size, 64) + 1; ; size *= 2 {
		buffer := make([]byte, size)
		n, err := unix.Readlinkat(d.fd, name, buffer)
		if err != nil {
			return "", d.fail(name, err)
		}
		if int64(n) < size {
			return string(buffer[:n]), nil
		}
	}
}
