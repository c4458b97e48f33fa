package workspace

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// own has the workspace belong to its user. The directory that holds it stays
// this process's, and lets that user through and nobody else, whatever it
// allows others within. No process may be using it.
func (w *Workspace) own() error {
	if os.Geteuid() != 0 {
		return nil // all that there is is this user's
	}
	mode := uint32(newMode)
	if w.uid != 0 {
		mode = 0o710
	}
	top := outside()
	st, err := top.stat(w.dir)
	if err == nil && (int(st.Gid) != w.uid || modeOf(&st)&0o7777 != mode) {
		if err = unix.Chown(w.dir, 0, w.uid); err == nil {
			err = unix.Chmod(w.dir, mode)
		}
	}
	for _, dir := range []string{w.Work, w.Home, w.Tmp} {
		if err == nil {
			err = w.give(top, dir)
		}
	}
	if err != nil {
		return fmt.Errorf("cannot give a workspace to its user: %w", err)
	}
	return nil
}

// give makes an entry, and all below it, belong to the workspace's user, unless
// it does so already. What has further names, which may be elsewhere, stays.
func (w *Workspace) give(d *directory, name string) error {
	st, err := d.stat(name)
	if err != nil || int(st.Uid) == w.uid && int(st.Gid) == w.uid {
		return err
	}
	switch {
	case modeOf(&st)&unix.S_IFMT == unix.S_IFDIR:
		err := d.within(name, newMode, func(child *directory) error {
			names, err := child.names()
			if err != nil {
				return child.fail("", err)
			}
			for _, n := range names {
				if err := w.give(child, n); err != nil {
					return child.fail(n, err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	case st.Nlink > 1:
		return nil
	}
	return unix.Fchownat(d.fd, name, w.uid, w.uid, unix.AT_SYMLINK_NOFOLLOW)
}
