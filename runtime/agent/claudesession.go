package agent

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
)

// claudeName is what sessions and their entries are called: nothing that leads
// to another file.
var claudeName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// claudeRecorded looks for an answer in the file of its session. The tool
// appends an entry a line there; that of an answer has the uuid that the answer
// had on the tool's stream. How long after its result a line is in the file
// differs between versions: up to 200 ms were seen.
func claudeRecorded(env func(string) string, l *Line) (look func() (bool, error)) {
	if l.Usage == nil || !claudeName.MatchString(l.Usage.Session) || !claudeName.MatchString(l.Record) {
		return nil
	}
	s := claudeSessionOf(env, l.Usage.Session)
	s.entry = []byte(`"uuid":"` + l.Record + `"`)
	return s.look
}

// claudeFind opens a session to see that it is there.
func claudeFind(env func(string) string, session string) error {
	if !claudeName.MatchString(session) {
		return fmt.Errorf("no session is called %.80q: %w", session, os.ErrNotExist)
	}
	f, err := claudeSessionOf(env, session).open()
	if err != nil {
		return err
	}
	return f.Close()
}

func claudeSessionOf(env func(string) string, session string) *claudeSession {
	dir := env("CLAUDE_CONFIG_DIR")
	if dir == "" {
		dir = filepath.Join(env("HOME"), ".claude")
	}
	return &claudeSession{dir: filepath.Join(dir, "projects"), name: session + ".jsonl"}
}

// A claudeSession is the file of a session that is read to find an entry.
type claudeSession struct {
	dir, name string
	entry     []byte
	read      int64 // up to which there is no such entry
}

// claudeTail is how much of a file's end is read at first: more than what the
// tool writes in one turn behind its answer.
const claudeTail = 4 << 20

// look reads what was added since the last time.
func (s *claudeSession) look() (bool, error) {
	f, err := s.open()
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return false, fmt.Errorf("cannot read the session %s: it is no file", s.name)
	}
	if info.Size() < s.read {
		s.read = 0 // another file
	}
	from := max(s.read, info.Size()-claudeTail)
	text, err := io.ReadAll(io.NewSectionReader(f, from, info.Size()-from))
	if err != nil {
		return false, fmt.Errorf("cannot read the session %s: %w", s.name, err)
	}
	whole := bytes.LastIndexByte(text, '\n') + 1 // what follows is being written
	s.read = from + int64(whole)
	return bytes.Contains(text[:whole], s.entry), nil
}

// open opens the session's file, whose directory is named for where the tool
// was started.
func (s *claudeSession) open() (*os.File, error) {
	dirs, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, err
	}
	for _, d := range dirs {
		// An agent may put anything there: nothing that blocks is opened for long.
		f, err := os.OpenFile(filepath.Join(s.dir, d.Name(), s.name), os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
			return f, err
		}
	}
	return nil, fmt.Errorf("cannot read the session %s: %w", s.name, os.ErrNotExist)
}
