package observe

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// ticksPerSecond is the unit of times in /proc, the same on every system that
// Go knows.
const ticksPerSecond = 100

// A procStat is what /proc/<pid>/stat says of a process.
type procStat struct {
	pid, parent, group, session int
	cpu                         uint64 // ticks, with those of its children that it has waited for
	start                       uint64 // ticks since the system's start: tells processes of one pid apart
	memory                      uint64 // resident, in pages
}

// errNoStat is what is no line of /proc/<pid>/stat.
var errNoStat = errors.New("cannot read the state of a process: unknown format")

// readProcs reads all processes of a /proc in one pass. One that ends
// meanwhile is left out.
func readProcs(root string) ([]procStat, error) {
	dir, err := os.Open(root)
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }()
	entries, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var all []procStat
	buf := make([]byte, 1024)
	for _, name := range entries {
		if name[0] < '1' || name[0] > '9' {
			continue
		}
		n, err := readInto(filepath.Join(root, name, "stat"), buf)
		if err != nil {
			continue
		}
		if st, err := parseStat(buf[:n]); err == nil {
			all = append(all, st)
		}
	}
	return all, nil
}

// sampleAge is for how long what was read of all processes does for another run: the
// runs of one scrape are looked at one after the other.
const sampleAge = 200 * time.Millisecond

// A sampler reads the processes of the system once for all runs of a scrape. The nil
// one reads them each time. It may be used concurrently.
type sampler struct {
	mu  sync.Mutex
	at  time.Time
	all []procStat
}

// read is readProcs; what it gives is not to be changed. Roots that were not there
// yet when others asked have it read again.
func (s *sampler) read(root string, roots map[int]string) ([]procStat, error) {
	if s == nil {
		return readProcs(root)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.at) < sampleAge && s.has(roots) {
		return s.all, nil
	}
	all, err := readProcs(root)
	if err == nil {
		s.all, s.at = all, time.Now()
	}
	return all, err
}

func (s *sampler) has(roots map[int]string) bool {
	found := 0
	for i := range s.all {
		if _, ok := roots[s.all[i].pid]; ok {
			found++
		}
	}
	return found == len(roots)
}

// countFiles is how many descriptors a process has open; 0 where that cannot be seen.
func countFiles(root string, pid int) int {
	dir, err := os.Open(filepath.Join(root, strconv.Itoa(pid), "fd"))
	if err != nil {
		return 0
	}
	defer func() { _ = dir.Close() }()
	list, _ := dir.Readdirnames(-1)
	return len(list)
}

func readInto(path string, buf []byte) (int, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	return f.Read(buf)
}

// Places of fields in a stat line, counted from the state, which follows the
// program's name (proc_pid_stat(5) counts from 1, with the state as 3).
const (
	statParent  = 1
	statGroup   = 2
	statSession = 3
	statUser    = 11 // and system, and the children's two
	statStart   = 19
	statPages   = 21
)

// parseStat reads a line of /proc/<pid>/stat. The program's name, in brackets,
// may hold anything.
func parseStat(line []byte) (st procStat, err error) {
	open, end := bytes.IndexByte(line, '('), bytes.LastIndexByte(line, ')')
	if open < 1 || end < open {
		return st, errNoStat
	}
	if st.pid, err = strconv.Atoi(string(bytes.TrimSpace(line[:open]))); err != nil {
		return st, errNoStat
	}
	place := 0
	for field := range bytes.FieldsSeq(line[end+1:]) {
		if place > 0 && place <= statPages {
			v, err := strconv.ParseInt(string(field), 10, 64)
			if err != nil && place >= statStart {
				return st, errNoStat
			}
			st.set(place, v)
		}
		place++
	}
	if place <= statPages {
		return st, errNoStat
	}
	return st, nil
}

func (st *procStat) set(place int, v int64) {
	switch {
	case place == statParent:
		st.parent = int(v)
	case place == statGroup:
		st.group = int(v)
	case place == statSession:
		st.session = int(v)
	case place >= statUser && place < statUser+4:
		st.cpu += uint64(max(v, 0))
	case place == statStart:
		st.start = uint64(v)
	case place == statPages:
		st.memory = uint64(max(v, 0))
	}
}

// trees says for each process which of the roots it descends from, 0 for none:
// by its parents, else by its process group or session, which outlive a parent
// that has ended.
func trees(all []procStat, isRoot func(pid int) bool) []int {
	at := make(map[int]int, len(all))
	for i := range all {
		at[all[i].pid] = i
	}
	roots := make([]int, len(all))
	for i := range all {
		roots[i] = rootOf(all, at, i, isRoot)
	}
	return roots
}

// deepest is how many parents are looked at: a list read while processes come
// and go could have a circle in it.
const deepest = 1000

func rootOf(all []procStat, at map[int]int, i int, isRoot func(pid int) bool) int {
	for j, depth := i, 0; depth < deepest; depth++ {
		if isRoot(all[j].pid) {
			return all[j].pid
		}
		parent, ok := at[all[j].parent]
		if !ok {
			break
		}
		j = parent
	}
	for _, pid := range [...]int{all[i].group, all[i].session} {
		if isRoot(pid) {
			return pid
		}
	}
	return 0
}
