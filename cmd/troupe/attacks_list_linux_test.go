package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// An attack is one way to do what an entry of workspace.Attacks says. It gives
// an error where it was stopped.
type attack struct {
	of, name string
	try      func(*raid) error
}

// Names in workspace.Attacks.
const (
	readOthers   = "read another agent's files, home, prompts or log"
	writeOthers  = "write another agent's files, home or log"
	chmodOthers  = "change the permissions or times of another agent's files or the run's"
	byTricks     = "get at another's files by symbolic links, hard links, renaming or .."
	byCopies     = "get at another's files by checkout, commit, or what is kept of its own"
	theRun       = "read or write the run's record, locks, checkpoints and plan"
	ownProgram   = "change the run's copies of programs and templates"
	otherProgram = "read the copies of another entry's programs"
	writeTree    = "write the shared tree without a commit"
	readTree     = "read of the shared tree what the plan keeps from it"
	byCommit     = "commit what the plan or another's lease keeps from it"
	theirSocket  = "ask the runtime in another agent's name, through that one's socket"
	ownSocket    = "ask the runtime in another agent's name, through its own socket"
	unlisted     = "read files that the plan does not list"
	elsewhere    = "write outside its own directories"
	procFiles    = "read the environment, memory or descriptors of other processes"
	sharedMemory = "use another agent's shared memory of System V"
	tracing      = "trace other processes"
	signalling   = "signal other processes"
	setUser      = "get another user's rights by a set-user-ID program"
	controlling  = "command the supervisor through control.sock"
	connecting   = "connect to TCP ports that the plan does not allow"
	byProxy      = "reach hosts by the proxy that its own list does not have"
	theirHosts   = "reach another agent's hosts by that one's credential for the proxy"
	listening    = "listen on TCP ports"
	abstract     = "connect to abstract sockets of other processes"
	descriptors  = "use descriptors of the supervisor"
	terminal     = "reach the terminal that the run was started from"
	outliving    = "outlive its run by sessions, double forks or new parents"
	udp          = "use UDP, or MPTCP in TCP's place"
	stat         = "see that a file is there, its size and its times"
	allProcesses = "see which processes there are, and their commands"
)

// Ways to use a path of the victim's or the run's.
func reads(path func(*raid) string) func(*raid) error {
	return func(r *raid) error {
		f, err := os.Open(path(r))
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		if st, err := f.Stat(); err == nil && st.IsDir() {
			_, err := f.ReadDir(-1)
			return err
		}
		b := make([]byte, 1)
		if _, err = f.Read(b); errors.Is(err, io.EOF) {
			err = nil
		}
		return err
	}
}

func appends(path func(*raid) string) func(*raid) error {
	return func(r *raid) error {
		f, err := os.OpenFile(path(r), os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			return err
		}
		return f.Close()
	}
}

// overwrites has its owner's files be written that are not to be.
func overwrites(path func(*raid) string) func(*raid) error {
	return func(r *raid) error {
		_ = os.Chmod(path(r), 0o644)
		return appends(path)(r)
	}
}

func makes(dir func(*raid) string) func(*raid) error {
	return func(r *raid) error {
		name := filepath.Join(dir(r), "planted")
		if err := os.WriteFile(name, []byte("mine"), 0o600); err != nil {
			return err
		}
		return os.Remove(name)
	}
}

func of(name string) func(*raid) string {
	return func(r *raid) string { return filepath.Join(r.victim, name) }
}

func ofRun(name string) func(*raid) string {
	return func(r *raid) string { return filepath.Join(r.run, name) }
}

// ofProc is a file that the kernel has on a process.
func ofProc(pid func(*raid) int, name string) func(*raid) string {
	return func(r *raid) string { return fmt.Sprintf("/proc/%d/%s", pid(r), name) }
}

func unlistedFile(*raid) string { return os.Getenv("OUTSIDE") }

func victimPID(r *raid) int   { return r.victimPID }
func supervisorPID(*raid) int { return os.Getppid() }

