package supervisor

import (
	"bytes"
	"io"
	"os"
	"strings"
	"sync"
)

// logSize is when an agent's log begins anew; the part before is kept under
// the name with .1 behind it, so an agent's log takes at most twice this.
const logSize = 4 << 20

// logSize is when a log begins anew that may have so much in all.
func (l *Limits) logSize() int64 {
	if l.Log > 0 {
		return max(l.Log/2, 1)
	}
	return logSize
}

// A logFile is what one process wrote for people: bounded on disk, opened when
// first written. A full disk loses log, never the run.
type logFile struct {
	path   string
	most   int64 // size at which it begins anew
	secret *redactor
	mu     sync.Mutex
	f      *os.File
	size   int64
	at     bool   // at the beginning of a line: what came last ended one
	held   []byte // not written yet
	closed bool   // what comes later is lost
}

func newLogFile(path string, most int64, secrets []Secret) *logFile {
	return &logFile{path: path, most: most, secret: newRedactor(secrets), at: true}
}

// write appends text as it came.
func (l *logFile) write(text []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.append(l.secret.feed(text))
}

// line appends one whole line with a word of ours before it. What may be the
// first half of a secret waits still: its other half is yet to come.
func (l *logFile) line(prefix string, text []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hold(prefix, text)
	l.flush()
}

// note is line that may wait for the next flush: many come at once, and each
// write costs more than the line.
func (l *logFile) note(prefix string, text []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hold(prefix, text)
	if len(l.held) >= 64<<10 {
		l.flush()
	}
}

// noted writes what note has kept back.
func (l *logFile) noted() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flush()
}

func (l *logFile) hold(prefix string, text []byte) {
	from := len(l.held)
	if !l.at {
		l.held = append(l.held, '\n')
	}
	l.held = append(l.held, prefix...)
	l.held = append(l.held, text...)
	l.held = append(l.held, '\n')
	if l.secret != nil {
		l.held = append(l.held[:from], l.secret.whole(bytes.Clone(l.held[from:]))...)
	}
	l.at = true
}

// append writes text after all that was held.
func (l *logFile) append(b []byte) {
	l.flush()
	l.put(b)
}

func (l *logFile) flush() {
	l.put(l.held)
	l.held = l.held[:0]
	if cap(l.held) > 4<<10 {
		l.held = nil // one of thousands
	}
}

func (l *logFile) put(b []byte) {
	if len(b) == 0 || l.closed {
		return
	}
	if l.f == nil || l.size+int64(len(b)) > l.most {
		l.rotate()
	}
	if l.f == nil {
		return
	}
	n, _ := l.f.Write(b[max(0, len(b)-int(l.most)):])
	l.size += int64(n)
	l.at = b[len(b)-1] == '\n'
}

func (l *logFile) rotate() {
	if l.f != nil {
		_ = l.f.Close()
		_ = os.Rename(l.path, l.path+".1")
	}
	l.f, l.size = nil, 0
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	if st, err := f.Stat(); err == nil {
		l.size = st.Size()
	}
	l.f = f
}

func (l *logFile) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.append(l.secret.rest())
	l.closed = true
	if l.f != nil {
		_ = l.f.Close()
		l.f = nil
	}
}

// tail gives the log's last lines, at most n of them and about 2 KiB.
func (l *logFile) tail(n int) []string {
	l.mu.Lock()
	l.append(l.secret.rest())
	l.mu.Unlock()
	f, err := os.Open(l.path)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	st, err := f.Stat()
	if err != nil {
		return nil
	}
	from := max(0, st.Size()-2<<10)
	b := make([]byte, st.Size()-from)
	m, err := f.ReadAt(b, from)
	if err != nil && err != io.EOF { //nolint:errorlint // ReadAt documents io.EOF itself
		return nil
	}
	b = bytes.ToValidUTF8(bytes.TrimRight(b[:m], "\n"), []byte("?"))
	if len(b) == 0 {
		return nil
	}
	lines := strings.Split(string(b), "\n")
	return lines[max(0, len(lines)-n):]
}
