package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"syscall"
)

// serverLog takes what the server has to say. A fatal line is kept for Start
// (the server would rather end the process), and the last error line is kept
// for appends: when the disk fails, the server logs and never answers. What it
// says of clients is neither.
type serverLog struct {
	to *slog.Logger // nil drops

	mu    sync.Mutex
	dead  error
	last  string        // newest error line
	count int           // of error lines so far
	wake  chan struct{} // closed and replaced at each error line
}

func newServerLog(to *slog.Logger) *serverLog {
	return &serverLog{to: to, wake: make(chan struct{})}
}

// fatal is the first fatal line as an error.
func (l *serverLog) fatal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dead
}

// errors tells how many error lines there were, and gives a channel that is
// closed at the next.
func (l *serverLog) errors() (count int, next <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count, l.wake
}

// since is the newest error line if there was one after the count.
func (l *serverLog) since(count int) (line string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last, l.count > count
}

// causes are what the disk may say.
var causes = []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG, syscall.EROFS, syscall.EIO}

// blame adds what the server logged after the count to an error that does not
// say why, and makes its cause one that errors.Is finds.
func (l *serverLog) blame(err error, count int) error {
	line, ok := l.since(count)
	if !ok {
		return err
	}
	return fmt.Errorf("%w; the store says: %w", err, said(line))
}

// said makes an error of the server's words, in which errors.Is finds the cause.
func said(line string) error {
	for _, cause := range causes {
		if rest, ok := strings.CutSuffix(line, cause.Error()); ok {
			return fmt.Errorf("%s%w", rest, cause)
		}
	}
	return errors.New(line)
}

// aboutClient is in the server's lines about one connection, between its address and
// what it did.
const aboutClient = " - cid:"

// write passes a line on. What a client does wrong is nothing for operators, and it
// could do it often enough to fill their disk.
func (l *serverLog) write(level slog.Level, format string, v []any) {
	if l.to == nil {
		return
	}
	line := fmt.Sprintf(format, v...)
	if strings.Contains(line, aboutClient) {
		level = min(level, slog.LevelDebug)
	}
	l.to.Log(context.Background(), level, line)
}

func (l *serverLog) fault(line string, fatal bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if fatal && l.dead == nil {
		l.dead = said(line)
	}
	l.last = line
	l.count++
	close(l.wake)
	l.wake = make(chan struct{})
}

// The server's levels; Notice is everyday talk.

func (l *serverLog) Noticef(format string, v ...any) { l.write(slog.LevelDebug, format, v) }
func (l *serverLog) Warnf(format string, v ...any)   { l.write(slog.LevelWarn, format, v) }
func (l *serverLog) Debugf(format string, v ...any)  { l.write(slog.LevelDebug, format, v) }
func (l *serverLog) Tracef(format string, v ...any)  { l.write(slog.LevelDebug-4, format, v) }

func (l *serverLog) Errorf(format string, v ...any) {
	if line := fmt.Sprintf(format, v...); !strings.Contains(line, aboutClient) {
		l.fault(line, false)
	}
	l.write(slog.LevelError, format, v)
}

func (l *serverLog) Fatalf(format string, v ...any) {
	l.fault(fmt.Sprintf(format, v...), true)
	l.write(slog.LevelError, format, v)
}
