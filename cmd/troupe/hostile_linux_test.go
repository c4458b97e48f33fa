package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/troupe-dev/troupe/runtime/socket"
)

// hostile is an agent that attacks another, the run and the machine once it is
// asked, and logs what came of it; the other, which it attacks; and what both
// need.
func hostile(args []string) int {
	switch args[0] {
	case "victim":
		return victim()
	case "raider":
		open := inherited()
		var r *raid
		return converse(func(o told) {
			if r == nil {
				r = newRaid()
				r.inherited = open
			}
			r.turn(o)
		})
	case "thief":
		return thief()
	case "flood":
		return flooder(args[1])
	case "gate":
		return passes(args[1:])
	case "orphan":
		return orphan(args[1:])
	}
	return 2
}

// secret is what the victim has.
const secret = "the victim's secret"

// gatePort is where agents wait for each other.
func gatePort() int {
	port, err := strconv.Atoi(os.Getenv("GATE"))
	if err != nil {
		panic(err)
	}
	return port
}

// victim has something to be taken in each place where an agent has anything,
// and its turn for as long as it is attacked.
func victim() int {
	var door net.Listener
	return converseAfter(func() {
		for _, dir := range []string{".", os.Getenv("HOME"), os.Getenv("TMPDIR")} {
			if err := os.WriteFile(filepath.Join(dir, "secret"), []byte(secret), 0o600); err != nil {
				panic(err)
			}
		}
		fmt.Fprintln(os.Stderr, "a secret in the log")
		var err error
		if door, err = net.Listen("unix", abstractName(os.Getpid())); err != nil {
			panic(err)
		}
		id, err := unix.SysvShmGet(unix.IPC_PRIVATE, 4<<10, unix.IPC_CREAT|0o600)
		if err == nil {
			_, err = unix.SysvShmAttach(id, 0, 0)
			_, failed := unix.SysvShmCtl(id, unix.IPC_RMID, nil) // it is there as long as who has attached it
			err = errors.Join(err, failed)
		}
		if err != nil {
			panic(err)
		}
	}, func(o told) {
		if o.Tick == 0 {
			err := ask(os.Getenv(socket.Variable), socket.Request{Op: "lock", Paths: []string{leased}, TTL: 100})
			if err = errors.Join(err, pass(gatePort(), "victim")); err != nil {
				panic(err)
			}
		}
		_ = door
		act(o, `{"say":"I have seen nothing"}`)
	})
}

func abstractName(pid int) string { return fmt.Sprintf("@troupe-victim-%d", pid) }

// A raid is what the attacks of one agent share. Paths are relative to its
// working directory, so that a socket's is short enough.
type raid struct {
	data, run, victim string
	victimPID         int
	victimProgram     string // a copied file of the victim's
	ownProgram        string
	inherited         []string
	begun             map[string]error  // of pendings, by their names
	results           []json.RawMessage // that came with the tick
	tries             int
}

func newRaid() *raid {
	r := &raid{data: "../../../../..", run: "../../..", victim: "../../victim", ownProgram: os.Args[2], begun: map[string]error{}}
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

// lastTick is the last one of a raid.
const lastTick = 2

// turn carries out the attacks of a tick.
func (r *raid) turn(o told) {
	if o.Tick == 0 {
		if err := pass(gatePort(), "begin"); err != nil {
			panic(err)
		}
		if err := byOrphan("", "socket", ownDoor(r)); err != nil {
			panic("a process of its own is refused: " + err.Error())
		}
		for _, a := range append(attacks, treeAttacks...) {
			r.tell(a.of, a.name, a.try(r))
		}
	}
	r.results = o.Results
	for _, p := range pendings[o.Tick-1] {
		err := r.begun[p.name]
		if err == nil {
			err = p.came(r)
		}
		r.tell(p.of, p.name, err)
	}
	for _, p := range pendings[o.Tick] {
		r.begun[p.name] = p.begin(r)
	}
	switch o.Tick {
	case 0:
		if err := pass(gatePort(), "over"); err != nil {
			panic(err)
		}
	case lastTick:
		r.outlive()
		fmt.Fprintf(os.Stderr, "over\t%d\n", r.tries)
	}
	act(o, `{"say":"that was all"}`)
}

// tell logs what came of an attack, and counts it.
func (r *raid) tell(of, name string, err error) {
	r.tries++
	tellAttack(of, name, err)
}

// escapes are ways to leave a process behind, in sh. It is sleep for a time that
// tells it from all others, $NAME.
var escapes = map[string]string{
	"a session of its own":        `setsid sleep $NAME & exit`,
	"a double fork":               `(setsid sh -c 'sleep $NAME & exit' &)`,
	"another environment and cwd": `cd /; setsid env -i /bin/sleep $NAME & exit`,
	"deafness to signals":         `setsid sh -c 'trap "" TERM HUP INT; sleep $NAME; :' & exit`,
}

// outlive leaves processes behind, and logs which, for whoever looks for them
// once the run is over.
func (r *raid) outlive() {
	n := 0
	for name, script := range escapes {
		n++
		mark := fmt.Sprintf("1000.%d%d", os.Getpid(), n)
		cmd := exec.Command("/bin/sh", "-c", script)
		cmd.Env = append(os.Environ(), "NAME="+mark)
		if err := cmd.Run(); err != nil {
			r.tell(outliving, name, err)
			continue
		}
		r.tries++
		fmt.Fprintf(os.Stderr, "left\t%s\t%s\t%s\n", outliving, name, mark)
	}
}

// orphaned has something tried by a process whose parent has ended, and which is in
// a session of its own.
func orphaned(args ...string) error { return byOrphan("setsid", args...) }

// byOrphan is the same, by what comes first.
func byOrphan(prefix string, args ...string) error {
	out, err := exec.Command("/bin/sh", append([]string{"-c", prefix + ` hostile orphan $$ "$@" & exit`, "sh"}, args...)...).CombinedOutput()
	if err == nil && string(out) != "done" {
		err = errors.New(string(out))
	}
	return err
}

// orphan is that process. The first word is the parent that has to be gone.
func orphan(args []string) int {
	for strconv.Itoa(os.Getppid()) == args[0] {
		time.Sleep(time.Millisecond)
	}
	var err error
	switch args[1] {
	case "socket":
		err = ask(args[2], socket.Request{Op: "send", To: "victim", Body: []byte(`1`)})
	case "control":
		err = control(args[2])
	case "signal":
		pid, _ := strconv.Atoi(args[2])
		err = syscall.Kill(pid, syscall.SIGCONT)
	}
	if err != nil {
		fmt.Print(err)
		return 0
	}
	fmt.Print("done")
	return 0
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

// control asks the supervisor for the runs of a data directory.
func control(path string) error {
	c, err := net.Dial("unix", path)
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
