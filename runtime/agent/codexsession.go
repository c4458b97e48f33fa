package agent

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

// codexName is what threads are called: nothing that leads to another file, and
// no pattern.
var codexName = regexp.MustCompile(`^[A-Za-z0-9-]+$`)

// codexRecorded looks for a turn's end in the file of its thread, where the tool
// keeps what it said and what each request took. It writes the end there before
// it tells it, and is gone when this looks; the line's usage becomes that of the
// turn, of whose tokens the stream tells only the thread's sum.
func codexRecorded(env func(string) string, l *Line) (look func() (bool, error)) {
	if l.Usage == nil || !codexName.MatchString(l.Usage.Session) {
		return nil
	}
	u := l.Usage
	(&codexTokens{}).into(u) // not the thread's, whatever is found
	return func() (bool, error) {
		f, err := openThread(env, u.Session)
		if err != nil {
			return false, err
		}
		defer func() { _ = f.Close() }()
		return codexLastTurn(f, u)
	}
}

// codexFind opens a thread to see that it is there.
func codexFind(env func(string) string, thread string) error {
	if !codexName.MatchString(thread) {
		return fmt.Errorf("no thread is called %.80q: %w", thread, os.ErrNotExist)
	}
	f, err := openThread(env, thread)
	if err != nil {
		return err
	}
	return f.Close()
}

// openThread opens the file of a thread.
func openThread(env func(string) string, thread string) (*os.File, error) {
	dir := env("CODEX_HOME")
	if dir == "" {
		dir = filepath.Join(env("HOME"), ".codex")
	}
	// By year, month and day.
	f, err := openOne(filepath.Join(dir, "sessions"), "*/*/*/rollout-*-"+thread+".jsonl")
	if err != nil {
		return nil, fmt.Errorf("cannot read the thread %s: %w", thread, err)
	}
	return f, nil
}

// openOne opens the file that a pattern finds in a directory.
func openOne(dir, pattern string) (*os.File, error) {
	found, err := fs.Glob(os.DirFS(dir), pattern)
	if err == nil && len(found) == 0 {
		err = os.ErrNotExist
	}
	if err != nil {
		return nil, err
	}
	// An agent may put anything there: nothing that blocks is opened for long.
	f, err := os.OpenFile(filepath.Join(dir, found[0]), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		_ = f.Close()
		return nil, fmt.Errorf("%s is no file", found[0])
	}
	return f, nil
}

// codexTail is how much of a thread's end is read: more than what the tool writes
// in one turn, mostly. What a longer turn took is known all the same; how many
// requests it made, of this part.
const codexTail = 16 << 20

// A codexEntry is what matters of a line in the file of a thread.
type codexEntry struct {
	Type    string
	Payload struct {
		Type     string
		Turn     string `json:"turn_id"`
		Model    string
		Duration float64      `json:"duration_ms"`
		Tokens   *codexTokens `json:"turn_token_usage"`
	}
}

// codexLastTurn reads the newest turn of a thread, and says whether it has ended:
// the model, what it took, and how many requests.
func codexLastTurn(f *os.File, u *Usage) (ended bool, err error) {
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	from := max(0, info.Size()-codexTail)
	lines := bufio.NewReader(io.NewSectionReader(f, from, info.Size()-from))
	turn := ""
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return ended, nil
		}
		if err != nil {
			return false, err
		}
		var e codexEntry
		if !bytes.Contains(line, []byte(`"turn_id"`)) || json.Unmarshal(line, &e) != nil {
			continue
		}
		if p := &e.Payload; p.Turn != "" && p.Turn != turn && (p.Type == "task_started" || turn == "") {
			turn, ended = p.Turn, false
			*u = Usage{Model: u.Model, Session: u.Session}
		}
		ended = e.tell(turn, u) || ended
	}
}

// tell adds an entry of a turn to what that took, and says whether it is its end.
func (e *codexEntry) tell(turn string, u *Usage) (end bool) {
	p := &e.Payload
	switch {
	case p.Turn != turn:
	case e.Type == "turn_context" && p.Model != "":
		u.Model = p.Model
	case e.Type == "token_usage_record" && p.Tokens != nil:
		u.Turns++
		p.Tokens.into(u)
	case p.Type == "task_complete", p.Type == "turn_aborted":
		u.Took = time.Duration(min(max(p.Duration, 0), mostCounted) * float64(time.Millisecond))
		return true
	}
	return false
}
