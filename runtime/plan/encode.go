package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// A duration is one that JSON shows as people write it: 5s.
type duration time.Duration

func (d duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

func (d *duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = duration(parsed)
	return err
}

// MarshalJSON shows the deadline as people write it.
func (e Entry) MarshalJSON() ([]byte, error) {
	type plain Entry
	return json.Marshal(struct {
		plain
		Deadline duration `json:"deadline"`
	}{plain(e), duration(e.Deadline)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (e *Entry) UnmarshalJSON(data []byte) error {
	type plain Entry
	var read struct {
		plain
		Deadline duration `json:"deadline"`
	}
	if err := json.Unmarshal(data, &read); err != nil {
		return err
	}
	*e = Entry(read.plain)
	e.Deadline = time.Duration(read.Deadline)
	e.Config = restore(e.Config)
	for failure, policy := range e.Policies {
		policy.Action = restore(policy.Action)
		e.Policies[failure] = policy
	}
	return nil
}

// MarshalJSON shows the time as people write it.
func (c Clock) MarshalJSON() ([]byte, error) {
	return json.Marshal(clock{c.Mode, c.Ticks, duration(c.Quiet)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (c *Clock) UnmarshalJSON(data []byte) error {
	var read clock
	err := json.Unmarshal(data, &read)
	*c = Clock{read.Mode, read.Ticks, time.Duration(read.Quiet)}
	return err
}

type clock struct {
	Mode  string   `json:"mode"`
	Ticks int      `json:"ticks,omitempty"`
	Quiet duration `json:"quiet,omitempty"`
}

// MarshalJSON shows the timeout as people write it.
func (w World) MarshalJSON() ([]byte, error) {
	type plain World
	return json.Marshal(struct {
		plain
		Timeout duration `json:"timeout,omitempty"`
	}{plain(w), duration(w.Timeout)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (w *World) UnmarshalJSON(data []byte) error {
	type plain World
	var read struct {
		plain
		Timeout duration `json:"timeout"`
	}
	if err := json.Unmarshal(data, &read); err != nil {
		return err
	}
	*w = World(read.plain)
	w.Timeout = time.Duration(read.Timeout)
	w.Config = restore(w.Config)
	return nil
}

// MarshalJSON shows the time as people write it.
func (l Lifecycle) MarshalJSON() ([]byte, error) {
	return json.Marshal(lifecycle{l.Mode, duration(l.Idle)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (l *Lifecycle) UnmarshalJSON(data []byte) error {
	var read lifecycle
	err := json.Unmarshal(data, &read)
	*l = Lifecycle{read.Mode, time.Duration(read.Idle)}
	return err
}

type lifecycle struct {
	Mode string   `json:"mode"`
	Idle duration `json:"idle,omitzero"`
}

// UnmarshalJSON reads a plan back, byte for byte what it was in memory; agents
// with the same config share it again.
func (p *Plan) UnmarshalJSON(data []byte) error {
	type plain Plan
	var read plain
	if err := json.Unmarshal(data, &read); err != nil {
		return fmt.Errorf("cannot read a plan: %w", err)
	}
	shared := map[string]json.RawMessage{}
	for i := range read.Agents {
		a := &read.Agents[i]
		if a.Entry < 0 || a.Entry >= len(read.Entries) {
			return fmt.Errorf("cannot read a plan: agent %s is of entry %d, and there are %d", a.ID, a.Entry, len(read.Entries))
		}
		config, ok := shared[string(a.Config)]
		if !ok {
			if config = restore(a.Config); config == nil {
				config = json.RawMessage("{}")
			}
			shared[string(a.Config)] = config
		}
		a.Config = config
	}
	for _, process := range read.Processes {
		if process.Entry < 0 || process.Entry >= len(read.Entries) {
			return fmt.Errorf("cannot read a plan: process %s is of entry %d, and there are %d", process.ID, process.Entry, len(read.Entries))
		}
	}
	if read.World.Config == nil && !read.World.None() {
		read.World.Config = json.RawMessage("{}")
	}
	*p = Plan(read)
	return nil
}

// restore takes back what encoding/json does to JSON inside JSON: it escapes
// for HTML, and indents with the rest where a plan is indented.
func restore(raw json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	if len(raw) == 0 || json.Compact(&b, raw) != nil {
		return raw
	}
	out := b.Bytes()
	for escaped, plain := range map[string]string{`\u003c`: "<", `\u003e`: ">", `\u0026`: "&"} {
		out = unescape(out, escaped, plain)
	}
	return out
}

// unescape replaces an escape, unless its backslash is itself escaped.
func unescape(raw []byte, escaped, plain string) []byte {
	if !bytes.Contains(raw, []byte(escaped)) {
		return raw
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); {
		switch {
		case bytes.HasPrefix(raw[i:], []byte(escaped)):
			out = append(out, plain...)
			i += len(escaped)
		case raw[i] == '\\' && i+1 < len(raw):
			out = append(out, raw[i:i+2]...)
			i += 2
		default:
			out = append(out, raw[i])
			i++
		}
	}
	return out
}
