package supervisor

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/workspace"
)

// A walled is a place where processes run behind walls of one kind.
type walled struct {
	t     *testing.T
	run   workspace.Run
	walls *workspace.Walls
}

// behind raises walls where all users can reach them. Ones that cannot be had
// say why.
func behind(t *testing.T, isolation string) *walled {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	if err := os.Chmod(filepath.Dir(filepath.Dir(data)), 0o711); err != nil {
		t.Fatal(err)
	}
	v := &walled{t: t, run: workspace.Run{Dir: filepath.Join(data, "runs", "r1")}}
	if err := os.MkdirAll(v.run.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return v.raise(isolation, data)
}

func (v *walled) raise(isolation, data string) *walled {
	v.t.Helper()
	site := &workspace.Site{Data: data, Run: v.run}
	walls, err := workspace.Raise(isolation, site)
	if err != nil {
		a, again := workspace.Survey(isolation, site)
		if again == nil || a.Missing[isolation] == "" || !strings.Contains(err.Error(), a.Missing[isolation]) {
			v.t.Fatalf("it cannot be had, and says %v, not why: %v", err, a.Missing)
		}
		return nil
	}
	v.t.Cleanup(walls.Close)
	v.walls = walls
	return v
}

func (v *walled) open(process string) *workspace.Workspace {
	v.t.Helper()
	w, err := v.walls.Open(v.run, process)
	if err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(w.Release)
	return w
}

// sh runs a script in a workspace and gives what it writes, stderr included.
func (v *walled) sh(w *workspace.Workspace, script string) string {
	v.t.Helper()
	cmd := workspace.Command{
		Argv: []string{"/bin/sh", "-c", script}, Dir: w.Work,
		Env: []string{"PATH=/usr/bin:/bin", "HOME=" + w.Home, "TMPDIR=" + w.Tmp},
	}
	release, err := v.walls.Enclose(&cmd, w)
	if err != nil {
		v.t.Fatal(err)
	}
	defer release()
	out, st, err := play(v.t, cmd)
	if err != nil {
		v.t.Fatal(err)
	}
	if !st.Exited() || st.ExitStatus() != 0 {
		v.t.Fatalf("%s: %s\n%s", script, exitText(st), out)
	}
	return out
}

// TestTiers says what a process finds behind every kind of walls alike.
func TestTiers(t *testing.T) {
	for _, isolation := range append(workspace.Tiers(), workspace.Auto, workspace.Strict) {
		t.Run(isolation, func(t *testing.T) {
			v := behind(t, isolation)
			if v == nil {
				return
			}
			w := v.open("a")
			t.Run("its own directories are its own", func(*testing.T) {
				v.sh(w, `set -e
for d in . "$HOME" "$TMPDIR"; do mkdir "$d/in"; echo x > "$d/in/f"; mv "$d/in/f" "$d/g"; cat "$d/g"; rmdir "$d/in"; done
mv "$TMPDIR/g" "$HOME/from-tmp"; ln -s g link; cat link; ln g hard; mkfifo pipe
printf '#!/bin/sh\necho made\n' > run; chmod +x run; ./run`)
			})
			t.Run("its streams have names", func(t *testing.T) {
				if out := v.sh(w, `echo one > /dev/stdout; echo two > /dev/stderr; cat /dev/stdin`); !strings.Contains(out, "one\n") || !strings.Contains(out, "two\n") {
					t.Errorf("got %q", out)
				}
			})
			t.Run("the system can be used", func(*testing.T) {
				v.sh(w, `set -e; ls /usr > /dev/null; cat /etc/passwd /proc/self/status > /dev/null; head -c 1 /dev/urandom > /dev/null; [ "$(pwd)" = "$(readlink /proc/self/cwd)" ]`)
			})
			t.Run("no descriptor is left open", func(t *testing.T) {
				if out := v.sh(w, `ls /proc/self/fd | wc -l`); strings.TrimSpace(out) != "4" { // one of them is ls's own
					t.Errorf("it has %s", out)
				}
			})
			t.Run("its files come back as its own", func(t *testing.T) { v.restored(t) })
			t.Run("it ends with who has started it", func(t *testing.T) { v.tied(t, w) })
		})
	}
}

// restored captures a workspace, resets it, and has the process use what was
// restored.
func (v *walled) restored(t *testing.T) {
	w := v.open("b")
	v.sh(w, `set -e; umask 077; echo kept > f; mkdir d; echo deep > d/f; echo h > "$HOME/h"`)
	c, err := v.run.Captures("b", false)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Take(1, w); err != nil {
		t.Fatal(err)
	}
	v.sh(w, `rm -r f d; echo other > "$HOME/h"`)
	if err := w.Reset(); err != nil {
		t.Fatal(err)
	}
	v.sh(w, `echo new > g`)
	if _, err := c.Restore(1, w); err != nil {
		t.Fatal(err)
	}
	if out := v.sh(w, `set -e; cat f d/f "$HOME/h"; ls; echo more >> d/f; rm f`); out != "kept\ndeep\nh\nd\nf\n" {
		t.Errorf("got %q", out)
	}
}

// tied has a process killed by the end of the thread that has started it.
func (v *walled) tied(t *testing.T, w *workspace.Workspace) {
	release := holdReaper()
	defer release()
	s := newStarter("")
	cmd := workspace.Command{Argv: []string{"/bin/sh", "-c", "echo up; exec sleep 1000"}, Dir: w.Work, Env: []string{"PATH=/usr/bin:/bin"}}
	free, err := v.walls.Enclose(&cmd, w)
	if err != nil {
		t.Fatal(err)
	}
	defer free()
	var once sync.Once
	up := make(chan struct{})
	c, err := s.spawn(launch{Command: cmd}, pumped{}, handler{
		stdout: func([]byte) { once.Do(func() { close(up) }) }, ended: func() {}, stderr: func([]byte) {}, gone: func(*child) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	<-up
	s.close()
	<-c.gone
	if got := exitText(c.status); !strings.Contains(got, "killed") {
		t.Errorf("it %s", got)
	}
}

// A process's user stays its own as long as the run is there, is nobody else's,
// and is given up with the run's walls.
func TestUIDs(t *testing.T) {
	v := behind(t, "uid")
	if v == nil {
		return
	}
	user := func(w *workspace.Workspace) string { return strings.TrimSpace(v.sh(w, "id -u; id -G; umask")) }
	a, b := v.open("a"), v.open("b")
	first := user(a)
	if first == user(b) {
		t.Error("two processes have one user")
	}
	if words := strings.Fields(first); len(words) != 3 || words[0] != words[1] || words[2] != "0077" {
		t.Errorf("got user, groups and umask %q", words)
	}
	v.sh(a, "echo x > f; chmod 0777 . f")
	if out := v.sh(b, "cat "+a.Work+"/f 2>&1 || true"); !strings.Contains(out, "ermission denied") {
		t.Errorf("what a process opens to all is there for others: %q", out)
	}
	other := (&walled{t: t, run: workspace.Run{Dir: filepath.Join(t.TempDir(), "r")}})
	if err := os.MkdirAll(other.run.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(filepath.Dir(other.run.Dir)), 0o711); err != nil {
		t.Fatal(err)
	}
	other.raise("uid", filepath.Dir(other.run.Dir))
	w := other.open("a")
	if theirs := strings.TrimSpace(other.sh(w, "id -u")); strings.HasPrefix(first, theirs+"\n") {
		t.Errorf("a run beside it has the same user %s", theirs)
	}
	a.Release()
	v.walls.Close()
	v.raise("uid", filepath.Dir(filepath.Dir(v.run.Dir)))
	if again := user(v.open("a")); again != first {
		t.Errorf("it had %q and has %q", first, again)
	}
	v.walls.Close()
}

// A workspace that belonged to a user is root's again where there are no users.
func TestUIDsTakenBack(t *testing.T) {
	v := behind(t, "uid")
	if v == nil {
		return
	}
	w := v.open("a")
	v.sh(w, "mkdir -p d/e; echo x > d/e/f; chmod 000 d/e/f; chmod 500 d/e")
	w.Release()
	v.walls.Close()
	v.raise(workspace.None, filepath.Dir(filepath.Dir(v.run.Dir)))
	w = v.open("a")
	if out := v.sh(w, "find . -uid 0 | wc -l; find . | wc -l"); out != "4\n4\n" {
		t.Errorf("got %q", out)
	}
}

// A world's process has a user of its own too, whose what is left of it is known by.
func TestUIDsOfWorlds(t *testing.T) {
	v := behind(t, "uid")
	if v == nil {
		return
	}
	w, err := v.walls.OpenWorld(v.run)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Release()
	theirs, err := strconv.Atoi(strings.TrimSpace(v.sh(w, "touch f; id -u")))
	if agents := strings.TrimSpace(v.sh(v.open("world"), "id -u")); err != nil || theirs == 0 || agents == strconv.Itoa(theirs) || !v.run.Owners()[theirs] {
		t.Errorf("it has user %d, an agent of that name %s; owners are %v (%v)", theirs, agents, v.run.Owners(), err)
	}
	if _, err := v.run.OpenWorld(); err == nil || !strings.Contains(err.Error(), "cannot use the workspace of the world") {
		t.Errorf("two have it: %v", err)
	}
}

// A run that is over may have workspaces whose users another has got since: what that
// one's processes are is not left of it.
func TestUIDsOfAnotherRun(t *testing.T) {
	over, lives := behind(t, "uid"), behind(t, "uid")
	if over == nil || lives == nil {
		return
	}
	w, old := lives.open("a"), over.open("a")
	uid, err := strconv.Atoi(strings.TrimSpace(lives.sh(w, "id -u")))
	if err = errors.Join(err, os.Chown(filepath.Dir(old.Work), 0, uid), os.Chown(old.Work, uid, uid)); err != nil {
		t.Fatal(err)
	}
	if !over.run.Owners()[uid] || over.walls.Owners()[uid] || !lives.walls.Owners()[uid] {
		t.Errorf("user %d: the owners of the run that is over are %v, those of its walls %v, of the other one's %v",
			uid, over.run.Owners(), over.walls.Owners(), lives.walls.Owners())
	}
	var killed int
	var cleared sync.WaitGroup
	cleared.Go(func() {
		for gone := true; gone; time.Sleep(time.Millisecond) {
			_, missing := os.Stat(filepath.Join(w.Work, "lives"))
			gone = missing != nil
		}
		killed, err = KillLeftovers(t.Context(), over.run.Dir)
		err = errors.Join(err, os.WriteFile(filepath.Join(w.Work, "end"), nil, 0o600))
	})
	lives.sh(w, "touch lives; until test -e end; do sleep 0.01; done")
	if cleared.Wait(); killed > 0 || err != nil {
		t.Errorf("killed %d (%v)", killed, err)
	}
}

// Users of their own are for processes that can read what the plan says they do.
func TestUIDsReadWhatIsListed(t *testing.T) {
	v := behind(t, "uid")
	if v == nil {
		return
	}
	dir := t.TempDir()
	closed, file := filepath.Join(dir, "closed"), filepath.Join(dir, "file")
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o711), os.Mkdir(closed, 0o711), os.WriteFile(file, nil, 0o640)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		file:   "cannot read " + file + ": its mode is 0640: chmod o+r " + file,
		closed: "cannot read " + closed + ": its mode is 0711: chmod o+rx " + closed,
		dir:    "", "/usr": "", filepath.Join(closed, "nothing"): "",
	} {
		a, err := workspace.Survey(workspace.Auto, &workspace.Site{Data: dir, Reads: []string{path}})
		if got := a.Missing["uid"]; err != nil || !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s: it lacks %q (%v), want %q", path, got, err, want)
		}
	}
}

// What strict and the tiers themselves ask for and cannot be had is named, and
// auto does without it.
func TestWallsThatAreBarred(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("only root is kept from what it could do")
	}
	data := filepath.Join(t.TempDir(), "closed", "data")
	if err := os.MkdirAll(filepath.Dir(data), 0o700); err != nil {
		t.Fatal(err)
	}
	site := &workspace.Site{Data: data}
	for _, isolation := range []string{"uid", workspace.Strict} {
		_, err := workspace.Survey(isolation, site)
		if err == nil || !strings.Contains(err.Error(), "isolation "+isolation+" is not to be had here: uid: ") {
			t.Errorf("%s: got %v", isolation, err)
		}
		if want := fmt.Sprintf("chmod o+x %s opens", "/tmp"); os.Geteuid() == 0 && (strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "is closed to others")) {
			t.Errorf("%s: got %v", isolation, err)
		}
	}
	a, err := workspace.Survey(workspace.Auto, site)
	if err != nil || len(a.Missing["uid"]) == 0 || bytes.Contains([]byte(a.String()), []byte("uid")) {
		t.Errorf("auto: got %v, %+v", err, a)
	}
}
