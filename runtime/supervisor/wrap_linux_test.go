package supervisor

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/troupe-dev/troupe/workspace"
)

// play runs a program to its end and gives what it writes.
func play(t *testing.T, cmd workspace.Command) (string, syscall.WaitStatus, error) {
	t.Helper()
	sealFiles()
	release := holdReaper()
	defer release()
	s := newStarter("")
	defer s.close()
	var mu sync.Mutex
	var out bytes.Buffer
	take := func(chunk []byte) {
		mu.Lock()
		defer mu.Unlock()
		out.Write(chunk)
	}
	c, err := s.spawn(launch{Command: cmd}, pumped{}, handler{stdout: take, ended: func() {}, stderr: take, gone: func(*child) {}})
	if err != nil {
		return "", 0, err
	}
	c.in.finish()
	<-c.gone
	return out.String(), c.status, nil
}

// A process that restricts itself is the program that was meant, with the pid,
// the group, the directory and the environment that it was started with.
func TestConfined(t *testing.T) {
	const script = `echo $0 $1 "$X" $(pwd) $(umask) $(ulimit -Sn) $(ulimit -Hn) $(ls /proc/self/fd | wc -l)
grep -E '^(NoNewPrivs|Cap(Eff|Prm|Inh|Amb)|Uid|Groups)' /proc/self/status
ps -o pgid= -p $$ | tr -d ' '; echo $$`
	dir := t.TempDir()
	out, st, err := play(t, workspace.Command{
		Argv: []string{"/bin/sh", "-c", script, "zero", "one two"}, Env: []string{"PATH=" + os.Getenv("PATH"), "X=a b"}, Dir: dir,
		Confinement: workspace.Confinement{
			Umask: 0o077, NoPrivileges: true, Rlimits: []workspace.Rlimit{{Resource: unix.RLIMIT_NOFILE, Soft: 64, Hard: 80}},
		},
	})
	if err != nil || !st.Exited() || st.ExitStatus() != 0 {
		t.Fatalf("got %q, %v, %v", out, st, err)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	// 0, 1, 2, and the one that ls reads the directory by.
	if want := fmt.Sprintf("zero one two a b %s 0077 64 80 4", dir); lines[0] != want {
		t.Errorf("got %q, want %q", lines[0], want)
	}
	for _, want := range []string{"NoNewPrivs:\t1", "CapEff:\t0000000000000000", "CapPrm:\t0000000000000000", "CapInh:\t0000000000000000"} {
		if !strings.Contains(out, want) {
			t.Errorf("got %q, without %q", out, want)
		}
	}
	if n := len(lines); lines[n-1] != lines[n-2] {
		t.Errorf("it leads no group of its own: %q", lines[n-2:])
	}
}

// What cannot be executed is told to the one who starts it, by the running
// binary as by the system.
func TestConfinedCannotExecute(t *testing.T) {
	for _, umask := range []int{0, 0o077} {
		_, _, err := play(t, workspace.Command{
			Argv: []string{"/nowhere/at/all"}, Dir: "/", Confinement: workspace.Confinement{Umask: umask},
		})
		if err == nil || !strings.Contains(err.Error(), "cannot start /nowhere/at/all: ") || !strings.Contains(err.Error(), "no such file") {
			t.Errorf("with umask %o: got %v", umask, err)
		}
	}
	_, _, err := play(t, workspace.Command{
		Argv: []string{"/bin/true"}, Dir: "/",
		Confinement: workspace.Confinement{Rlimits: []workspace.Rlimit{{Resource: 999}}},
	})
	if err == nil || !strings.Contains(err.Error(), "rlimit=999,0,0: invalid argument") {
		t.Errorf("an unknown limit: got %v", err)
	}
}
