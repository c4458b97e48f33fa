package workspace

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Cgroups are the places in which this process may make control groups, one of
// the version 2 hierarchy or two of version 1.
type Cgroups struct {
	prefix string
	within []hierarchy
	dirs   directories
}

// directories are how groups come and go: by the kernel, a directory has its files
// when it is made, and goes with them.
type directories struct {
	make, remove func(dir string) error
}

var groupDirectories = directories{
	make:   func(dir string) error { return os.Mkdir(dir, 0o755) }, //nolint:gosec // the kernel's own file system
	remove: syscall.Rmdir,
}

// A hierarchy is where control groups of some resources are made.
type hierarchy struct {
	dir   string
	files []cgroupFile
}

// A cgroupFile is one that takes a limit.
type cgroupFile struct {
	name     string
	limit    func(CgroupLimits) int64 // 0 for none
	optional bool                     // where swap is not accounted for, it is not there
	fixed    string                   // is written in place of the limit
}

// CgroupLimits are what a control group holds its processes to; 0 for no bound.
type CgroupLimits struct {
	Memory    int64 // bytes
	Processes int64
}

func memoryLimit(l CgroupLimits) int64  { return l.Memory }
func processLimit(l CgroupLimits) int64 { return l.Processes }

// version1 is files by controller, in the order in which they are written.
var version1 = map[string][]cgroupFile{
	"memory": {
		{name: "memory.limit_in_bytes", limit: memoryLimit},
		{name: "memory.memsw.limit_in_bytes", limit: memoryLimit, optional: true},
	},
	"pids": {{name: "pids.max", limit: processLimit}},
}

// FindCgroups finds where control groups for memory and processes can be made,
// whose names will begin with prefix. It believes no directory: it writes a limit
// into a group of its own and reads it back. The error says what is missing.
func FindCgroups(prefix string) (*Cgroups, error) {
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, fmt.Errorf("cannot tell the control groups of this process: %w", err)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("cannot tell where control groups are mounted: %w", err)
	}
	c, why := findCgroups2(prefix, string(own), string(mounts), groupDirectories)
	if why == nil {
		return c, nil
	}
	c = &Cgroups{prefix: prefix, dirs: groupDirectories}
	for _, controller := range []string{"memory", "pids"} {
		dir, ok := cgroupDir(string(own), string(mounts), controller)
		if !ok {
			return nil, fmt.Errorf("no control groups of version 1 for %s are mounted that this process could make its own in, and of version 2: %w", controller, why)
		}
		c.within = append(c.within, hierarchy{dir, version1[controller]})
	}
	if err := c.probe(); err != nil {
		return nil, fmt.Errorf("version 1: %w; version 2: %w", err, why)
	}
	return c, nil
}

// String says where they are.
func (c *Cgroups) String() string {
	dirs := make([]string, len(c.within))
	for i, h := range c.within {
		dirs[i] = h.dir
	}
	return fmt.Sprintf("version %d can be written at %s", 3-len(dirs), strings.Join(dirs, " and "))
}

// cgroupDir is the directory of this process's control group of a controller of
// version 1, or of version 2 for none.
func cgroupDir(own, mounts, controller string) (dir string, ok bool) {
	path, found := "", false
	for line := range strings.Lines(own) { // number:controllers:path
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) == 3 && listed(parts[1], controller) {
			path, found = parts[2], true
		}
	}
	for line := range strings.Lines(mounts) { // id parent major:minor root point options … - type source options
		before, after, _ := strings.Cut(line, " - ")
		fields, kind := strings.Fields(before), strings.Fields(after)
		if !found || len(fields) < 5 || len(kind) < 3 {
			continue
		}
		if controller == "" && kind[0] != "cgroup2" || controller != "" && (kind[0] != "cgroup" || !listed(kind[2], controller)) {
			continue
		}
		below, err := filepath.Rel(fields[3], path)
		if err != nil || strings.HasPrefix(below, "..") {
			below = "." // the mount shows another part: it is all that this process sees
		}
		return filepath.Join(fields[4], below), true
	}
	return "", false
}

// listed says whether a list has a word; an empty one is the list of none.
func listed(list, word string) bool {
	for w := range strings.SplitSeq(list, ",") {
		if w == word {
			return true
		}
	}
	return false
}

// probe makes a group with limits and reads these back.
func (c *Cgroups) probe() error {
	g, err := c.Make("probe-"+strconv.Itoa(os.Getpid()), CgroupLimits{Memory: 64 << 20, Processes: 64})
	if err != nil {
		return err
	}
	return g.Remove()
}

// A Cgroup holds processes to limits together, with all that they start.
type Cgroup struct {
	dirs   []string
	remove func(dir string) error // one of them
	// Procs are the descriptors to which a process writes 0 to be in the group.
	Procs []int
}

// Make makes a group; its name is the prefix and name. Whoever makes it removes
// it.
func (c *Cgroups) Make(name string, l CgroupLimits) (*Cgroup, error) {
	g := &Cgroup{remove: c.dirs.remove}
	for _, h := range c.within {
		if err := g.join(c.dirs, h, c.prefix+name, l); err != nil {
			return nil, errors.Join(fmt.Errorf("cannot make a control group: %w", err), g.Remove())
		}
	}
	return g, nil
}

