package supervisor

import (
	"cmp"
	"errors"
	"fmt"
	"syscall"

	"github.com/troupe-dev/troupe/workspace"
)

// A wrapped launch is what to ask the system for.
type wrapped struct {
	file   string // to execute
	argv   []string
	files  []uintptr // the process's descriptors, in order
	theirs []int     // those among them that are to be closed here once it has them
	report int       // what says that the program could not be executed; -1 for nothing
	of     string
}

// wrap makes a launch what to ask the system for: the program itself, or the
// running binary that restricts itself first. The caller
// releases it in any case.
func (l *launch) wrap(files []uintptr) (w wrapped, err error) {
	w = wrapped{file: executable(l.Argv[0]), argv: l.Argv, files: files, report: -1, of: l.of}
	if l.secret != "" {
		fd, err := secretPipe(l.secret)
		if err != nil {
			return w, err
		}
		w.give(fd)
	}
	if l.Confinement.Empty() {
		return w, nil
	}
	if !workspace.Confines {
		return w, errors.New("this system cannot restrict a process")
	}
	r, theirs, err := pipe()
	if err != nil {
		return w, fmt.Errorf("cannot make a pipe: %w", err)
	}
	w.report = r
	report, ruleset := len(w.files), 0
	w.give(theirs)
	if l.Confinement.Ruleset != 0 {
		ruleset = len(w.files)
		w.files = append(w.files, uintptr(l.Confinement.Ruleset))
	}
	groups := len(w.files)
	for _, fd := range l.Confinement.Groups {
		w.files = append(w.files, uintptr(fd))
	}
	w.argv = l.Confinement.Command(w.file, l.Argv, report, ruleset, groups)
	w.file = cmp.Or(l.Confinement.Self, self())
	return w, w.own(l.Confinement.UID)
}

// own has the pipes belong to the user that the process runs as: programs open
// their standard streams by name (/dev/stderr).
func (w *wrapped) own(uid int) error {
	for _, fd := range w.files {
		var st syscall.Stat_t
		if uid == 0 || syscall.Fstat(int(fd), &st) != nil || st.Mode&syscall.S_IFMT != syscall.S_IFIFO {
			continue
		}
		if err := syscall.Fchown(int(fd), uid, uid); err != nil {
			return fmt.Errorf("cannot give a pipe to its user: %w", err)
		}
	}
	return nil
}

// give has the process find fd as its next descriptor.
func (w *wrapped) give(fd int) {
	w.files = append(w.files, uintptr(fd))
	w.theirs = append(w.theirs, fd)
}

// close closes what the process has by now.
func (w *wrapped) close() {
	for _, fd := range w.theirs {
		_ = syscall.Close(fd)
	}
	w.theirs = nil
}

// release closes all that was opened for the launch.
func (w *wrapped) release() {
	w.close()
	if w.report >= 0 {
		_ = syscall.Close(w.report)
	}
}

// executed waits until a started process is the program, and says why it is
// not. It comes after close.
func (w *wrapped) executed() error {
	text := make([]byte, 4<<10)
	have := 0
	for w.report >= 0 {
		n, err := syscall.Read(w.report, text[have:])
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if n <= 0 || err != nil {
			break
		}
		have += n
	}
	if have > 0 {
		return errors.New(string(text[:have]))
	}
	return nil
}
