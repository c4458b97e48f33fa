package workspace

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// A directory is one that is open while it is worked in. All that is done in
// it goes by its descriptor and a name without slashes, and never through a
// symbolic link: what an agent plants or moves cannot lead out of its
// workspace.
type directory struct {
	fd     int // -1 once it is lost (errMoved)
	depth  int // below the workspace's own directories
	name   string
	parent *directory
	id     identity
	lent   uint32 // permissions to give back when done, where isLent
	isLent bool
}

type identity struct{ dev, ino uint64 }

func identityOf(st *unix.Stat_t) identity { return identity{dev: deviceOf(st), ino: st.Ino} }

// outside is where the paths of the workspace's own directories are resolved.
func outside() *directory { return &directory{fd: unix.AT_FDCWD, depth: -1} }

// maxOpen is how deep directories stay open while their entries are visited.
// Below, a parent is closed meanwhile and found again as "..", so that no tree
// takes more descriptors than that.
const maxOpen = 32

// errMoved says that a directory is not where it was a moment ago; what was
// being done has to begin again.
var errMoved = errors.New("a directory was moved while it was worked in")

// gone says whether an error means that a file is no longer there, or is of
// another kind by now.
func gone(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) ||
		errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENXIO)
}

// path names an entry in errors.
func (d *directory) path(name string) string {
	for ; d != nil && d.depth >= 0; d = d.parent {
		name = filepath.Join(d.name, name)
	}
	return shown(name)
}

func (d *directory) fail(name string, err error) error {
	return fmt.Errorf("%s: %w", d.path(name), err)
}

// stat looks at an entry itself.
func (d *directory) stat(name string) (st unix.Stat_t, err error) {
	err = retry(func() error { return unix.Fstatat(d.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) })
	return st, err
}

