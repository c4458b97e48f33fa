package workspace

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// version2 is the files of a group of version 2, in the order in which they are
// written.
var version2 = []cgroupFile{
	{name: "memory.max", limit: memoryLimit},
	{name: "memory.swap.max", limit: memoryLimit, optional: true, fixed: "0"},
	{name: "memory.oom.group", limit: memoryLimit, optional: true, fixed: "1"},
	{name: "pids.max", limit: processLimit},
}

// findCgroups2 is FindCgroups for version 2, by what the kernel says of this
// process's groups and of mounts.
func findCgroups2(prefix, own, mounts string, d directories) (*Cgroups, error) {
	dir, ok := cgroupDir(own, mounts, "")
	if !ok {
		return nil, errors.New("it is not mounted")
	}
	if filepath.Base(dir) == leaf {
		dir = filepath.Dir(dir)
	}
	if err := enable(dir, "memory", "pids"); err != nil {
		return nil, err
	}
	c := &Cgroups{prefix: prefix, within: []hierarchy{{dir, version2}}, dirs: d}
	return c, c.probe()
}

// leaf is the group that the processes of this process's own group move to: one
// that has processes cannot give controllers to groups below it.
const leaf = "troupe-supervisor"

// enable has groups be made below dir that have some controllers. Where this
// process and what descends from it are alone in dir, they move to a group below
// it if it takes that.
func enable(dir string, controllers ...string) error {
	has, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	if err != nil {
		return err
	}
	for _, c := range controllers {
		if !strings.Contains(" "+strings.TrimSpace(string(has))+" ", " "+c+" ") {
			return fmt.Errorf("%s has no controller %s", dir, c)
		}
	}
	const tries = 3 // somebody may be started in between
	for range tries {
		err = writeControl(filepath.Join(dir, "cgroup.subtree_control"), "+"+strings.Join(controllers, " +"))
		if !errors.Is(err, syscall.EBUSY) {
			return err
		}
		if err := vacate(dir); err != nil {
			return err
		}
	}
	return err
}

// vacate moves the processes of a group to the leaf below it, unless there are
// some that are nothing to this one.
func vacate(dir string) error {
	pids := cgroupPIDs(dir)
	for _, pid := range pids {
		if above, _ := ChildAbove(pid); above == 0 && pid != os.Getpid() {
			return fmt.Errorf("others have processes in the control group %s: pid %d", dir, pid)
		}
	}
	to := filepath.Join(dir, leaf)
	if err := os.Mkdir(to, 0o755); err != nil && !errors.Is(err, os.ErrExist) { //nolint:gosec // the kernel's own file system
		return err
	}
	for _, pid := range pids {
		err := writeControl(filepath.Join(to, "cgroup.procs"), strconv.Itoa(pid))
		if err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("cannot move to a control group of its own: %w", err)
		}
	}
	return nil
}
