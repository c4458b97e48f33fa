package supervisor

import (
	"bytes"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// clockTick is the unit of processor times in /proc: every Linux tells them in
// hundredths of a second.
const clockTick = 10 * time.Millisecond

// A use is what a child and all that it started take together.
type use struct {
	pids   []int // of those that live
	tasks  int   // threads of all, and those that are dead and not collected
	memory int64 // what they have resident that is no file's; what they share counts several times
	cpu    time.Duration
}

// use measures; orphans are what the child started that was handed to this
// process.
func (w *watched) use(orphans []int) (u use) {
	var all []int
	for _, pid := range append(orphans, w.c.pid) {
		eachOfTree(pid, func(pid int) { all = append(all, pid) })
	}
	slices.Sort(all)
	var living, ever time.Duration // ever is with those that ended since, as far as they were seen
	spent := map[life]time.Duration{}
	for _, pid := range slices.Compact(all) {
		s, ok := readStat(pid)
		if !ok {
			continue
		}
		if s.dead {
			u.tasks++
			continue
		}
		u.pids = append(u.pids, pid)
		u.tasks += s.threads
		u.memory += residentOf(pid)
		spent[life{pid, s.start}] = s.own
		living += s.own + s.collected
		ever += s.own
	}
	for life, own := range w.spent {
		if _, lives := spent[life]; !lives {
			w.past += own
		}
	}
	w.spent = spent
	u.cpu = max(living, w.past+ever)
	return u
}

// A times is what the kernel tells of a process's times.
type times struct {
	own, collected time.Duration // collected is that of children that ended
	start          uint64
	threads        int
	dead           bool // and not collected
}

// readStat reads the times of a process; false where it is gone.
func readStat(pid int) (s times, ok bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return s, false
	}
	f := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:]) // from the state on, which is the third
	if len(f) < 20 {
		return s, false
	}
	ticks := func(field int) time.Duration {
		n, _ := strconv.ParseInt(string(f[field-3]), 10, 64)
		return time.Duration(n) * clockTick
	}
	s.dead = f[0][0] == 'Z' || f[0][0] == 'X'
	s.own, s.collected = ticks(14)+ticks(15), ticks(16)+ticks(17)
	s.threads, _ = strconv.Atoi(string(f[20-3]))
	s.start, _ = strconv.ParseUint(string(f[22-3]), 10, 64)
	return s, true
}

// residentOf is what a process has resident of its own and of shared memory.
func residentOf(pid int) int64 { return kilobytes(pid, "status", "RssAnon:", "RssShmem:") }

// proportional is the memory with what is shared among several processes divided
// between them; the plain one where that is not to be known.
func (u *use) proportional() (sum int64) {
	for _, pid := range u.pids {
		n := kilobytes(pid, "smaps_rollup", "Pss_Anon:", "Pss_Shmem:")
		if n == 0 {
			n = residentOf(pid)
		}
		sum += n
	}
	return sum
}

// kilobytes sums up numbers of a file of a process; 0 where it is gone.
func kilobytes(pid int, file string, names ...string) (sum int64) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/" + file)
	if err != nil {
		return 0
	}
	for _, name := range names {
		_, rest, _ := bytes.Cut(text, []byte("\n"+name))
		if fields := bytes.Fields(rest[:min(len(rest), 40)]); len(fields) > 0 {
			n, _ := strconv.ParseInt(string(fields[0]), 10, 64)
			sum += n << 10
		}
	}
	return sum
}

// An orphanage is the orphans that were handed to this process, by whose they
// are.
type orphanage struct {
	tags  map[tag][]int
	users map[int][]int // those without a tag
}

func newOrphanage() *orphanage {
	all := &orphanage{map[tag][]int{}, map[int][]int{}}
	for _, pid := range orphans() {
		if t, known := tagOf(pid); t != 0 {
			all.tags[t] = append(all.tags[t], pid)
		} else if uid, there := userOf(pid); known && there {
			all.users[uid] = append(all.users[uid], pid)
		}
	}
	return all
}

// of are those that a child has started.
func (o *orphanage) of(c *child) []int {
	list := slices.Clip(o.tags[c.tag])
	if c.uid != 0 {
		list = append(list, o.users[c.uid]...)
	}
	return list
}

// An inode is one file of a system.
type inode struct{ dev, ino uint64 }

// blocks is what a file takes on the disk; shared says that it has other names.
func blocks(info fs.FileInfo) (bytes int64, of inode, shared bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return info.Size(), inode{}, false
	}
	return st.Blocks * 512, inode{st.Dev, st.Ino}, st.Nlink > 1 && info.Mode().IsRegular()
}
