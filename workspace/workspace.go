package workspace

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
	"golang.org/x/sys/unix"
)

// A Run is the directory of one run. Its methods may be called concurrently.
type Run struct {
	Dir string // absolute
}

// Manifest is the file that says what the run was started with.
func (r Run) Manifest() string { return filepath.Join(r.Dir, "plan.json") }

// Result is what the run came to, as whoever worked on it last has written.
func (r Run) Result() string { return filepath.Join(r.Dir, "result.json") }

// Faults is the file that remembers which faults of the scenario have fired.
func (r Run) Faults() string { return filepath.Join(r.Dir, "faults.jsonl") }

// Sources is the directory of copied logs that agents answer from.
func (r Run) Sources() string { return filepath.Join(r.Dir, "recorded") }

// Source is the copied log of one run.
func (r Run) Source(run string) string { return filepath.Join(r.Sources(), run+".log") }

// Program is the directory of a program's copied files.
func (r Run) Program(name string) string { return filepath.Join(r.Dir, "program", name) }

// Scenario is the directory of the scenario's copy and all that it names.
func (r Run) Scenario() string { return filepath.Join(r.Dir, "scenario") }

// WorldLog is the file that takes what a world writes for people.
func (r Run) WorldLog() string { return filepath.Join(r.Dir, "world.log") }

// AgentLog is the file that takes what an agent's process writes for people.
func (r Run) AgentLog(process string) string { return filepath.Join(r.agent(process), "stderr.log") }

// Work is the working directory of an agent's process.
func (r Run) Work(process string) string { return filepath.Join(r.agent(process), "work") }

// Transcript is the file that keeps what was said to and by an agent that is a
// model.
func (r Run) Transcript(process string) string {
	return filepath.Join(r.agent(process), "transcript.jsonl")
}

// Checkpoints is the directory of what resuming needs beside the log.
func (r Run) Checkpoints() string { return filepath.Join(r.Dir, "checkpoints") }

// Replayed is the same of another run, whose models answer in this one.
func (r Run) Replayed() string { return filepath.Join(r.Dir, "gateway", "replayed") }

// Gateway is the directory of what models were asked and have answered.
func (r Run) Gateway() string { return filepath.Join(r.Dir, "gateway") }

// Text is a file of texts that the runtime makes for one process.
func (r Run) Text(process, name string) string { return filepath.Join(r.agent(process), name) }

// View is where a process reads the shared tree directly; see Shelf.View.
func (r Run) View(process string) string { return filepath.Join(r.agent(process), viewDir) }

func (r Run) agent(process string) string { return filepath.Join(r.Dir, "agents", process) }
func (r Run) world() string               { return filepath.Join(r.Dir, "world") }
func (r Run) locks() string               { return filepath.Join(r.Dir, "locks") }

// socketName is a socket's beside the workspace.
const socketName = "socket"

// maxSocket is how long the path of a Unix socket may be.
const maxSocket = 107

// Socket is where a process's agents ask the runtime. It lies beside the
// workspace, or, where its path would be longer than a socket's may be, below the
// directory for temporary files, in a directory that Socket makes.
func (r Run) Socket(process string) (string, error) {
	path := filepath.Join(r.agent(process), socketName)
	if len(path) <= maxSocket {
		return path, nil
	}
	dir := r.shortDir()
	if err := os.Mkdir(dir, 0o711); err != nil && !errors.Is(err, os.ErrExist) { //nolint:gosec // agents of other uids pass through it
		return "", fmt.Errorf("cannot make a directory for sockets: %w", err)
	}
	if err := ours(dir); err != nil {
		return "", err
	}
	return filepath.Join(dir, hashOf([]byte(process))[:16]), nil
}

func (r Run) shortDir() string {
	return filepath.Join(os.TempDir(), "troupe-"+hashOf([]byte(r.Dir))[:16])
}

// RemoveSockets removes what is left of sockets, and the directory that Socket made,
// if it did. A killed supervisor leaves those of processes that may not come back.
func (r Run) RemoveSockets() error {
	var err error
	if _, gone := os.Lstat(r.shortDir()); gone == nil { // of what is not there, a read-only file system says no
		err = os.RemoveAll(r.shortDir())
	}
	for _, process := range readDir(filepath.Join(r.Dir, "agents")) {
		if failed := os.Remove(filepath.Join(r.agent(process), socketName)); !errors.Is(failed, os.ErrNotExist) {
			err = errors.Join(err, failed)
		}
	}
	return err
}

