package runtime

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/runtime/supervisor"
)

// A Log is where it is told, for operators, how runs go. No secret of a run and no
// token of the API gets into it, whatever processes and errors say. Its methods may
// be called concurrently.
type Log struct {
	*slog.Logger
	guard *guard
}

// NewLog makes a Log that writes to a handler.
func NewLog(h slog.Handler) *Log {
	g := &guard{}
	return &Log{slog.New(guarded{h, g}), g}
}

// of is what a part of this process tells; nil of a nil Log.
func (l *Log) of(part string) *slog.Logger {
	if l == nil {
		return nil
	}
	return l.With("part", part)
}

// Ended tells what a run came to; res is nil for one that was not played.
func (l *Log) Ended(run string, res *Result, err error) {
	level, ended := slog.LevelInfo, []any{"run", run}
	if res != nil {
		ended[1] = res.Run
		ended = append(ended, "status", res.Status, "ticks", res.Summary.Ticks)
	}
	if err != nil {
		level, ended = slog.LevelError, append(ended, "error", err)
	}
	l.Log(context.Background(), level, "ended", ended...)
}

// hide keeps secrets, by their names, out of the log from now on; so does a nil Log.
func (l *Log) hide(secrets map[string]string) {
	if l != nil {
		l.guard.hide(secrets)
	}
}

// hideTokens does so for those of the API.
func (l *Log) hideTokens(t *observe.Tokens) { l.hide(t.Secrets()) }

// A guard knows all secrets that this process has come to know.
type guard struct {
	mu    sync.Mutex
	known map[supervisor.Secret]bool
	blot  atomic.Pointer[func(string) string]
}

func (g *guard) hide(secrets map[string]string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.known == nil {
		g.known = map[supervisor.Secret]bool{}
	}
	for name, value := range secrets {
		g.known[supervisor.Secret{Name: name, Value: value}] = true
	}
	all := make([]supervisor.Secret, 0, len(g.known))
	for s := range g.known {
		all = append(all, s)
	}
	blot := supervisor.Blotter(all)
	g.blot.Store(&blot)
}

func (g *guard) text(s string) string {
	if blot := g.blot.Load(); blot != nil {
		return (*blot)(s)
	}
	return s
}

// attr is a field of a line without secrets.
func (g *guard) attr(a slog.Attr) slog.Attr {
	a.Value = a.Value.Resolve()
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(g.text(a.Value.String()))
	case slog.KindGroup:
		inner := make([]slog.Attr, 0, len(a.Value.Group()))
		for _, x := range a.Value.Group() {
			inner = append(inner, g.attr(x))
		}
		a.Value = slog.GroupValue(inner...)
	case slog.KindAny: // an error, as a rule
		a.Value = slog.StringValue(g.text(a.Value.String()))
	}
	return a
}

// A guarded is a handler of what a guard lets through.
type guarded struct {
	slog.Handler
	guard *guard
}

// Handle implements slog.Handler.
func (h guarded) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, h.guard.text(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(h.guard.attr(a))
		return true
	})
	return h.Handler.Handle(ctx, clean)
}

// WithAttrs implements slog.Handler.
func (h guarded) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = h.guard.attr(a)
	}
	return guarded{h.Handler.WithAttrs(clean), h.guard}
}

// WithGroup implements slog.Handler.
func (h guarded) WithGroup(name string) slog.Handler {
	return guarded{h.Handler.WithGroup(name), h.guard}
}
