package supervisor

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// freezePatience is how long a process group may take to stop. Who sleeps in
// the kernel on a disk does not stop before that answers, and writes nothing
// until then either.
const freezePatience = time.Second

// freeze stops all processes of a group and waits until they are. A process that left the group for one of its own is not stopped.
// SIGKILL works on stopped ones.
func freeze(group int) error {
	err := syscall.Kill(-group, syscall.SIGSTOP)
	if err == syscall.ESRCH { //nolint:errorlint // a bare errno
		return nil // it is dead: nothing of it writes
	}
	if err != nil {
		return fmt.Errorf("cannot stop the process group %d: %w", group, err)
	}
	pause := 20 * time.Microsecond
	for end := time.Now().Add(freezePatience); !frozen(group, group) && time.Now().Before(end); pause = min(2*pause, 5*time.Millisecond) {
		time.Sleep(pause)
	}
	return nil
}

// frozen says whether a process and its descendants in a group have stopped.
func frozen(pid, group int) bool {
	state, pgrp := procState(pid)
	if pgrp == group && state != 'T' && state != 't' && state != 'Z' && state != 'X' {
		return false
	}
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, field := range bytes.Fields(text) {
			child, err := strconv.Atoi(string(field))
			if err == nil && !frozen(child, group) {
				return false
			}
		}
	}
	return true
}

// procState is the state of a process and its group; 'X' for one that is gone.
func procState(pid int) (state byte, pgrp int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 'X', 0
	}
	// pid (name) state ppid pgrp …: the name may hold anything.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 3 {
		return 'X', 0
	}
	pgrp, _ = strconv.Atoi(string(fields[2]))
	return fields[0][0], pgrp
}
