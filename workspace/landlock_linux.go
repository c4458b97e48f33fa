package workspace

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

// landlockTier has the kernel refuse a process every file but those that are
// named, and ports; and keeps it from others' processes.
type landlockTier struct{}

// oldestABI is the version of Landlock from which on moving a file into another
// directory can be allowed: before, git and package managers fail.
const oldestABI = 2

// What each version of Landlock can restrict, beside what those before it can.
var landlockVersions = []struct{ files, ports, scopes uint64 }{
	1: {files: unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_READ_FILE |
		unix.LANDLOCK_ACCESS_FS_READ_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE |
		unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG |
		unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK |
		unix.LANDLOCK_ACCESS_FS_MAKE_SYM},
	2: {files: unix.LANDLOCK_ACCESS_FS_REFER},
	3: {files: unix.LANDLOCK_ACCESS_FS_TRUNCATE},
	4: {ports: unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP},
	5: {files: unix.LANDLOCK_ACCESS_FS_IOCTL_DEV},
	6: {scopes: unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL},
}

// What a process may do below a directory.
const (
	readAccess = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	useAccess  = readAccess | unix.LANDLOCK_ACCESS_FS_EXECUTE
	ownAccess  = useAccess | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR |
		unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG |
		unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_SYM |
		unix.LANDLOCK_ACCESS_FS_REFER | unix.LANDLOCK_ACCESS_FS_TRUNCATE
	deviceAccess = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE
	// fileAccess are the rights that a file itself can have.
	fileAccess = unix.LANDLOCK_ACCESS_FS_EXECUTE | deviceAccess | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
)

// A grant is what can be done to some files, and below some directories.
type grant struct {
	paths  []string
	access uint64
}

// everybodys is what every process may use of the system, beside its settings,
// where it is there. The rest of the file system is closed to it.
var everybodys = []grant{
	{SystemDirectories, useAccess},
	{[]string{"/proc", "/sys", "/etc/resolv.conf", "/etc/localtime"}, readAccess},
	{[]string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}, deviceAccess},
	{[]string{"/proc/self/exe"}, useAccess}, // the word troupe
}

// settings is where the system's are.
const settings = "/etc"

// LandlockABI is the version of Landlock that the kernel has; 0 for none.
func LandlockABI() int {
	v, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(v)
}

func (landlockTier) Barred(*Site) error {
	switch v := LandlockABI(); {
	case v == 0:
		return errors.New("the kernel has no Landlock, or does not let it be used: it takes Linux 5.19, built and started with it")
	case v < oldestABI:
		return fmt.Errorf("the kernel has version %d of Landlock, and at least %d is needed", v, oldestABI)
	}
	return nil
}

func (landlockTier) Raise(s *Site) (wall, error) {
	l := &landlock{closed: resolved(s.Data)}
	for v := 1; v <= min(LandlockABI(), len(landlockVersions)-1); v++ {
		l.files |= landlockVersions[v].files
		l.ports |= landlockVersions[v].ports
		l.scopes |= landlockVersions[v].scopes
	}
	// Finding out what to leave of these takes longer than all else of a start.
	for _, g := range everybodys {
		l.all = append(l.all, grant{l.around(g.paths), g.access})
	}
	l.users = grant{l.around([]string{settings}), readAccess}
	public, listed, _ := publicBelow(settings)
	l.roots, l.listed = grant{l.around(public), readAccess}, listed
	return l, nil
}

// landlock is what of it the kernel can restrict.
type landlock struct {
	files, ports, scopes uint64
	closed               string // the data directory: no permission to read covers it
	all                  []grant
	// The system's settings: for users all, which have permissions of their own, and
	// for processes that are root's those that all may read; listed are the
	// directories that hold others beside.
	users, roots grant
	listed       []string
}

func (*landlock) close() {}

