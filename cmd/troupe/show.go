package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/troupe-dev/troupe/runtime"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// A show tells people on a terminal how a run goes: one line that is written
// over, and lines that stay for what went wrong. Where there is no terminal,
// only the latter.
type show struct {
	w        io.Writer
	terminal bool
	opening  runtime.Opening
	begun    time.Time
	drawn    time.Time
	line     bool           // the progress line stands there
	told     map[string]int // by agent: how many facts were told
}

// toldMost is how many facts of one agent are told; the record has all.
const toldMost = 3

func newShow(f *os.File) *show {
	return &show{w: f, terminal: term.IsTerminal(int(f.Fd())), told: map[string]int{}}
}

// Starting implements runtime.Watcher.
func (s *show) Starting(o runtime.Opening) {
	s.begin(o)
	_, _ = fmt.Fprintf(s.w, "run %s: %d agents in %d processes\n", o.Run, o.Agents, o.Processes)
	if o.Dropped > 0 {
		what := "all of it"
		if o.From > 0 {
			what = fmt.Sprintf("what was behind tick %d", o.From-1)
		}
		_, _ = fmt.Fprintf(s.w, "its log was damaged: %s is played again (%d entries)\n", what, o.Dropped)
	}
	switch {
	case o.Fork != nil:
		s.forked(o.Fork)
	case o.From > 0:
		_, _ = fmt.Fprintf(s.w, "resumed at tick %d\n", o.From)
	}
	if len(o.Bypass) > 0 {
		_, _ = fmt.Fprintf(s.w, "around the gateway: %s: what they spend, and their limits.usd, are their tool's word\n", strings.Join(o.Bypass, ", "))
	}
	s.places(o)
}

// forkedMost is how many agents are named that are not where the fork is; plan.json
// has all.
const forkedMost = 20

// forked says where a fork begins.
func (s *show) forked(f *plan.Fork) {
	_, _ = fmt.Fprintf(s.w, "forked from run %s at tick %d\n", f.Run, f.Tick)
	for i, id := range sortedKeys(f.Starts) {
		switch {
		case i == forkedMost:
			_, _ = fmt.Fprintf(s.w, "… and %d more agents, in plan.json\n", len(f.Starts)-i)
			return
		case f.Starts[id] < 0:
			_, _ = fmt.Fprintf(s.w, "agent %s begins anew\n", id)
		default:
			_, _ = fmt.Fprintf(s.w, "agent %s goes on from tick %d: nothing later is kept of it\n", id, f.Starts[id])
		}
	}
}

func (s *show) begin(o runtime.Opening) { s.opening, s.begun = o, time.Now() }

// outsideMost is how many agents are named that connect by themselves, or that people
// play.
const outsideMost = 20

// places says where else the run can be watched.
func (s *show) places(o runtime.Opening) {
	if o.Bus != "" {
		_, _ = fmt.Fprintf(s.w, "observe it: nats sub --server nats://%s:%s@%s 'troupe.%s.>'\n",
			o.Observer.User, o.Observer.Password, o.Bus, o.Run)
	}
	s.each(o.Outside, "on the bus", "agent %s connects to the bus by itself: troupe credentials %s %s\n")
	s.each(o.People, "of people's", "agent %s is a person's: troupe play %s %s\n")
	if o.Listen != "" {
		_, _ = fmt.Fprintf(s.w, "look at it: %s\nmetrics: http://%s/metrics\n", o.Link, o.Listen)
	}
	if o.Paused {
		_, _ = fmt.Fprintf(s.w, "paused: troupe resume %s lets it go on, and troupe step %s takes it a tick further\n", o.Run, o.Run)
	}
}

// each tells of agents that somebody outside has to do something for.
func (s *show) each(ids []string, where, format string) {
	for i, id := range ids {
		if i == outsideMost {
			_, _ = fmt.Fprintf(s.w, "… and %d more agents %s\n", len(ids)-i, where)
			break
		}
		_, _ = fmt.Fprintf(s.w, format, id, s.opening.Run, id)
	}
}

// Ticked implements runtime.Watcher.
func (s *show) Ticked(rec *record.Record, sum *record.Summary) {
	if !s.terminal || time.Since(s.drawn) < 100*time.Millisecond && rec.End == record.NotEnded {
		return
	}
	s.drawn = time.Now()
	var b strings.Builder
	fmt.Fprintf(&b, "\r\x1b[Ktick %d", sum.Ticks)
	if s.opening.Ticks > 0 {
		fmt.Fprintf(&b, " of %d", s.opening.Ticks)
	}
	if s.opening.Realtime {
		fmt.Fprintf(&b, "   %d turns", turnCount(sum))
	} else if secs := time.Since(s.begun).Seconds(); secs > 0 {
		fmt.Fprintf(&b, "   %.0f ticks/s", float64(sum.Ticks-s.opening.From)/secs)
	}
	if failures := failureCount(sum); failures > 0 {
		fmt.Fprintf(&b, "   %d failures", failures)
	}
	_, _ = io.WriteString(s.w, b.String())
	s.line = true
}

// turnCount is how many turns have come to an end.
func turnCount(sum *record.Summary) (n int) {
	for _, count := range sum.Outcomes {
		n += count
	}
	return n
}

func failureCount(sum *record.Summary) (n int) {
	for kind, count := range sum.Outcomes {
		if kind != record.Acted {
			n += count
		}
	}
	return n
}

// telling are the facts that people want to hear of at once.
var telling = map[string]string{
	"crashed":     "crashed",
	"failed":      "failed",
	"restarted":   "was restarted",
	"substituted": "was substituted",
	"differs":     "answered otherwise when told its past again",
	"rewound":     "has older files than it had",
	"unrecorded":  "has not recorded its answer",
	"barred":      "asked for a host that it may not reach",
	"fault":       "was hit by a fault",
}

// Happened implements runtime.Watcher.
func (s *show) Happened(f record.Fact) {
	word, tell := telling[f.Kind]
	if !tell {
		return
	}
	who := "agent " + f.Agent
	if f.Agent == "" {
		who = "the supervisor"
	}
	s.told[f.Agent]++
	switch n := s.told[f.Agent]; {
	case n < toldMost:
		s.say("%s %s at tick %d: %s", who, word, f.Tick, f.Detail)
	case n == toldMost:
		s.say("%s %s at tick %d: %s\n  (more of this agent is in the record: troupe events %s)", who, word, f.Tick, f.Detail, s.opening.Run)
	}
}

func (s *show) say(format string, args ...any) {
	s.clear()
	_, _ = fmt.Fprintf(s.w, format+"\n", args...)
}

// clear takes the progress line away.
func (s *show) clear() {
	if s.line {
		_, _ = io.WriteString(s.w, "\r\x1b[K")
		s.line = false
	}
}
