package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A sharedHarm kills and stops what belongs to a run of committers, spread over
// its commits: whatever happens, commits have come in before it and do after it.
type sharedHarm struct {
	t         *testing.T
	data      string
	commits   int // to which the run comes
	all, left int // how often something happens
}

// harm is killed.harm.
func (h *sharedHarm) harm(cmd *exec.Cmd, ended <-chan error) error {
	for h.left > 0 {
		done := h.all - h.left
		due := (done + 1) * h.commits / (h.all + 1)
		if err, over := h.until(due, ended); over {
			return err
		}
		h.left--
		switch done % 3 {
		case 0:
			h.signal(syscall.SIGKILL)
		case 1:
			pid := h.signal(syscall.SIGSTOP)
			err, over := h.until(due+h.commits/(2*h.all+2), ended) // the others go on
			_ = syscall.Kill(pid, syscall.SIGCONT)
			if over {
				return err
			}
		case 2:
			_ = cmd.Process.Kill()
			return <-ended
		}
	}
	return <-ended
}

// signal is sent to some agent's process, which it gives.
func (h *sharedHarm) signal(s syscall.Signal) int {
	h.t.Helper()
	for range 100 {
		agents := processesIn(filepath.Join(h.data, "runs"), 0)
		if len(agents) == 0 {
			continue
		}
		word, _, _ := strings.Cut(agents[rand.IntN(len(agents))], " ")
		if pid, err := strconv.Atoi(word); err == nil && syscall.Kill(pid, s) == nil {
			return pid
		}
	}
	h.t.Fatalf("there is no agent to send %v", s)
	return 0
}

// until waits for so many commits; over says that the supervisor has ended, and err
// how.
func (h *sharedHarm) until(commits int, ended <-chan error) (err error, over bool) {
	h.t.Helper()
	for h.count() < commits {
		select {
		case err := <-ended:
			return err, true
		case <-time.After(time.Millisecond):
		}
	}
	return nil, false
}

// count is how many commits the files show: each counts those to itself. A reader
// never sees half of one.
func (h *sharedHarm) count() (sum int) {
	h.t.Helper()
	for i := range 8 {
		text, err := os.ReadFile(filepath.Join(h.data, "runs", "r", "shared", fmt.Sprintf("p%d", i)))
		if os.IsNotExist(err) {
			continue
		}
		n, failed := strconv.Atoi(strings.TrimSuffix(string(text), "\n"))
		if err != nil || failed != nil || !strings.HasSuffix(string(text), "\n") {
			h.t.Fatalf("p%d holds %q: %v", i, text, err)
		}
		sum += n
	}
	return sum
}
