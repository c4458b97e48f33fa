package supervisor

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// content is what all files say whose names begin so.
func content(t *testing.T, dir, prefix string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, prefix+"*"))
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

// awaitChange returns once the files say something else.
func awaitChange(t *testing.T, dir, prefix, from string) {
	t.Helper()
	for content(t, dir, prefix) == from {
		giveWay()
	}
}

// startCrew starts scribblers in a group of their own and ends the group with
// the test.
func startCrew(t *testing.T, crew, dir string) (group int) {
	t.Helper()
	release := holdReaper()
	t.Cleanup(func() { release() })
	s := newStarter("")
	t.Cleanup(s.close)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	gone := make(chan struct{})
	group, err = s.start(&wrapped{file: self(), argv: []string{"/proc/self/exe", "agent", "scribble", dir, crew, "in-first"}, report: -1}, 0, &syscall.ProcAttr{
		Env: os.Environ(), Files: []uintptr{0, w.Fd(), 2}, Sys: ownGroup(),
	}, func(death) { close(gone) })
	_ = w.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-group, syscall.SIGKILL)
		<-gone
	})
	if _, err := bufio.NewReader(r).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return group
}

func TestAFrozenGroupWritesNothing(t *testing.T) {
	for crew := range crews {
		t.Run(crew, func(t *testing.T) {
			dir := t.TempDir()
			group := startCrew(t, crew, dir)
			for range 5 {
				if err := freeze(group); err != nil {
					t.Fatal(err)
				}
				if !frozen(group) {
					t.Error("freeze gave up")
				}
				before := content(t, dir, "in-")
				if outside := content(t, dir, "out-"); outside != "" {
					awaitChange(t, dir, "out-", outside)
				}
				for range 100 {
					if content(t, dir, "in-") != before {
						t.Fatal("a frozen group wrote on")
					}
				}
				if err := syscall.Kill(-group, syscall.SIGCONT); err != nil {
					t.Fatal(err)
				}
				awaitChange(t, dir, "in-", before)
			}
		})
	}
}

// What is not stopped yet is seen, be it the leader's, a child's or an orphan's.
func TestFrozenSeesWhoRuns(t *testing.T) {
	for crew, member := range map[string]string{"alone": "in-first", "with a child": "in-child", "with an orphan": "in-orphan"} {
		t.Run(crew, func(t *testing.T) {
			group := startCrew(t, crew, t.TempDir())
			if err := freeze(group); err != nil {
				t.Fatal(err)
			}
			pid := pidOf(t, group, member)
			if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			for frozen(group) { // until it runs
				giveWay()
			}
			if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			for !frozen(group) {
				giveWay()
			}
		})
	}
}

// pidOf finds a scribbler of a group by its name.
func pidOf(t *testing.T, group int, name string) int {
	t.Helper()
	pids := append(childPIDs(), group)
	for i := 0; i < len(pids); i++ {
		threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pids[i]))
		if err != nil {
			continue // it is gone
		}
		for _, thread := range threads {
			if tid, err := strconv.Atoi(thread.Name()); err == nil {
				pids = append(pids, children(pids[i], tid)...)
			}
		}
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pids[i]))
		_, pgrp := procState(pids[i], pids[i])
		if err == nil && pgrp == group && strings.HasSuffix(string(text), name+"\x00") {
			return pids[i]
		}
	}
	t.Fatalf("no %s in group %d", name, group)
	return 0
}

func TestAFrozenGroupCanBeKilled(t *testing.T) {
	dir := t.TempDir()
	group := startCrew(t, "with a child", dir)
	if err := freeze(group); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(-group, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for syscall.Kill(-group, 0) == nil {
		giveWay()
	}
	if err := freeze(group); err != nil {
		t.Errorf("freezing a dead group: %v", err)
	}
}

// TestWhoStandsAlreadyIsNotWoken stops a process before a capture does.
func TestWhoStandsAlreadyIsNotWoken(t *testing.T) {
	c := comeback{state: "none"}
	s := keptStage(t, t.TempDir(), c, -1, nil, c.spec("a"))
	want(t, s.ask(0, 0, "a"), "a", "", `{"n":1,"file":1}`)
	pid := s.Statuses()[0].PID
	_ = syscall.Kill(-pid, syscall.SIGSTOP)
	for !halted(pid) {
		time.Sleep(time.Millisecond)
	}
	if err := s.Capture(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if !halted(pid) {
		t.Error("it was woken")
	}
	_ = syscall.Kill(-pid, syscall.SIGCONT)
}
