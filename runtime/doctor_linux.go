package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/troupe-dev/troupe/workspace"
)

func lookAtCapabilities(context.Context, string) Finding {
	missing := workspace.MissingCapabilities()
	if len(missing) == 0 {
		return Finding{State: Sound, Found: "all that a user for each process takes"}
	}
	return Finding{State: Lacking, Found: "not " + strings.Join(missing, ", "),
		Change: "run as root, with a container's default capabilities: without, there is no isolation uid"}
}

// lookAtProcesses finds the smallest bound on how many processes there may be.
func lookAtProcesses(context.Context, string) Finding {
	const few = 1024
	most, by := uint64(1)<<62, "nothing"
	least := func(n uint64, what string) {
		if n < most {
			most, by = n, what
		}
	}
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NPROC, &l) == nil {
		least(l.Max, "ulimit -u")
	}
	for _, file := range []string{"/proc/sys/kernel/pid_max", "/proc/sys/kernel/threads-max", "/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids/pids.max"} {
		if text, err := os.ReadFile(file); err == nil {
			if n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64); err == nil {
				least(n, file)
			}
		}
	}
	f := Finding{State: Sound, Found: fmt.Sprintf("%d and threads at most, by %s", most, by)}
	if most < few {
		f.State, f.Change = Lacking, "raise it where many agents are to live at a time"
	}
	return f
}

// lookAtCgroup makes a control group, writes a limit of memory, and reads it
// back: that a directory can be made means nothing.
func lookAtCgroup(context.Context, string) Finding {
	var why []string
	for _, c := range memoryControllers() {
		if err := tryCgroup(c.dir, c.file); err != nil {
			why = append(why, err.Error())
			continue
		}
		return Finding{State: Sound, Found: fmt.Sprintf("version %d can be written at %s", c.version, c.dir)}
	}
	if len(why) == 0 {
		why = []string{"this process is in no control group that has memory"}
	}
	return Finding{State: Lacking, Found: strings.Join(why, "; "),
		Change: "limits of memory are watched instead of enforced; a container with --cgroupns=private and a writable /sys/fs/cgroup has them enforced"}
}

type memoryController struct {
	version   int
	dir, file string // this process's group, and its limit
}

// memoryControllers are the control groups of memory that this process is in.
func memoryControllers() (found []memoryController) {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		switch names := strings.Split(parts[1], ","); {
		case parts[1] == "":
			for _, root := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
				dir := filepath.Join(root, parts[2])
				if has, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers")); err == nil && strings.Contains(string(has), "memory") {
					found = append(found, memoryController{2, dir, "memory.max"})
				}
			}
		case len(names) > 0 && names[0] == "memory":
			found = append(found, memoryController{1, filepath.Join("/sys/fs/cgroup/memory", parts[2]), "memory.limit_in_bytes"})
		}
	}
	return found
}

func tryCgroup(parent, file string) (err error) {
	const limit = 64 << 20
	dir := filepath.Join(parent, fmt.Sprintf("troupe-doctor-%d", os.Getpid()))
	if err := os.Mkdir(dir, 0o755); err != nil { //nolint:gosec // the kernel's own file system
		return fmt.Errorf("cannot make a control group: %w", err)
	}
	defer func() { _ = os.Remove(dir) }()
	path := filepath.Join(dir, file)
	f, err := os.OpenFile(path, os.O_WRONLY, 0) // not made where it is not there
	if err == nil {
		_, err = f.WriteString(strconv.Itoa(limit))
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return fmt.Errorf("cannot set a limit of memory: %w", err)
	}
	text, err := os.ReadFile(path)
	if got := strings.TrimSpace(string(text)); err != nil || got != strconv.Itoa(limit) {
		return fmt.Errorf("a limit of memory does not hold: %s says %q", path, got)
	}
	return nil
}
