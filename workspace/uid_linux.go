package workspace

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// uidTier has each process run as a user of its own, with no other group and no
// capability: what belongs to others is kept from it by its permissions.
type uidTier struct{}

// Capabilities that making somebody else's process takes, and keeping its files.
var uidCapabilities = []struct {
	bit  int
	name string
}{
	{unix.CAP_SETUID, "CAP_SETUID"}, {unix.CAP_SETGID, "CAP_SETGID"}, {unix.CAP_CHOWN, "CAP_CHOWN"},
	{unix.CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE"}, {unix.CAP_FOWNER, "CAP_FOWNER"}, {unix.CAP_KILL, "CAP_KILL"},
}

func (uidTier) Barred(s *Site) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("troupe runs as user %d, and only root can give processes users of their own", os.Geteuid())
	}
	if missing := MissingCapabilities(); len(missing) > 0 {
		return fmt.Errorf("this process lacks %s", strings.Join(missing, ", "))
	}
	all, err := uidsFromEnv()
	if err != nil {
		return err
	}
	table, _ := os.ReadFile("/proc/self/uid_map")
	if !all.mapped(string(table)) {
		return fmt.Errorf("the users %d to %d are none in this user namespace; %s names a range that is", all.first, all.last, uidsVariable)
	}
	return s.reachable()
}

func (uidTier) Raise(s *Site) (wall, error) {
	all, err := uidsFromEnv()
	if err != nil {
		return nil, err
	}
	if err := s.admit(); err != nil {
		return nil, err
	}
	u := newUIDs(s.Run, all)
	u.self, err = publicBinary()
	return u, err
}

// publicBinary is a copy of the running binary in memory, which all may execute;
// nil where they may execute its file. It does not matter then where that lies:
// the kernel finds it for whoever runs it.
func publicBinary() (*os.File, error) {
	const own = "/proc/self/exe"
	info, err := os.Stat(own)
	if err != nil || info.Mode()&(othersRead|othersSearch) == othersRead|othersSearch {
		return nil, err
	}
	from, err := os.Open(own)
	if err != nil {
		return nil, err
	}
	defer func() { _ = from.Close() }()
	fd, err := unix.MemfdCreate("troupe", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("cannot copy the running binary: %w", err)
	}
	to := os.NewFile(uintptr(fd), "troupe")
	_, err = io.Copy(to, from)
	if err == nil {
		_, err = unix.FcntlInt(to.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_WRITE|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	}
	// Executing a file that is open for writing is refused: it is opened anew.
	var all *os.File
	if err == nil {
		all, err = os.Open(fmt.Sprintf("/proc/self/fd/%d", fd))
	}
	if err = errors.Join(err, to.Close()); err != nil {
		return nil, fmt.Errorf("cannot copy the running binary: %w", err)
	}
	return all, nil
}

// MissingCapabilities names those that the tier uid takes and this process lacks.
func MissingCapabilities() (missing []string) {
	has := effectiveCapabilities()
	for _, c := range uidCapabilities {
		if has&(1<<c.bit) == 0 {
			missing = append(missing, c.name)
		}
	}
	return missing
}

// effectiveCapabilities are those of this process, as bits.
func effectiveCapabilities() uint64 {
	text, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "CapEff:"); ok {
			bits, _ := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			return bits
		}
	}
	return 0
}

// hold takes a block of users, and says no where another process has it: by a
// name that the kernel gives to one at a time, and takes back when that ends.
func (u *uids) hold(block int) (fd int, err error) {
	if fd, ok := u.blocks[block]; ok {
		return fd, nil
	}
	fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	name := fmt.Sprintf("@troupe-uids-%d-%d", block, block+uidBlock-1)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: name}); err != nil {
		return -1, errors.Join(err, unix.Close(fd))
	}
	u.blocks[block] = fd
	return fd, nil
}
