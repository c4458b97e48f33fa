package runtime

import (
	"context"
	"log/slog"

	"github.com/troupe-dev/troupe/runtime/record"
)

// A logWatch logs how a run goes: its start, and what happens to its processes.
// The logger has the run's name already.
type logWatch struct{ log *slog.Logger }

// Starting implements Watcher.
func (l *logWatch) Starting(o Opening) {
	l.log.Info("playing", "agents", o.Agents, "processes", o.Processes, "tick", o.From)
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
