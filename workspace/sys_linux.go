package workspace

import (
	"errors"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

func deviceOf(st *unix.Stat_t) uint64 { return st.Dev }

// chmodAt sets an entry's permissions, not through a symbolic link. The call
// that says so is of Linux 6.6 and has no counterpart before.
func chmodAt(fd int, name string, mode uint32) error {
	entry, err := unix.Openat(fd, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(entry) }()
	var st unix.Stat_t
	if err := unix.Fstat(entry, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT == unix.S_IFLNK {
		return unix.ELOOP
	}
	return unix.Chmod("/proc/self/fd/"+strconv.Itoa(entry), mode)
}

// touchAt sets when an entry was modified, of a symbolic link its own.
func touchAt(fd int, name string, mtime stamp) error {
	ts, err := unix.TimeToTimespec(time.Unix(mtime.sec, mtime.nsec))
	if err != nil {
		return err
	}
	omit := unix.Timespec{Nsec: unix.UTIME_OMIT}
	return unix.UtimesNanoAt(fd, name, []unix.Timespec{omit, ts}, unix.AT_SYMLINK_NOFOLLOW)
}

// extent finds the next bytes of a file, from an offset on, that are not known
// to be zeros. There are none where start is size.
func extent(fd int, offset, size int64) (start, end int64, err error) {
	start, err = unix.Seek(fd, offset, unix.SEEK_DATA)
	if errors.Is(err, unix.ENXIO) {
		return size, size, nil
	}
	if err != nil { // a file system without holes
		return offset, size, nil //nolint:nilerr // then all of it is data
	}
	end, err = unix.Seek(fd, start, unix.SEEK_HOLE)
	if err != nil {
		return start, size, nil //nolint:nilerr // the same
	}
	return min(start, size), min(end, size), nil
}
