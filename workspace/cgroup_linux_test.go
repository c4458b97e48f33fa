package workspace

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// The directories of a process's control groups are found wherever they are
// mounted, and whatever part of the hierarchy the mount shows.
func TestCgroupDir(t *testing.T) {
	const mixed = `25 20 0:22 / /sys/fs/cgroup rw shared:9 - tmpfs tmpfs rw
30 25 0:27 / /sys/fs/cgroup/memory rw shared:11 - cgroup cgroup rw,memory
31 25 0:28 /docker/abc /sys/fs/cgroup/cpu,pids rw - cgroup cgroup rw,cpu,pids
32 25 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
`
	for _, x := range []struct{ own, mounts, controller, want string }{
		{"4:memory:/a/b\n0::/\n", mixed, "memory", "/sys/fs/cgroup/memory/a/b"},
		{"8:cpu,pids:/docker/abc\n0::/\n", mixed, "pids", "/sys/fs/cgroup/cpu,pids"},
		{"8:cpu,pids:/docker/abc/in\n", mixed, "pids", "/sys/fs/cgroup/cpu,pids/in"},
		{"8:cpu,pids:/\n", mixed, "pids", "/sys/fs/cgroup/cpu,pids"},
		{"0::/user.slice\n", mixed, "", "/sys/fs/cgroup/unified/user.slice"},
		{"0::/user.slice\n", mixed, "memory", ""},
		{"4:memory:/a\n", "", "memory", ""},
	} {
		got, ok := cgroupDir(x.own, x.mounts, x.controller)
		if got != x.want || ok != (x.want != "") {
			t.Errorf("controller %q of %q: %q %v, want %q", x.controller, x.own, got, ok, x.want)
		}
	}
}

