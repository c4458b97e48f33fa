package world

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

const (
	tailBytes = 4 << 10
	tailLines = 10
)

// A tail passes a world's log on and keeps its end for error messages. A log
// that cannot be written must not stop the world: its errors are dropped. Safe
// for concurrent use.
type tail struct {
	mu   sync.Mutex
	to   io.Writer // may be nil
	last []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.to != nil {
		_, _ = t.to.Write(p)
	}
	t.last = append(t.last, p[max(0, len(p)-tailBytes):]...)
	if len(t.last) > tailBytes {
		t.last = append(t.last[:0], t.last[len(t.last)-tailBytes:]...)
	}
	return len(p), nil
}

// line writes one line of log.
func (t *tail) line(text []byte) {
	_, _ = t.Write(append(bytes.Clone(text), '\n'))
}

// lines gives the last lines, one after the other, for an error.
func (t *tail) lines() string {
	t.mu.Lock()
	text := strings.ToValidUTF8(string(t.last), "�")
	t.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(text), "\n")
	lines = lines[max(0, len(lines)-tailLines):]
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], "\r")
	}
	return strings.Join(lines, "\n")
}
