package supervisor

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"os"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// A tag tells what a child of ours started from all other processes, whatever
// that does to its parents, session, group and environment. It is the soft
// limit of file locks, which no kernel heeds since Linux 2.4: every process
// inherits it, and anybody may read it. A process can take it off; then its
// user's id or its control group tells, where it has one of its own, and else it
// is found when the last fleet stops.
type tag uint64

// Parts of a tag: a bit that no limit in use has, the run, the child.
const (
	tagBit      = 1 << 62
	tagChildren = 26
	tagRuns     = 34
)

// A brand is the part of a tag that all children of a run have.
type brand uint64

// brandOf is the brand of the run in a directory, the same for each supervisor
// of it.
func brandOf(dir string) brand {
	sum := sha256.Sum256([]byte(dir))
	return brand(binary.BigEndian.Uint64(sum[:]) >> (64 - tagRuns))
}

// tag is that of the nth child. So many are there that two of one tag do not
// live at a time.
func (b brand) tag(n uint64) tag {
	return tagBit | tag(b)<<tagChildren | tag(n%(1<<tagChildren))
}

// has says whether a tag is one of the run's.
func (b brand) has(t tag) bool { return t&tagBit != 0 && t&^tagBit>>tagChildren == tag(b) }

// tagging is held from when this process has a tag until the child has it.
var tagging sync.Mutex

// put has the next child inherit the tag; off ends that.
func (t tag) put() (off func()) {
	tagging.Lock()
	var before unix.Rlimit
	if unix.Prlimit(0, unix.RLIMIT_LOCKS, nil, &before) != nil {
		return tagging.Unlock
	}
	// It fails where it is above a hard limit: then there are no tags.
	_ = unix.Prlimit(0, unix.RLIMIT_LOCKS, &unix.Rlimit{Cur: uint64(t), Max: before.Max}, nil)
	return func() {
		_ = unix.Prlimit(0, unix.RLIMIT_LOCKS, &before, nil)
		tagging.Unlock()
	}
}

// tagOf is the tag of a process; 0 where it has none. It is known of those alone
// that live.
func tagOf(pid int) (t tag, known bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/limits")
	if err != nil {
		return 0, false
	}
	_, rest, found := bytes.Cut(text, []byte("Max file locks"))
	fields := bytes.Fields(rest[:min(len(rest), 40)])
	if !found || len(fields) == 0 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(fields[0]), 10, 64)
	if err != nil || n&tagBit == 0 {
		return 0, true // unlimited, or somebody's own
	}
	return tag(n), true
}
