package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// hostile is an agent that attacks another, the run and the machine once it is
// asked, and logs what came of it; and the other, which it attacks.
func hostile(args []string) int {
	switch args[0] {
	case "victim":
		return victim()
	case "raider":
		open := inherited()
		return converse(func(o told) {
			r := newRaid()
			r.inherited = open
			r.all()
			act(o, `{"say":"that was all"}`)
		})
	}
	return 2
}

// victim has something to be taken in each place where an agent has anything.
func victim() int {
	var door net.Listener
	return converseAfter(func() {
		for _, dir := range []string{".", os.Getenv("HOME"), os.Getenv("TMPDIR")} {
			if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("secret"), 0o600); err != nil {
				panic(err)
			}
		}
		fmt.Fprintln(os.Stderr, "a secret in the log")
		var err error
		if door, err = net.Listen("unix", abstractName(os.Getpid())); err != nil {
			panic(err)
		}
	}, func(o told) {
		_ = door
		act(o, `{"say":"I have seen nothing"}`)
	})
}

func abstractName(pid int) string { return fmt.Sprintf("@troupe-victim-%d", pid) }

// A raid is what the attacks of one agent share. Paths are relative to its
// working directory, so that a socket's is short enough.
type raid struct {
	Config struct {
		Outside   string // a file that all may read, and no plan lists
		Shared    string // a directory that all may write
		SetUser   string // a program that runs as another user
		TCP, UDP  int    // ports
		OtherUser string // the number of that user
	}
	data, run, victim string
	victimPID         int
	victimProgram     string // a copied file of the victim's
	ownProgram        string
	inherited         []string
}

func newRaid() *raid {
	r := &raid{data: "../../../../..", run: "../../..", victim: "../../victim", ownProgram: os.Args[2]}
	config, err := os.ReadFile(r.ownProgram)
	if err == nil {
		err = json.Unmarshal(config, &r.Config)
	}
	if err != nil {
		panic(err)
	}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		text, _ := os.ReadFile("/proc/" + e.Name() + "/cmdline")
		words := strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
		// The copies of programs of one run lie in one directory.
		if len(words) == 3 && words[1] == "victim" && filepath.Dir(filepath.Dir(words[2])) == filepath.Dir(filepath.Dir(r.ownProgram)) {
			r.victimPID, r.victimProgram = pid, words[2]
		}
	}
	if r.victimPID == 0 {
		panic("there is no victim")
	}
	return r
}

// all carries out every attack.
func (r *raid) all() {
	for _, a := range attacks {
		text := "done"
		if err := a.try(r); err != nil {
			text = "stopped: " + strings.ReplaceAll(err.Error(), "\n", "; ")
		}
		fmt.Fprintf(os.Stderr, "attack\t%s\t%s\t%s\n", a.of, a.name, text)
	}
}

// inherited lists what this process was started with, beside its standard
// streams, of descriptors that are not its own runtime's.
func inherited() (found []string) {
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		fd, _ := strconv.Atoi(e.Name())
		target, err := os.Readlink("/proc/self/fd/" + e.Name())
		if fd > 2 && err == nil && !strings.HasPrefix(target, "anon_inode:") && !strings.HasPrefix(target, "/sys/fs/cgroup/") && !strings.HasSuffix(target, "/fd") {
			found = append(found, e.Name()+" "+target)
		}
	}
	return found
}

func (r *raid) control() error {
	c, err := net.Dial("unix", filepath.Join(r.data, "control.sock"))
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Write([]byte("GET /v1/runs HTTP/1.0\r\nHost: troupe\r\n\r\n")); err != nil {
		return err
	}
	b := make([]byte, 16)
	n, err := c.Read(b)
	if n == 0 {
		return errors.Join(errors.New("no answer"), err)
	}
	return nil
}