// A Workspace is the private directory of one process, held until Release.
type Workspace struct {
	Work, Home, Tmp string // absolute directories
	Log             string // file
	// Template is the directory that Reset copies into work; empty for none.
	// Whoever opens the workspace sets it before anything else.
	Template string

	dir    string // the process's own, which holds the others
	uid    int    // the user that they belong to, and the group, where walled; 0 for this process's
	walled bool   // by Walls.Open
	lock   *flock.Flock
}

// Open makes the workspace of a process and holds it by flock for this
// supervisor. One that is held is an error: two processes never share a
// workspace.
func (r Run) Open(process string) (*Workspace, error) {
	return r.hold(process, r.agent(process), r.AgentLog(process), process+".lock")
}

// OpenWorld is Open for a world that is a process.
func (r Run) OpenWorld() (*Workspace, error) {
	return r.hold("the world", r.world(), r.WorldLog(), worldLock)
}

// worldLock is the lock of a world's workspace: no process's name begins so.
const worldLock = ".world.lock"

func (r Run) hold(name, dir, log, lock string) (*Workspace, error) {
	w := &Workspace{
		Work: filepath.Join(dir, "work"),
		Home: filepath.Join(dir, "home"),
		Tmp:  filepath.Join(dir, "tmp"),
		Log:  log,
		dir:  dir,
	}
	w.lock = flock.New(filepath.Join(r.locks(), lock), flock.SetPermissions(0o600))
	ok, err := w.lock.TryLock()
	if errors.Is(err, os.ErrNotExist) { // the first of the run
		if err := os.MkdirAll(r.locks(), 0o700); err != nil {
			return nil, fmt.Errorf("cannot make the lock directory: %w", err)
		}
		ok, err = w.lock.TryLock()
	}
	if err != nil {
		return nil, fmt.Errorf("cannot lock the workspace of %s: %w", name, err)
	}
	if !ok {
		return nil, fmt.Errorf("cannot use the workspace of %s: %s is held by another process", name, w.lock.Path())
	}
	if err := w.make(); err != nil {
		w.Release()
		return nil, err
	}
	return w, nil
}

// Owner is the uid of whoever works in the workspace.
func (w *Workspace) Owner() (uid int, err error) {
	var st unix.Stat_t
	if err := retry(func() error { return unix.Stat(w.Work, &st) }); err != nil {
		return 0, fmt.Errorf("cannot look at %s: %w", w.Work, err)
	}
	return int(st.Uid), nil
}

// ours says what is wrong with a directory that somebody else may have made.
func ours(dir string) error {
	var st unix.Stat_t
	if err := retry(func() error { return unix.Lstat(dir, &st) }); err != nil {
		return fmt.Errorf("cannot look at %s: %w", dir, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR || int(st.Uid) != os.Geteuid() || st.Mode&0o022 != 0 {
		return fmt.Errorf("cannot use %s for sockets: it is not a directory of this user's alone; remove it", dir)
	}
	return nil
}

// Release gives the workspace up; its files stay.
func (w *Workspace) Release() { _ = w.lock.Unlock() }

// Reset takes work, home and tmp back to where a process begins, whatever is in
// them and may be done with it: all are empty, but that work is as its template
// is. No process may be using them.
func (w *Workspace) Reset() error {
	var errs []error
	for _, dir := range []string{w.Work, w.Home, w.Tmp} {
		errs = append(errs, outside().remove(dir))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("cannot reset a workspace: %w", err)
	}
	err := w.make()
	if err == nil && w.walled {
		err = w.own()
	}
	if err != nil {
		return err
	}
	return w.fill() // the files are whose work is
}

func (w *Workspace) make() error {
	for _, dir := range []string{w.Work, w.Home, w.Tmp} {
		if os.Mkdir(dir, 0o700) == nil { // mostly: a run makes thousands
			continue
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("cannot make a workspace: %w", err)
		}
	}
	return nil
}

// WriteTexts writes the files that Run.Text names, for the process to read.
func (w *Workspace) WriteTexts(texts map[string]string) error {
	for name, text := range texts {
		path := filepath.Join(w.dir, name)
		err := os.WriteFile(path, []byte(text), 0o600)
		if err == nil && w.uid != 0 {
			err = errors.Join(os.Chown(path, -1, w.uid), os.Chmod(path, 0o640)) //nolint:gosec // its group is the process alone
		}
		if err != nil {
			return fmt.Errorf("cannot write a prompt: %w", err)
		}
	}
	return nil
}

// Remove deletes the run's directory whole.
func (r Run) Remove() error {
	if err := outside().remove(r.Dir); err != nil {
		return fmt.Errorf("cannot remove %s: %w", r.Dir, err)
	}
	return nil
}
