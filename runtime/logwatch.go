package runtime

import (
	"context"
	"log/slog"

	"github.com/troupe-dev/troupe/runtime/record"
)

// A logWatch logs how a run goes: its start, and what happens to its processes.
type logWatch struct{ log *slog.Logger }

// Starting implements Watcher.
func (l *logWatch) Starting(o Opening) {
	l.log = l.log.With("run", o.Run)
	l.log.Info("playing", "agents", o.Agents, "processes", o.Processes, "tick", o.From)
	if o.Listen != "" {
		l.log.Info("listening", "listen", o.Listen)
	}
	if o.Dropped > 0 {
		l.log.Warn("its log was damaged: what was behind is played again", "tick", o.From, "entries", o.Dropped)
	}
	if o.Fork != nil {
		l.log.Info("forked", "from", o.Fork.Run, "tick", o.Fork.Tick)
	}
	for _, id := range o.People {
		l.log.Info("a person plays", "agent", id)
	}
	for _, id := range o.Outside {
		l.log.Info("connects to the bus by itself", "agent", id)
	}
	for _, entry := range o.Bypass {
		l.log.Warn("around the gateway: what it spends is its tool's word", "entry", entry)
	}
}

// Ticked implements Watcher.
func (l *logWatch) Ticked(rec *record.Record, _ *record.Summary) {
	l.log.Debug("tick", "tick", rec.Tick)
}

// alarming are the facts that are worth a warning.
var alarming = map[string]bool{
	"crashed": true, "failed": true, "differs": true, "rewound": true, "unrecorded": true, "barred": true,
}

// Happened implements Watcher.
func (l *logWatch) Happened(f record.Fact) {
	level := slog.LevelDebug
	if alarming[f.Kind] {
		level = slog.LevelWarn
	}
	l.log.Log(context.Background(), level, f.Kind, "agent", f.Agent, "tick", f.Tick, "detail", f.Detail)
}