// attacks are the ways to attack, by what they are.
var attacks = []attack{
	{readOthers, "a file in work", reads(of("work/secret"))},
	{readOthers, "a file in home", reads(of("home/secret"))},
	{readOthers, "a file in tmp", reads(of("tmp/secret"))},
	{readOthers, "the list of work", reads(of("work"))},
	{readOthers, "the log", reads(of("stderr.log"))},
	{writeOthers, "a file in work", appends(of("work/secret"))},
	{writeOthers, "the log", appends(of("stderr.log"))},
	{writeOthers, "a new file in work", makes(of("work"))},
	{writeOthers, "a new file in home", makes(of("home"))},
	{writeOthers, "a file cut short", func(r *raid) error { return os.Truncate(of("tmp/secret")(r), 1) }},
	{chmodOthers, "chmod of work", func(r *raid) error { return os.Chmod(of("work")(r), 0o700) }},
	{chmodOthers, "times of a file", func(r *raid) error { return os.Chtimes(of("work/secret")(r), time.Time{}, time.Unix(1, 0)) }},
	{chmodOthers, "chmod of the run's copy of a program", func(r *raid) error { return os.Chmod(r.ownProgram, 0o644) }},
	{byTricks, "a symbolic link", func(r *raid) error {
		_ = os.Remove("link")
		if err := os.Symlink(of("work/secret")(r), "link"); err != nil {
			return err
		}
		return reads(func(*raid) string { return "./link" })(r)
	}},
	{byTricks, "a symbolic link to a directory", func(r *raid) error {
		_ = os.Remove("way")
		if err := os.Symlink(of("work")(r), "way"); err != nil {
			return err
		}
		return reads(func(*raid) string { return "way/secret" })(r)
	}},
	{byTricks, "a hard link", func(r *raid) error {
		_ = os.Remove("hard")
		return os.Link(of("work/secret")(r), "hard")
	}},
	{byTricks, "taking a file", func(r *raid) error {
		if err := os.Rename(of("home/secret")(r), "taken"); err != nil {
			return err
		}
		return os.Rename("taken", of("home/secret")(r))
	}},
	{byTricks, "leaving a file", func(r *raid) error {
		if err := os.WriteFile("gift", nil, 0o600); err != nil {
			return err
		}
		return os.Rename("gift", of("work/gift")(r))
	}},
	{byTricks, "another's directory in place of its own", func(r *raid) error {
		return unix.Renameat2(unix.AT_FDCWD, "../home", unix.AT_FDCWD, of("home")(r), unix.RENAME_EXCHANGE)
	}},
	{byTricks, "/proc/self/root", func(r *raid) error {
		full, err := filepath.Abs(of("work/secret")(r))
		if err != nil {
			return err
		}
		return reads(func(*raid) string { return "/proc/self/root" + full })(r)
	}},
	{theRun, "the plan", reads(ofRun("plan.json"))},
	{theRun, "writing the plan", appends(ofRun("plan.json"))},
	{theRun, "the scenario's copy", reads(ofRun("scenario"))},
	{theRun, "the locks", reads(ofRun("locks/victim.lock"))},
	{theRun, "a new file in the run", makes(ofRun("."))},
	{theRun, "a new file among the locks", makes(ofRun("locks"))},
	{theRun, "the store", reads(func(r *raid) string { return filepath.Join(r.data, "bus") })},
	{theRun, "a new file in the store", makes(func(r *raid) string { return filepath.Join(r.data, "bus") })},
	{ownProgram, "writing", overwrites(func(r *raid) string { return r.ownProgram })},
	{ownProgram, "another in its place", func(r *raid) error { return os.Rename(r.ownProgram, r.ownProgram+".old") }},
	{ownProgram, "a new file beside it", makes(func(r *raid) string { return filepath.Dir(r.ownProgram) })},
	{ownProgram, "the template of its directory", makes(func(r *raid) string { return filepath.Dir(r.ownProgram) + ".template" })},
	{otherProgram, "reading", reads(func(r *raid) string { return r.victimProgram })},
	{unlisted, "a file", reads(unlistedFile)},
	{unlisted, "a directory", reads(func(r *raid) string { return filepath.Dir(unlistedFile(r)) })},
	{elsewhere, "a directory for all", makes(func(*raid) string { return os.Getenv("COMMON") })},
	{elsewhere, "memory that is shared by name", makes(func(*raid) string { return "/dev/shm" })},
	{procFiles, "the victim's environment", reads(ofProc(victimPID, "environ"))},
	{procFiles, "the supervisor's environment", reads(ofProc(supervisorPID, "environ"))},
	{procFiles, "the victim's memory", func(r *raid) error { return appends(ofProc(victimPID, "mem"))(r) }},
	{procFiles, "the supervisor's memory", func(r *raid) error { return appends(ofProc(supervisorPID, "mem"))(r) }},
	{procFiles, "the victim's descriptors", appends(ofProc(victimPID, "fd/2"))},
	{procFiles, "the supervisor's descriptors", appends(ofProc(supervisorPID, "fd/2"))},
	{procFiles, "the victim's directory", reads(ofProc(victimPID, "cwd/secret"))},
	{procFiles, "the victim's memory, by a call", func(r *raid) error {
		b := make([]byte, 8)
		local := []unix.Iovec{{Base: &b[0], Len: 8}}
		_, err := unix.ProcessVMReadv(r.victimPID, local, []unix.RemoteIovec{{Base: 0x1000, Len: 8}}, 0)
		if errors.Is(err, unix.EFAULT) { // it was let in, and nothing is there
			return nil
		}
		return err
	}},
	{sharedMemory, "attaching it", func(r *raid) error { return attach(r.victimPID) }},
	{tracing, "the victim", func(r *raid) error {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := unix.PtraceSeize(r.victimPID); err != nil {
			return err
		}
		if err := unix.PtraceInterrupt(r.victimPID); err != nil {
			return err
		}
		_, _ = unix.Wait4(r.victimPID, nil, unix.WALL, nil)
		return unix.PtraceDetach(r.victimPID)
	}},
	{signalling, "the victim", func(r *raid) error { return syscall.Kill(r.victimPID, syscall.SIGCONT) }},
	{signalling, "the victim's group", func(r *raid) error { return syscall.Kill(-r.victimPID, syscall.SIGCONT) }},
	{signalling, "the supervisor", func(*raid) error { return syscall.Kill(os.Getppid(), syscall.SIGCONT) }},
	{signalling, "the victim, by an orphan", func(r *raid) error { return orphaned("signal", strconv.Itoa(r.victimPID)) }},
	{setUser, "a program of another user's", func(r *raid) error {
		out, err := exec.Command(os.Getenv("SET_USER"), "-u").Output()
		if got := strings.TrimSpace(string(out)); err == nil && got != os.Getenv("OTHER_USER") {
			return fmt.Errorf("it runs as user %s", got)
		}
		return err
	}},
	{controlling, "asking for the runs", func(r *raid) error { return control(filepath.Join(r.data, "control.sock")) }},
	{theRun, "the API's token", reads(func(r *raid) string { return filepath.Join(r.data, "tokens", "control") })},
	{controlling, "by an orphan", func(r *raid) error { return orphaned("control", filepath.Join(r.data, "control.sock")) }},
	{connecting, "another's port", func(*raid) error { return dial("tcp", os.Getenv("PORT")) }},
	{byProxy, "another's host", func(*raid) error { return tunnel(os.Getenv("HTTPS_PROXY"), target()) }},
	{byProxy, "the same by its IPv6 form", func(*raid) error {
		return tunnel(os.Getenv("HTTPS_PROXY"), "[::ffff:127.0.0.1]:"+os.Getenv("PORT"))
	}},
	{byProxy, "the supervisor's machine", func(*raid) error { return tunnel(os.Getenv("HTTPS_PROXY"), "localhost:"+os.Getenv("PORT")) }},
	{byProxy, "no credential", func(*raid) error { return tunnelAs(os.Getenv("HTTPS_PROXY"), nil, target()) }},
	{byProxy, "the victim's name", func(*raid) error {
		return tunnelAs(os.Getenv("HTTPS_PROXY"), func(own *url.Userinfo) *url.Userinfo {
			secret, _ := own.Password()
			return url.UserPassword("victim", secret)
		}, target())
	}},
	{theirHosts, "from its environment", func(r *raid) error {
		env, err := os.ReadFile(ofProc(victimPID, "environ")(r))
		if err != nil {
			return err
		}
		for v := range strings.SplitSeq(string(env), "\x00") {
			if at, ok := strings.CutPrefix(v, "HTTPS_PROXY="); ok {
				return tunnel(at, target())
			}
		}
		return errors.New("it has none")
	}},
	{listening, "any port", func(*raid) error {
		var c net.ListenConfig
		c.SetMultipathTCP(false)
		l, err := c.Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		return l.Close()
	}},
	{abstract, "the victim's", func(r *raid) error {
		c, err := net.Dial("unix", abstractName(r.victimPID))
		if err != nil {
			return err
		}
		return c.Close()
	}},
	{descriptors, "that were left open", func(r *raid) error {
		if len(r.inherited) == 0 {
			return errors.New("there are none")
		}
		return nil
	}},
	{terminal, "opening it", appends(func(*raid) string { return "/dev/tty" })},
	{udp, "a datagram", func(*raid) error { return dial("udp", os.Getenv("UDP")) }},
	{udp, "MPTCP to a port that is not allowed", func(*raid) error {
		var d net.Dialer
		d.SetMultipathTCP(true)
		c, err := d.Dial("tcp", net.JoinHostPort("127.0.0.1", os.Getenv("PORT")))
		if err != nil {
			return err
		}
		return c.Close()
	}},
	{stat, "a file", func(r *raid) error { _, err := os.Stat(unlistedFile(r)); return err }},
	{allProcesses, "the victim's command", func(r *raid) error {
		text, err := os.ReadFile("/proc/" + strconv.Itoa(r.victimPID) + "/cmdline")
		if err == nil && !bytes.Contains(text, []byte("victim")) {
			err = errors.New("it says nothing")
		}
		return err
	}},
}

func dial(network, port string) error {
	c, err := net.Dial(network, net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return err
	}
	_, err = c.Write([]byte("x"))
	return errors.Join(err, c.Close())
}

// attach uses the shared memory that a process has made.
func attach(pid int) error {
	list, err := os.ReadFile("/proc/sysvipc/shm")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(list)) {
		words := strings.Fields(line) // key shmid perms size cpid …
		if len(words) < 5 || words[4] != strconv.Itoa(pid) {
			continue
		}
		id, err := strconv.Atoi(words[1])
		if err != nil {
			return err
		}
		memory, err := unix.SysvShmAttach(id, 0, 0)
		if err != nil {
			return err
		}
		return unix.SysvShmDetach(memory)
	}
	panic("the victim has no shared memory")
}
