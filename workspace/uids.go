package workspace

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// A uidRange is the users that processes may run as, both ends included.
type uidRange struct{ first, last int }

// The users that processes run as unless uidsVariable says others, as FIRST-LAST.
var defaultUIDs = uidRange{200_000, 999_999}

const uidsVariable = "TROUPE_UIDS"

// uidBlock is how many users a supervisor takes at a time for itself, of all
// that are on the machine.
const uidBlock = 256

// uids are the users of the processes of one run: each has one of its own, as
// long as the run's directory is there.
type uids struct {
	all  uidRange
	run  Run
	self *os.File // a copy of the running binary that all may execute; nil where all may its own

	mu     sync.Mutex
	blocks map[int]int  // descriptors that hold blocks, by the block's first user
	taken  map[int]bool // that some process has, or somebody of the machine
	next   int          // the first that may be free in open; 0 without an open block
	open   int          // the block that new users come from
}

// uidsFromEnv is the range of users to take.
func uidsFromEnv() (uidRange, error) {
	text := os.Getenv(uidsVariable)
	if text == "" {
		return defaultUIDs, nil
	}
	first, last, _ := strings.Cut(text, "-")
	a, err := strconv.Atoi(first)
	b, failed := strconv.Atoi(last)
	if err != nil || failed != nil || a < 1 || b < a+uidBlock || b > 1<<31 {
		return uidRange{}, fmt.Errorf("%s is %q: give a range of at least %d numbers, such as %d-%d",
			uidsVariable, text, uidBlock+1, defaultUIDs.first, defaultUIDs.last)
	}
	return uidRange{a, b}, nil
}

// mapped says whether the users of a range are some in this user namespace.
func (r uidRange) mapped(table string) bool {
	for line := range strings.Lines(table) {
		var inside, outside, count int
		if n, _ := fmt.Sscan(line, &inside, &outside, &count); n == 3 && inside <= r.first && r.last < inside+count {
			return true
		}
	}
	return table == "" // no such file: no such namespaces
}

// newUIDs finds the users that processes of a run have already.
func newUIDs(r Run, all uidRange) *uids {
	u := &uids{all: all, run: r, blocks: map[int]int{}, taken: systemUsers()}
	for id := range r.Owners() {
		u.taken[id] = true
	}
	return u
}

// has says whether a user is one of the range.
func (u *uids) has(id int) bool { return id >= u.all.first && id <= u.all.last }

// systemUsers are those that the machine has for something else.
func systemUsers() map[int]bool {
	taken := map[int]bool{}
	for _, name := range []string{"/etc/passwd", "/etc/group"} {
		f, err := os.Open(name)
		if err != nil {
			continue
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if words := strings.Split(lines.Text(), ":"); len(words) > 2 {
				if id, err := strconv.Atoi(words[2]); err == nil {
					taken[id] = true
				}
			}
		}
		_ = f.Close()
	}
	return taken
}

// of is the user that a workspace's process runs as: the one that it belongs to,
// where that is one of the range which no other supervisor has, else a new one.
func (u *uids) of(w *Workspace) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	var st unix.Stat_t
	if unix.Lstat(w.Work, &st) == nil && u.has(int(st.Uid)) {
		if _, err := u.hold(u.block(int(st.Uid))); err == nil {
			u.taken[int(st.Uid)] = true
			return int(st.Uid), nil
		}
	}
	return u.fresh()
}

// block is the first user of the block that a user is in.
func (u *uids) block(id int) int { return u.all.first + (id-u.all.first)/uidBlock*uidBlock }

// fresh is a user that nobody has.
func (u *uids) fresh() (int, error) {
	for {
		for ; u.open != 0 && u.next < u.open+uidBlock; u.next++ {
			if !u.taken[u.next] {
				u.taken[u.next] = true
				return u.next, nil
			}
		}
		if err := u.another(); err != nil {
			return 0, err
		}
	}
}

// another takes the next block that is free.
func (u *uids) another() error {
	from := u.all.first
	if u.open != 0 {
		from = u.open + uidBlock
	}
	for block := from; block+uidBlock-1 <= u.all.last; block += uidBlock {
		_, err := u.hold(block)
		if err == nil {
			u.open, u.next = block, block
			return nil
		}
		if !errors.Is(err, unix.EADDRINUSE) {
			return fmt.Errorf("cannot take users for processes: %w", err)
		}
	}
	return fmt.Errorf("no user from %d to %d is free for another process; %s names a larger range", u.all.first, u.all.last, uidsVariable)
}

// release gives up all blocks. The caller holds the lock, if others know u.
func (u *uids) release() {
	for _, fd := range u.blocks {
		_ = unix.Close(fd)
	}
	clear(u.blocks)
}

func (u *uids) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.release()
	if u.self != nil {
		_ = u.self.Close()
	}
	shut(u.run.Dir)
}

func (u *uids) enclose(c *Command, w *Workspace) (func(), error) {
	c.Confinement.UID = w.uid
	if u.self != nil {
		c.Confinement.Self = fmt.Sprintf("/proc/self/fd/%d", u.self.Fd())
	}
	c.Confinement.Umask = privateUmask
	c.Confinement.NoPrivileges = true
	return func() {}, nil
}

// privateUmask has what a process makes be its own alone, unless it says
// otherwise.
const privateUmask = 0o077

// Owners are the users that processes of a run have been given: their workspaces
// are theirs, in directories of this process's user that let them through. One
// who began the run, and owns all of it, may have other processes.
func (r Run) Owners() map[int]bool {
	all := map[int]bool{}
	dirs := []string{r.world()}
	for _, name := range readDir(filepath.Join(r.Dir, "agents")) {
		dirs = append(dirs, r.agent(name))
	}
	for _, dir := range dirs {
		var st, work unix.Stat_t
		if unix.Lstat(dir, &st) != nil || unix.Lstat(filepath.Join(dir, "work"), &work) != nil {
			continue
		}
		if owner := int(work.Uid); owner != os.Geteuid() && int(st.Uid) == os.Geteuid() && int(st.Gid) == owner {
			all[owner] = true
		}
	}
	return all
}

// ClaimOwners gives those of Owners whom no run that is alive has: another run may
// have got the users of one that is over. None gets these until release.
func (r Run) ClaimOwners() (owners map[int]bool, release func()) {
	owners = r.Owners()
	all, err := uidsFromEnv()
	if err != nil {
		return nil, func() {} // such a run cannot be gone on with
	}
	u := &uids{all: all, blocks: map[int]int{}}
	maps.DeleteFunc(owners, func(id int, _ bool) bool {
		if !u.has(id) {
			return false // no run of this range has got it
		}
		_, err := u.hold(u.block(id))
		return err != nil
	})
	return owners, u.release
}

// owners are those of the run's Owners who are this run's alone now.
func (u *uids) owners() map[int]bool {
	all := u.run.Owners()
	u.mu.Lock()
	defer u.mu.Unlock()
	maps.DeleteFunc(all, func(id int, _ bool) bool {
		_, held := u.blocks[u.block(id)]
		return !held
	})
	return all
}

func readDir(dir string) (names []string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
