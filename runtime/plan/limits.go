package plan

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/scenarios"
)

// A Size is a number of bytes that JSON shows as people write it: 64MiB.
type Size int64

var units = []struct {
	name  string
	shift int
}{{"TiB", 40}, {"GiB", 30}, {"MiB", 20}, {"KiB", 10}, {"B", 0}}

// String writes the size exactly, in the largest unit that does.
func (s Size) String() string {
	for _, u := range units {
		if s>>u.shift<<u.shift == s && s>>u.shift > 0 {
			return strconv.FormatInt(int64(s>>u.shift), 10) + u.name
		}
	}
	return "0B"
}

// MarshalText writes the size as String does.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *Size) UnmarshalText(text []byte) error {
	n, ok := scenarios.ParseSize(string(text))
	if !ok {
		return fmt.Errorf("%q is no size", text)
	}
	*s = Size(n)
	return nil
}

// MarshalJSON shows the times as people write them.
func (l Limits) MarshalJSON() ([]byte, error) {
	type plain Limits
	return json.Marshal(struct {
		plain
		Wall duration `json:"wall,omitempty"`
		CPU  duration `json:"cpu,omitempty"`
	}{plain(l), duration(l.Wall), duration(l.CPU)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (l *Limits) UnmarshalJSON(data []byte) error {
	type plain Limits
	var read struct {
		plain
		Wall duration `json:"wall"`
		CPU  duration `json:"cpu"`
	}
	if err := json.Unmarshal(data, &read); err != nil {
		return err
	}
	*l = Limits(read.plain)
	l.Wall, l.CPU = time.Duration(read.Wall), time.Duration(read.CPU)
	return nil
}

// MarshalJSON shows the times as people write them.
func (l EntryLimits) MarshalJSON() ([]byte, error) {
	type plain EntryLimits
	return json.Marshal(struct {
		plain
		CPU  duration `json:"cpu,omitempty"`
		Wall duration `json:"wall,omitempty"`
	}{plain(l), duration(l.CPU), duration(l.Wall)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (l *EntryLimits) UnmarshalJSON(data []byte) error {
	type plain EntryLimits
	var read struct {
		plain
		CPU  duration `json:"cpu"`
		Wall duration `json:"wall"`
	}
	if err := json.Unmarshal(data, &read); err != nil {
		return err
	}
	*l = EntryLimits(read.plain)
	l.CPU, l.Wall = time.Duration(read.CPU), time.Duration(read.Wall)
	return nil
}

// elsewhere says whether an entry's programs are started by somebody else, or are
// none.
func elsewhere(e *scenarios.Entry, kind agent.Kind) bool {
	return kind.Human || kind.Bus && len(e.Command) == 0
}

// ofProcesses are the limits of what a process takes.
var ofProcesses = []struct {
	name string
	set  func(*scenarios.EntryLimits) bool
}{
	{"memory", func(l *scenarios.EntryLimits) bool { return l.Memory > 0 }},
	{"cpu", func(l *scenarios.EntryLimits) bool { return l.CPU > 0 }},
	{"processes", func(l *scenarios.EntryLimits) bool { return l.Processes > 0 }},
	{"files", func(l *scenarios.EntryLimits) bool { return l.Files > 0 }},
	{"file_size", func(l *scenarios.EntryLimits) bool { return l.FileSize > 0 }},
	{"disk", func(l *scenarios.EntryLimits) bool { return l.Disk > 0 }},
	{"wall", func(l *scenarios.EntryLimits) bool { return l.Wall > 0 }},
}

// unheld are the limits of an entry that nobody can hold its programs to.
func unheld(e *scenarios.Entry, kind agent.Kind) (names []string) {
	if e.Limits == nil || !elsewhere(e, kind) {
		return nil
	}
	for _, limit := range ofProcesses {
		if limit.set(e.Limits) {
			names = append(names, "limits."+limit.name)
		}
	}
	if kind.Human && e.Limits.Log > 0 {
		names = append(names, "limits.log")
	}
	return names
}

// limits are those of a variant that its kind reads; of a program that somebody else
// starts, those of what it says.
func (m *maker) limits(v *variant, kind agent.Kind) (out EntryLimits) {
	l := v.entry.Limits
	if l == nil {
		l = &scenarios.EntryLimits{}
	}
	if kind.Reads("limits.turns") {
		out.Turns = l.Turns
	}
	if spends(&v.entry, kind) && l.USD != nil {
		out.USD = agent.FromDollars(l.USD.Dollars)
	}
	if !kind.Reads("limits") {
		return out
	}
	out.Messages, out.MessageBytes = l.Messages, Size(l.MessageBytes)
	if !kind.Human {
		out.Log = Size(l.Log)
	}
	if elsewhere(&v.entry, kind) {
		return out
	}
	out.Memory, out.CPU, out.Processes, out.Files = Size(l.Memory), time.Duration(l.CPU), l.Processes, l.Files
	out.FileSize, out.Disk, out.Wall = Size(l.FileSize), Size(l.Disk), time.Duration(l.Wall)
	if all := m.plan.Limits.Memory; all > 0 && out.Memory == 0 && !m.told(v.item.at+".limits.memory") {
		v.problem(".limits", fmt.Sprintf("all processes together may have %s in memory, and nothing says how much of it one of these may", all),
			"limits: {memory: 512MiB}")
	}
	return out
}
