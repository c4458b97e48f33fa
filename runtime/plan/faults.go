package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/troupe-dev/troupe/scenarios"
)

// What a fault does.
const (
	FaultKill       = "kill"       // agents' processes
	FaultPause      = "pause"      // the same, for a while
	FaultDrop       = "drop"       // messages
	FaultDelay      = "delay"      // messages, by ticks
	FaultDuplicate  = "duplicate"  // messages
	FaultPartition  = "partition"  // between groups of agents
	FaultSupervisor = "supervisor" // kills itself
)

// A Fault goes wrong on purpose, in the ticks from From up to Until. It is no
// part of what the hash chain begins with: what it does to messages is hashed
// with the tick, and what it does to processes changes no hash.
type Fault struct {
	Kind    string     `json:"kind"`
	Agents  string     `json:"agents,omitempty"`  // pattern: whose processes
	For     duration   `json:"for,omitempty"`     // how long they are paused
	Traffic *Traffic   `json:"traffic,omitempty"` // which messages
	Ticks   int        `json:"ticks,omitempty"`   // how much later they come
	Groups  [][]string `json:"groups,omitempty"`  // patterns of who hears each other
	From    int        `json:"from"`
	Until   int        `json:"until,omitempty"` // the first tick that is not; 0 for never
	P       float64    `json:"p"`               // how likely it is, each time
}

// Traffic is messages by patterns: those to a channel, or, where Channel is
// empty, those from one agent to another.
type Traffic struct {
	Channel   string `json:"channel,omitempty"`
	Sender    string `json:"sender"`
	Recipient string `json:"recipient,omitempty"`
}

// Length is how long a process is paused.
func (f *Fault) Length() time.Duration { return time.Duration(f.For) }

// In says whether a tick is one of the fault's.
func (f *Fault) In(tick int) bool {
	return tick >= f.From && (f.Until == 0 || tick < f.Until)
}

// Covers says whether a message is of this traffic.
func (t *Traffic) Covers(from, to, channel string) bool {
	if !scenarios.Match(t.Sender, from) {
		return false
	}
	if t.Channel != "" {
		return channel != "" && scenarios.Match(t.Channel, channel)
	}
	return channel == "" && scenarios.Match(t.Recipient, to)
}

// GroupOf is the first of a partition's groups that covers an agent; -1 where
// none does.
func GroupOf(groups [][]string, id string) int {
	for i, patterns := range groups {
		for _, pattern := range patterns {
			if scenarios.Match(pattern, id) {
				return i
			}
		}
	}
	return -1
}

// makeFaults resolves what goes wrong on purpose.
func (m *maker) makeFaults() {
	if len(m.s.Faults) > 0 && m.plan.Clock.Mode == Realtime {
		m.problemAt("faults", "faults come about in the ticks of a lockstep", "use clock: {mode: lockstep}, or leave them out")
	}
	for i := range m.s.Faults {
		at := fmt.Sprintf("faults[%d]", i)
		if !m.told(at) {
			m.plan.Faults = append(m.plan.Faults, m.fault(at, &m.s.Faults[i]))
		}
	}
}

func (m *maker) fault(at string, s *scenarios.Fault) Fault {
	f := Fault{P: 1}
	if s.P != nil {
		f.P = float64(*s.P)
	}
	m.faultTicks(at, s, &f)
	switch {
	case s.Kill != "":
		f.Kind, f.Agents = FaultKill, s.Kill
		m.mustMatch(at+".kill", s.Kill)
	case s.Pause != "":
		f.Kind, f.Agents, f.For = FaultPause, s.Pause, duration(s.For)
		m.mustMatch(at+".pause", s.Pause)
	case s.Drop != nil:
		f.Kind, f.Traffic = FaultDrop, m.traffic(at+".drop", s.Drop)
	case s.Delay != nil:
		f.Kind, f.Traffic, f.Ticks = FaultDelay, m.traffic(at+".delay", s.Delay), or(s.Ticks, 1)
	case s.Duplicate != nil:
		f.Kind, f.Traffic = FaultDuplicate, m.traffic(at+".duplicate", s.Duplicate)
	case s.Partition != nil:
		f.Kind, f.Groups = FaultPartition, s.Partition
		m.checkGroups(at+".partition", s.Partition)
	default:
		f.Kind = FaultSupervisor
	}
	return f
}

// faultTicks fills when a fault is.
func (m *maker) faultTicks(at string, s *scenarios.Fault, f *Fault) {
	key := ".from"
	switch {
	case s.At != nil:
		key, f.From, f.Until = ".at", *s.At, *s.At+1
	default:
		if s.From != nil {
			f.From = *s.From
		}
		if s.To != nil {
			f.Until = *s.To + 1
		}
	}
	if last := m.s.Clock.Ticks; last > 0 && f.From >= last {
		m.problemAt(at+key, fmt.Sprintf("tick %d never comes", f.From), fmt.Sprintf("the clock has %d ticks, from 0 to %d", last, last-1))
	}
}

// traffic fills which messages a fault is about.
func (m *maker) traffic(at string, s *scenarios.Traffic) *Traffic {
	t := &Traffic{Channel: s.Channel, Sender: or(s.Sender, "*"), Recipient: s.Recipient}
	if s.Sender != "" {
		m.mustMatch(at+".sender", s.Sender)
	}
	if s.Recipient != "" {
		m.mustMatch(at+".recipient", s.Recipient)
	}
	if s.Channel == "" {
		t.Recipient = or(s.Recipient, "*")
		return t
	}
	if s.Sender != "" {
		at += ".channel"
	}
	is := func(c Channel) bool { return scenarios.Match(s.Channel, c.Name) }
	if !m.blamed("channels") && !slices.ContainsFunc(m.plan.Channels, is) {
		m.problemAt(at, fmt.Sprintf("no channel matches %q", s.Channel), "the channels are "+m.someChannels())
	}
	return t
}

// someChannels names a few of the channels, for a hint.
func (m *maker) someChannels() string {
	const most = 8
	var names []string
	for i, c := range m.plan.Channels {
		if i == most {
			names = append(names, "…")
			break
		}
		names = append(names, c.Name)
	}
	if len(names) == 0 {
		return "none; messages from one agent to another are {sender: …, recipient: …}"
	}
	return strings.Join(names, ", ")
}

// checkGroups holds the groups of a partition against the agents there are:
// none may be in two.
func (m *maker) checkGroups(at string, groups [][]string) {
	of := map[string]int{}
	for i, patterns := range groups {
		for j, pattern := range patterns {
			m.mustMatch(fmt.Sprintf("%s[%d][%d]", at, i, j), pattern)
		}
		for _, id := range Members(patterns, m.ids) {
			if before, twice := of[id]; twice {
				m.problemAt(fmt.Sprintf("%s[%d]", at, i), fmt.Sprintf("agent %s is in two groups, %d and %d", id, before+1, i+1), "")
				break
			}
			of[id] = i
		}
	}
}
