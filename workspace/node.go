package workspace

import (
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A node is a directory, a regular file or a symbolic link as it was when it
// was looked at. What is anything else (a socket, a pipe, a device) has none.
// A node that belongs to a tree is not changed, but for what restoring makes
// new: inode and ctime.
type node struct {
	name  string // any bytes but '/' and 0
	mode  uint32 // type and permissions, as the system has them
	mtime stamp
	ctime stamp // zero where the node must not be taken for unchanged
	inode uint64

	size     int64   // of a regular file: bytes in its blob
	blob     string  // a regular file's content: the name of a blob
	target   string  // a symbolic link's
	children []*node // a directory's, by name
	partial  bool    // a directory with entries that have no node
}

// A tree is work and home of a workspace. Nil stands for a directory that is
// not there, or is none.
type tree struct {
	work, home *node
	seen       time.Time // all of it was looked at then or later
}

// A stamp is a time of the file system, which has years that time.Duration
// has not.
type stamp struct{ sec, nsec int64 }

func stampOf(ts unix.Timespec) stamp {
	sec, nsec := ts.Unix()
	return stamp{sec, nsec}
}

// coarse is more than a kernel's clock for files is ever behind (a tick of the
// timer: 10 ms at most).
const coarse = 20 * time.Millisecond

// racy says whether a file that was last changed at s, and was looked at at
// seen, may have been changed again since under the same time stamp.
func (s stamp) racy(seen time.Time) bool {
	limit := seen.Add(-coarse)
	return s.sec > limit.Unix() || s.sec == limit.Unix() && s.nsec >= int64(limit.Nanosecond())
}

// kind is the type's bits of the mode, permissions the rest.
func (n *node) kind() uint32        { return n.mode & unix.S_IFMT }
func (n *node) permissions() uint32 { return n.mode &^ unix.S_IFMT }

// is says whether n is there and of a kind.
func (n *node) is(kind uint32) bool { return n != nil && n.kind() == kind }

// nodeOf is what the system says of a file.
func nodeOf(name string, st *unix.Stat_t) *node {
	return &node{
		name: name, mode: modeOf(st), mtime: stampOf(st.Mtim), ctime: stampOf(st.Ctim),
		inode: st.Ino, size: st.Size,
	}
}

// modeOf is the mode whose width differs between systems.
func modeOf(st *unix.Stat_t) uint32 { return wide(st.Mode) }

func wide[N uint16 | uint32](n N) uint32 { return uint32(n) }

// untouched says whether a file is beyond doubt what it was when n's tree was
// looked at, at seen.
func (n *node) untouched(st *unix.Stat_t, seen time.Time) bool {
	return n != nil && n.inode == st.Ino && n.mode == modeOf(st) &&
		n.mtime == stampOf(st.Mtim) && n.ctime == stampOf(st.Ctim) && !n.ctime.racy(seen) &&
		(n.kind() != unix.S_IFREG || n.size == st.Size)
}

// equal says whether n is the same state as old, children aside: inode and
// ctime, which restoring changes, are no state.
func (n *node) equal(old *node) bool {
	if old == nil || n.mode != old.mode || n.mtime != old.mtime {
		return false
	}
	switch n.kind() {
	case unix.S_IFREG:
		return n.blob == old.blob
	case unix.S_IFLNK:
		return n.target == old.target
	default:
		return len(n.children) == len(old.children)
	}
}

// child finds a directory's entry; nil where n is none or has none such.
func (n *node) child(name string) *node {
	if n == nil {
		return nil
	}
	i, found := slices.BinarySearchFunc(n.children, name, func(c *node, name string) int {
		return strings.Compare(c.name, name)
	})
	if !found {
		return nil
	}
	return n.children[i]
}

// walk calls visit for n and all below, parents first.
func (n *node) walk(depth int, visit func(depth int, n *node)) {
	if n == nil {
		return
	}
	visit(depth, n)
	for _, c := range n.children {
		c.walk(depth+1, visit)
	}
}

// blobs lists what the tree's files hold, each content once.
func (t *tree) blobs() []string {
	var all []string
	for _, root := range []*node{t.work, t.home} {
		root.walk(0, func(_ int, n *node) {
			if n.blob != "" {
				all = append(all, n.blob)
			}
		})
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// pristine says whether the tree is what a new process finds, times aside.
func (t *tree) pristine() bool {
	for _, root := range []*node{t.work, t.home} {
		if root != nil && (root.permissions() != newMode || len(root.children) > 0) {
			return false
		}
	}
	return true
}

// newMode is what the directories of a new workspace have.
const newMode = 0o700

// shown is a path in errors, which must not be as long as an agent's
// directories are deep.
func shown(path string) string {
	const most = 300
	if len(path) > most {
		return "…" + strings.ToValidUTF8(path[len(path)-most:], "")
	}
	return filepath.Clean(path)
}