// retry is for calls that a file system in user space may interrupt.
func retry(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// open opens an entry that is no symbolic link.
func (d *directory) open(name string, flags int, mode uint32) (int, error) {
	fd := -1
	err := retry(func() (err error) {
		fd, err = unix.Openat(d.fd, name, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC, mode)
		return err
	})
	return fd, err
}

// within opens the directory that is the entry name, has it visited and closes
// it again. Where its permissions forbid what is wanted (bits for the owner),
// they are widened until visit has returned.
func (d *directory) within(name string, want uint32, visit func(*directory) error) error {
	child, err := d.enter(name, want)
	if err != nil {
		return d.fail(name, err)
	}
	apart := child.depth > maxOpen
	if apart {
		_ = unix.Close(d.fd)
		d.fd = -1
	}
	err = visit(child)
	if apart && child.fd >= 0 {
		if lost := d.reopen(child); lost != nil {
			err = errors.Join(err, lost)
		}
	}
	if child.fd < 0 {
		return err
	}
	if child.isLent {
		if failed := unix.Fchmod(child.fd, child.lent); failed != nil {
			err = errors.Join(err, child.fail("", failed))
		}
	}
	return errors.Join(err, unix.Close(child.fd))
}

// reopen opens d again, the parent of child.
func (d *directory) reopen(child *directory) error {
	fd, err := child.open("..", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return errors.Join(errMoved, err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || identityOf(&st) != d.id {
		_ = unix.Close(fd)
		return errors.Join(errMoved, err)
	}
	d.fd = fd
	return nil
}

// enter opens a directory with the permissions that are wanted.
func (d *directory) enter(name string, want uint32) (*directory, error) {
	const flags = unix.O_RDONLY | unix.O_DIRECTORY
	child := &directory{depth: d.depth + 1, name: name, parent: d}
	fd, err := d.open(name, flags, 0)
	if errors.Is(err, unix.EACCES) {
		st, failed := d.stat(name)
		if failed != nil {
			return nil, failed
		}
		if failed := chmodAt(d.fd, name, modeOf(&st)&0o7777|newMode); failed != nil {
			return nil, errors.Join(err, failed)
		}
		child.lent, child.isLent = modeOf(&st)&0o7777, true
		fd, err = d.open(name, flags, 0)
	}
	if err != nil {
		return nil, err
	}
	child.fd = fd
	if err := child.widen(want); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return child, nil
}

// widen gives the owner what is wanted where it cannot be done without.
func (d *directory) widen(want uint32) error {
	var st unix.Stat_t
	if err := unix.Fstat(d.fd, &st); err != nil {
		return err
	}
	d.id = identityOf(&st)
	mode := modeOf(&st) & 0o7777
	if mode&want == want || unix.Faccessat(d.fd, ".", (want>>6)&0o7, unix.AT_EACCESS) == nil {
		return nil
	}
	if err := unix.Fchmod(d.fd, mode|newMode); err != nil {
		return err
	}
	d.lent, d.isLent = mode, true
	return nil
}

// names lists the entries, sorted by their bytes.
func (d *directory) names() ([]string, error) {
	buffer, free := block()
	defer free()
	if _, err := unix.Seek(d.fd, 0, 0); err != nil {
		return nil, err
	}
	var names []string
	for {
		n := 0
		err := retry(func() (err error) {
			n, err = unix.ReadDirent(d.fd, buffer)
			return err
		})
		if err != nil {
			return nil, err
		}
		if n <= 0 {
			slices.Sort(names)
			return names, nil
		}
		_, _, names = unix.ParseDirent(buffer[:n], -1, names)
	}
}

// remove deletes an entry and all below it. One that is not there is none.
func (d *directory) remove(name string) error {
	const tries = 3 // somebody may still be writing
	var err error
	for range tries {
		err = d.removeOnce(name)
		if !gone(err) && !errors.Is(err, unix.ENOTEMPTY) && !errors.Is(err, unix.EEXIST) {
			break
		}
	}
	return err
}

func (d *directory) removeOnce(name string) error {
	err := unix.Unlinkat(d.fd, name, 0)
	if err == nil || errors.Is(err, unix.ENOENT) {
		return nil
	}
	if st, failed := d.stat(name); failed != nil || modeOf(&st)&unix.S_IFMT != unix.S_IFDIR {
		return d.fail(name, err)
	}
	err = unix.Unlinkat(d.fd, name, unix.AT_REMOVEDIR)
	if errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST) {
		if err := d.within(name, newMode, func(child *directory) error { return child.clear(nil) }); err != nil {
			return err
		}
		err = unix.Unlinkat(d.fd, name, unix.AT_REMOVEDIR)
	}
	if err != nil {
		return d.fail(name, err)
	}
	return nil
}

// clear removes every entry that keep, if any, has no child for.
func (d *directory) clear(keep *node) error {
	names, err := d.names()
	if err != nil {
		return d.fail("", err)
	}
	for _, name := range names {
		if keep.child(name) == nil {
			if err := d.remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// openFile opens an entry that is a regular file to be read, and never waits,
// whatever it has become. One that its owner may not read is opened all the
// same, and has its permissions afterwards.
func (d *directory) openFile(name string) (*os.File, unix.Stat_t, error) {
	const flags = unix.O_RDONLY | unix.O_NONBLOCK
	fd, err := d.open(name, flags, 0)
	if errors.Is(err, unix.EACCES) {
		fd, err = d.openForbidden(name, flags)
	}
	var st unix.Stat_t
	if err != nil {
		return nil, st, err
	}
	f := os.NewFile(uintptr(fd), name)
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, st, errors.Join(err, f.Close())
	}
	if modeOf(&st)&unix.S_IFMT != unix.S_IFREG {
		return nil, st, errors.Join(unix.EINVAL, f.Close())
	}
	return f, st, nil
}

func (d *directory) openForbidden(name string, flags int) (int, error) {
	st, err := d.stat(name)
	if err != nil {
		return -1, err
	}
	if modeOf(&st)&unix.S_IFMT != unix.S_IFREG {
		return -1, unix.EINVAL
	}
	mode := modeOf(&st) & 0o7777
	if err := chmodAt(d.fd, name, mode|0o600); err != nil {
		return -1, err
	}
	fd, err := d.open(name, flags, 0)
	if err != nil {
		return -1, errors.Join(err, chmodAt(d.fd, name, mode))
	}
	return fd, unix.Fchmod(fd, mode)
}