func (g *Cgroup) join(d directories, h hierarchy, name string, l CgroupLimits) error {
	dir := filepath.Join(h.dir, name)
	if err := d.make(dir); err != nil {
		return err
	}
	g.dirs = append(g.dirs, dir)
	for _, f := range h.files {
		most := f.limit(l)
		if most == 0 {
			continue
		}
		text := strconv.FormatInt(most, 10)
		if f.fixed != "" {
			text = f.fixed
		}
		path := filepath.Join(dir, f.name)
		err := writeControl(path, text)
		if errors.Is(err, fs.ErrNotExist) && f.optional {
			continue
		}
		if err != nil {
			return err
		}
		// The kernel rounds to whole pages.
		if got, err := readNumber(path); err != nil || f.fixed == "" && (got > most || got < most-int64(os.Getpagesize())) {
			return fmt.Errorf("%s takes no limit: it says %d after %s was written (%w)", path, got, text, err)
		}
	}
	fd, err := syscall.Open(filepath.Join(dir, "cgroup.procs"), syscall.O_WRONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("cannot open cgroup.procs of %s: %w", dir, err)
	}
	g.Procs = append(g.Procs, fd)
	return nil
}

// writeControl writes to a file of the kernel's, which has to be there.
func writeControl(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

func readNumber(path string) (int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64)
}

// Joined says that no further process will join by Procs.
func (g *Cgroup) Joined() {
	for _, fd := range g.Procs {
		_ = syscall.Close(fd)
	}
	g.Procs = nil
}

// OutOfMemory says how many of the group's processes the kernel has killed
// because all of them together were at the limit.
func (g *Cgroup) OutOfMemory() int {
	return max(g.event("memory.events", "oom_kill"), g.event("memory.oom_control", "oom_kill"))
}

// Refused says how often the kernel has started no process, or thread, because
// the group was at its limit of them.
func (g *Cgroup) Refused() int { return g.event("pids.events", "max") }

// Memory is how many bytes the kernel counts for the group now.
func (g *Cgroup) Memory() int64 { return g.number("memory.current", "memory.usage_in_bytes") }

// Processes is how many processes and threads are in the group now.
func (g *Cgroup) Processes() int64 { return g.number("pids.current") }

// number reads the first of some files that is there; 0 where none is.
func (g *Cgroup) number(files ...string) int64 {
	for _, dir := range g.dirs {
		for _, file := range files {
			if n, err := readNumber(filepath.Join(dir, file)); err == nil {
				return n
			}
		}
	}
	return 0
}

// event reads how often something has happened to the group; 0 where no file
// says so.
func (g *Cgroup) event(file, name string) int {
	for _, dir := range g.dirs {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if n, ok := strings.CutPrefix(line, name+" "); ok {
				count, _ := strconv.Atoi(strings.TrimSpace(n))
				return count
			}
		}
	}
	return 0
}

// Kill kills all processes of the group at once, those included that are just
// being started. Version 1 has no such thing: then it does nothing, and whoever
// calls it kills PIDs until there are none.
func (g *Cgroup) Kill() {
	for _, dir := range g.dirs {
		_ = writeControl(filepath.Join(dir, "cgroup.kill"), "1")
	}
}

// PIDs are the processes in the group.
func (g *Cgroup) PIDs() []int {
	if len(g.dirs) == 0 {
		return nil
	}
	return cgroupPIDs(g.dirs[0])
}

func cgroupPIDs(dir string) (pids []int) {
	text, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs")) // none where it is gone
	for field := range bytes.FieldsSeq(text) {
		if pid, err := strconv.Atoi(string(field)); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// removePatience is how long the last processes of a group may take to be gone.
const removePatience = 2 * time.Second

// Remove removes the group, whose processes are dead or about to be. Who
// still measures it finds nothing.
func (g *Cgroup) Remove() error {
	g.Joined()
	var errs []error
	for _, dir := range g.dirs {
		errs = append(errs, removeCgroup(dir, g.remove))
	}
	return errors.Join(errs...)
}

func removeCgroup(dir string, remove func(dir string) error) error {
	for end := time.Now().Add(removePatience); ; time.Sleep(time.Millisecond) {
		err := remove(dir)
		if errors.Is(err, syscall.EBUSY) && time.Now().Before(end) {
			continue
		}
		if err != nil && !errors.Is(err, syscall.ENOENT) {
			return fmt.Errorf("cannot remove the control group %s: %w", dir, err)
		}
		return nil
	}
}

// Clear removes all groups whose names have the prefix, which somebody who is
// dead has left, and kills what is in them; it says how many processes that were.
func (c *Cgroups) Clear() (killed int, err error) {
	var errs []error
	seen := map[int]bool{}
	for _, h := range c.within {
		dirs, _ := filepath.Glob(filepath.Join(h.dir, c.prefix+"*")) // the pattern is well-formed
		for _, dir := range dirs {
			for end := time.Now().Add(removePatience); time.Now().Before(end); time.Sleep(time.Millisecond) {
				pids := cgroupPIDs(dir)
				for _, pid := range pids {
					seen[pid] = true
					_ = syscall.Kill(pid, syscall.SIGKILL)
				}
				if len(pids) == 0 {
					break
				}
			}
			errs = append(errs, removeCgroup(dir, c.dirs.remove))
		}
	}
	return len(seen), errors.Join(errs...)
}
