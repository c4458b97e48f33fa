package workspace

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// ChildAbove follows the parents of a process to the child of this process that
// it descends from, or is: 0 where it does neither, as this process itself and
// those of another PID namespace, which have no number here. known is false where
// the line was lost, as when the process has ended.
func ChildAbove(pid int) (child int, known bool) {
	const tries = 3 // a parent may end while its line is followed
	for range tries {
		if child, known = childAbove(pid); known {
			break
		}
	}
	return child, known
}

func childAbove(pid int) (child int, known bool) {
	own := os.Getpid()
	for pid > 0 && pid != own {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return 0, false
		}
		// pid (name) state ppid …: the name may hold anything.
		fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
		if len(fields) < 2 {
			return 0, false
		}
		child = pid
		if pid, err = strconv.Atoi(string(fields[1])); err != nil {
			return 0, false
		}
	}
	if pid != own {
		return 0, true
	}
	return child, true
}