// enclose makes the ruleset of one process, which applies it to itself.
func (l *landlock) enclose(c *Command, w *Workspace) (func(), error) {
	attr := unix.LandlockRulesetAttr{Handled_access_fs: l.files, Handled_access_net: l.ports, Scoped: l.scopes}
	if c.Connects {
		attr.Handled_access_net &^= unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	size := unsafe.Offsetof(attr.Quiet_access_fs)                                                           // older kernels take more, where it is 0
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), size, 0) //nolint:gosec // for one system call
	if errno != 0 {
		return nil, fmt.Errorf("cannot make a Landlock ruleset: %w", errno)
	}
	release := func() { _ = unix.Close(int(fd)) }
	if err := l.allow(int(fd), c, w); err != nil {
		release()
		return nil, fmt.Errorf("cannot make a Landlock ruleset: %w", err)
	}
	c.Confinement.Ruleset = int(fd)
	c.Confinement.Umask = privateUmask
	c.Confinement.NoPrivileges = true
	return release, nil
}

func (l *landlock) allow(ruleset int, c *Command, w *Workspace) error {
	var err error
	add := func(access uint64, paths ...string) {
		for _, p := range paths {
			if err == nil {
				if err = l.rule(ruleset, p, access); err != nil {
					err = fmt.Errorf("%s: %w", p, err)
				}
			}
		}
	}
	add(ownAccess, w.Work, w.Home, w.Tmp)
	for _, g := range l.all {
		add(g.access, g.paths...)
	}
	if os.Geteuid() == 0 && c.Confinement.UID == 0 {
		add(unix.LANDLOCK_ACCESS_FS_READ_DIR, l.listed...)
		add(l.roots.access, l.roots.paths...)
	} else {
		add(l.users.access, l.users.paths...)
	}
	if filepath.IsAbs(c.Argv[0]) {
		add(useAccess, c.Argv[0])
	}
	add(useAccess, l.around(c.Readable)...)
	add(useAccess, l.around(filepath.SplitList(pathOf(c.Env)))...)
	for _, port := range c.Ports {
		if err == nil && !c.Connects && l.ports&unix.LANDLOCK_ACCESS_NET_CONNECT_TCP != 0 {
			err = allowPort(ruleset, port, unix.LANDLOCK_ACCESS_NET_CONNECT_TCP)
		}
	}
	if err == nil && c.Listens > 0 && l.ports&unix.LANDLOCK_ACCESS_NET_BIND_TCP != 0 {
		err = allowPort(ruleset, c.Listens, unix.LANDLOCK_ACCESS_NET_BIND_TCP)
	}
	return err
}

// ruleNetPort is LANDLOCK_RULE_NET_PORT of linux/landlock.h, whose argument is
// struct landlock_net_port_attr.
const ruleNetPort = 2

// allowPort allows something to be done with a port, of whatever address that is.
func allowPort(ruleset, port int, access uint64) error {
	attr := struct{ access, port uint64 }{access, uint64(port)} //nolint:gosec // no port is negative
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset), ruleNetPort,
		uintptr(unsafe.Pointer(&attr)), 0, 0, 0) //nolint:gosec // for one system call
	if errno != 0 {
		return fmt.Errorf("port %d: %w", port, errno)
	}
	return nil
}

// around are the paths without the data directory: of one that it is in, all
// that is beside it.
func (l *landlock) around(paths []string) []string {
	var out []string
	for _, p := range paths {
		if !filepath.IsAbs(p) || !within(resolved(p), l.closed) {
			out = append(out, p)
			continue
		}
		if p = resolved(p); p == l.closed {
			continue
		}
		for _, name := range readDir(p) {
			out = append(out, l.around([]string{filepath.Join(p, name)})...)
		}
	}
	return out
}

// rule allows what can be done to a file, or to a directory and all below it. A
// path that leads nowhere allows nothing.
func (l *landlock) rule(ruleset int, path string, access uint64) error {
	if !filepath.IsAbs(path) {
		return nil
	}
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil //nolint:nilerr // whoever looks for it finds out
	}
	defer func() { _ = unix.Close(fd) }()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		access &= fileAccess
	}
	attr := unix.LandlockPathBeneathAttr{Allowed_access: access & l.files, Parent_fd: int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset), unix.LANDLOCK_RULE_PATH_BENEATH,
		uintptr(unsafe.Pointer(&attr)), 0, 0, 0) //nolint:gosec // for one system call
	if errno != 0 {
		return errno
	}
	return nil
}

// pathOf is where a process looks for programs.
func pathOf(env []string) string {
	for _, kv := range env {
		if len(kv) > len("PATH=") && kv[:len("PATH=")] == "PATH=" {
			return kv[len("PATH="):]
		}
	}
	return os.Getenv("PATH")
}
