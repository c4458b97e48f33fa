package supervisor

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

// freezePatience is how long a process group may take to stop. Who sleeps in
// the kernel on a disk does not stop before that answers, and writes nothing
// until then either.
const freezePatience = time.Second

// freeze stops all processes of a group and waits until they are, or patience
// ends. A process that left the group for one of its own is not stopped, and
// one that such a process brought into the group is stopped and not waited for.
// SIGKILL works on stopped ones.
func freeze(group int) error {
	err := syscall.Kill(-group, syscall.SIGSTOP)
	if errors.Is(err, syscall.ESRCH) {
		return nil // it is dead: nothing of it writes
	}
	if err != nil {
		return fmt.Errorf("cannot stop the process group %d: %w", group, err)
	}
	pause := 20 * time.Microsecond
	for end := time.Now().Add(freezePatience); !frozen(group) && time.Now().Before(end); pause = min(2*pause, 5*time.Millisecond) {
		time.Sleep(pause)
	}
	return nil
}

// frozen says whether the processes of a group have stopped: its leader and who
// descends from it, and those whose parent is dead, who were handed to this
// process. Once the signal is sent, nobody of the group can fork.
func frozen(group int) bool {
	if !stands(group, group) {
		return false
	}
	// Orphans are the main thread's children; our own are mostly those of the
	// threads that start them.
	for _, pid := range children(os.Getpid(), os.Getpid()) {
		if _, ours := reaper.children.Load(pid); ours {
			continue
		}
		if _, pgrp := procState(pid, pid); pgrp == group && !stands(pid, group) {
			return false
		}
	}
	return true
}

// stands says whether each thread of a process, if it is in the group, and of
// its descendants in the group has stopped.
func stands(pid, group int) bool {
	for _, tid := range threadsOf(pid) { // none where it is gone
		state, pgrp := procState(pid, tid)
		if pgrp == group && bytes.IndexByte([]byte("TtZX"), state) < 0 {
			return false
		}
		for _, child := range children(pid, tid) {
			if !stands(child, group) {
				return false
			}
		}
	}
	return true
}

// children are those that a thread has started, or was handed.
func children(pid, tid int) (pids []int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, tid)) // none where it is gone
	for field := range bytes.FieldsSeq(text) {
		if child, err := strconv.Atoi(string(field)); err == nil {
			pids = append(pids, child)
		}
	}
	return pids
}

// procState is the state of a thread and its process's group; 'X' for one that
// is gone.
func procState(pid, tid int) (state byte, pgrp int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/stat", pid, tid))
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

// halted says whether a process was stopped by a signal.
func halted(pid int) bool {
	state, _ := procState(pid, pid)
	return state == 'T'
}
