package runtime

import (
	"context"
	"fmt"
	"os"
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