// imitated is a directory like that of a version 2 hierarchy, with the files of a
// process's own group, for which the kernel here has no controllers of memory and
// processes. What is written to them is kept and does nothing. lacks are files
// that no group has.
func imitated(t *testing.T, lacks ...string) (dir string, find func() (*Cgroups, error)) {
	dir = filepath.Join(t.TempDir(), "unified")
	put := func(dir, name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	populate := func(dir string) error {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		for _, name := range []string{
			"cgroup.procs", "cgroup.kill", "cgroup.subtree_control", "memory.max", "memory.swap.max", "memory.oom.group",
			"memory.current", "memory.events", "pids.max", "pids.current", "pids.events",
		} {
			if !slices.Contains(lacks, name) {
				put(dir, name, "")
			}
		}
		return nil
	}
	if err := populate(dir); err != nil {
		t.Fatal(err)
	}
	put(dir, "cgroup.controllers", "cpuset cpu io memory hugetlb pids\n")
	return dir, func() (*Cgroups, error) {
		return findCgroups2("troupe-x-", "0::/\n", "32 25 0:29 / "+dir+" rw - cgroup2 cgroup2 rw\n", directories{populate, os.RemoveAll})
	}
}

// Which files of version 2 are written and read, over an imitation of them.
func TestFilesOfVersion2(t *testing.T) {
	dir, find := imitated(t)
	c, err := find()
	if err != nil {
		t.Fatal(err)
	}
	is := func(want string, path ...string) {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(path...))
		if err != nil || string(text) != want {
			t.Errorf("%s says %q %v, want %q", filepath.Join(path...), text, err, want)
		}
	}
	is("+memory +pids", dir, "cgroup.subtree_control")
	if left, _ := filepath.Glob(dir + "/troupe*"); left != nil {
		t.Errorf("the probe has left %v", left)
	}
	g, err := c.Make("7", CgroupLimits{Memory: 64 << 20, Processes: 50})
	if err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(dir, "troupe-x-7")
	is("67108864", at, "memory.max")
	is("0", at, "memory.swap.max")
	is("1", at, "memory.oom.group")
	is("50", at, "pids.max")
	if len(g.Procs) != 1 {
		t.Fatalf("it is joined by %v", g.Procs)
	}
	if _, err := syscall.Write(g.Procs[0], []byte("0")); err != nil {
		t.Error(err)
	}
	is("0", at, "cgroup.procs")
	g.Joined()
	for name, text := range map[string]string{
		"cgroup.procs": "12\n345\n", "memory.current": "4096\n", "pids.current": "3\n",
		"memory.events": "low 0\nhigh 0\nmax 9\noom 2\noom_kill 5\noom_group_kill 1\n", "pids.events": "max 4\n",
	} {
		if err := os.WriteFile(filepath.Join(at, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := fmt.Sprint(g.PIDs(), g.Memory(), g.Processes(), g.OutOfMemory(), g.Refused()); got != "[12 345] 4096 3 5 4" {
		t.Errorf("it reads %s", got)
	}
	g.Kill()
	is("1", at, "cgroup.kill")
	if err := g.Remove(); err != nil {
		t.Error(err)
	}
	if got := fmt.Sprint(g.PIDs(), g.Memory(), g.Processes(), g.OutOfMemory(), g.Refused()); got != "[] 0 0 0 0" {
		t.Errorf("afterwards it reads %s", got)
	}
}

// Swap need not be accounted for; what has no limit of memory, or does not keep
// one, is no control group.
func TestFilesOfVersion2ThatLack(t *testing.T) {
	for file, works := range map[string]bool{"memory.swap.max": true, "memory.oom.group": true, "memory.max": false, "pids.max": false, "cgroup.subtree_control": false} {
		dir, find := imitated(t, file)
		if file == "cgroup.subtree_control" {
			if err := os.Remove(filepath.Join(dir, file)); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
		}
		if _, err := find(); (err == nil) != works {
			t.Errorf("without %s: %v", file, err)
		}
	}
	dir, find := imitated(t)
	if err := os.WriteFile(filepath.Join(dir, "cgroup.controllers"), []byte("hugetlb\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := find(); err == nil || !strings.Contains(err.Error(), "has no controller memory") {
		t.Errorf("without controllers: %v", err)
	}
}

// unified is a group of the kernel's own version 2 hierarchy, with a process in
// it that a child of this one has started; empty where there is none to be had.
func unified(t *testing.T) (dir string, in *exec.Cmd) {
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	root, ok := cgroupDir("0::/\n", string(mounts), "")
	if !ok {
		t.Log("no version 2 hierarchy is mounted")
		return "", nil
	}
	dir = filepath.Join(root, fmt.Sprintf("troupe-test-%d", os.Getpid()))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Log("version 2 cannot be written: ", err)
		return "", nil
	}
	in = exec.Command("sleep", "1000")
	if err := in.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Process.Kill()
		_ = in.Wait()
		for _, d := range []string{filepath.Join(dir, leaf), dir} {
			if err := removeCgroup(d, syscall.Rmdir); err != nil {
				t.Error(err)
			}
		}
	})
	if err := writeControl(filepath.Join(dir, "cgroup.procs"), fmt.Sprint(in.Process.Pid)); err != nil {
		t.Fatal(err)
	}
	return dir, in
}

// The kernel's own groups of version 2, whatever controllers they have here:
// processes join, are listed, move to the leaf, and are killed at once.
func TestVersion2(t *testing.T) {
	dir, in := unified(t)
	if dir == "" {
		return
	}
	if got := cgroupPIDs(dir); !slices.Equal(got, []int{in.Process.Pid}) {
		t.Fatalf("in it are %v", got)
	}
	if err := vacate(dir); err != nil {
		t.Fatal(err)
	}
	if got := cgroupPIDs(filepath.Join(dir, leaf)); !slices.Equal(got, []int{in.Process.Pid}) || len(cgroupPIDs(dir)) > 0 {
		t.Errorf("in the leaf are %v, in its parent %v", got, cgroupPIDs(dir))
	}
	c := &Cgroups{prefix: "x-", within: []hierarchy{{dir, nil}}, dirs: groupDirectories}
	g, err := c.Make("1", CgroupLimits{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := syscall.Write(g.Procs[0], []byte(fmt.Sprint(in.Process.Pid))); err != nil {
		t.Error(err)
	}
	if got := g.PIDs(); !slices.Equal(got, []int{in.Process.Pid}) {
		t.Errorf("in the group are %v", got)
	}
	g.Kill()
	if err := in.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("it ended with %v", err)
	}
	if err := g.Remove(); err != nil {
		t.Error(err)
	}
}

// A group that has processes gives its controllers to those below it once these
// have moved, and does not where somebody else has processes in it.
func TestControllersOfVersion2(t *testing.T) {
	dir, _ := unified(t)
	if dir == "" {
		return
	}
	has, err := os.ReadFile(filepath.Join(filepath.Dir(dir), "cgroup.controllers"))
	if err != nil || len(strings.Fields(string(has))) == 0 {
		t.Logf("the hierarchy has no controllers: %q %v", has, err)
		return
	}
	one := strings.Fields(string(has))[0]
	above := filepath.Join(filepath.Dir(dir), "cgroup.subtree_control")
	given, err := os.ReadFile(above)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(strings.Fields(string(given)), one) {
		if err := writeControl(above, "+"+one); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = writeControl(above, "-"+one) })
	}
	if err := enable(dir, one); err != nil {
		t.Error(err)
	}
	if text, _ := os.ReadFile(filepath.Join(dir, leaf, "cgroup.controllers")); !slices.Contains(strings.Fields(string(text)), one) {
		t.Errorf("the leaf has the controllers %q, want %s", text, one)
	}
	if err := writeControl(filepath.Join(dir, "cgroup.subtree_control"), "-"+one); err != nil {
		t.Fatal(err)
	}
	// Somebody whose parents are dead is nobody's here.
	text, err := exec.Command("sh", "-c", "setsid sleep 1000 >/dev/null 2>&1 & echo $!").Output()
	if err != nil {
		t.Fatal(err)
	}
	other, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Kill(other, syscall.SIGKILL) }()
	if err := writeControl(filepath.Join(dir, "cgroup.procs"), fmt.Sprint(other)); err != nil {
		t.Fatal(err)
	}
	if err := enable(dir, one); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("others have processes in the control group %s: pid %d", dir, other)) {
		t.Errorf("with somebody else in it: %v", err)
	}
}
