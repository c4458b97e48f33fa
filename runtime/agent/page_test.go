package agent_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// exchange reads the worked exchange of the protocol's page: the lines of both
// sides, in order.
func exchange(t *testing.T) (in, out []string) {
	t.Helper()
	page, err := os.ReadFile("../../scenarios/clients/PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	page, _, found := bytes.Cut(page, []byte("\n## Beside the lines")) // the socket has others
	if !found {
		t.Fatal("the page has no part on the socket")
	}
	lines := bufio.NewScanner(bytes.NewReader(page))
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "→ "); ok {
			in = append(in, text)
		}
		if text, ok := strings.CutPrefix(lines.Text(), "← "); ok {
			out = append(out, text)
		}
	}
	if len(in) < 5 || len(out) < 5 {
		t.Fatalf("the page has %d and %d lines of an exchange", len(in), len(out))
	}
	return in, out
}

// A villager plays ann's and bob's part on the page.
type villager struct{ greeting string }

func (v *villager) Play(o agent.Observation) agent.Reply {
	var seen struct{ N int }
	if err := o.Unmarshal(&seen); err != nil {
		return o.Fail(err)
	}
	if len(o.Messages) > 0 {
		return o.Act(map[string]int{"heard": len(o.Messages)}).Done()
	}
	if o.Attempt > 1 {
		seen.N++
	}
	reply := o.Act(map[string]int{"n": seen.N})
	if o.Tick == 1 {
		reply = reply.Send("bob", v.greeting).Say("square", map[string]int{"n": seen.N})
	}
	return reply
}

// TestThePagesExchange holds the page against the client: the same lines in
// give the same lines out, to the byte.
func TestThePagesExchange(t *testing.T) {
	in, want := exchange(t)
	var out bytes.Buffer
	err := agent.ServeOn(strings.NewReader(strings.Join(in, "\n")+"\n"), &out, func(s agent.Start) (agent.Player, error) {
		var c struct{ Greeting string }
		err := s.Unmarshal(&c)
		return &villager{c.Greeting}, err
	})
	if err == nil {
		got := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
			t.Errorf("the client answers\n%s\nthe page says\n%s", g, w)
		}
		return
	}
	t.Fatal(err)
}

// TestThePagesLinesAreTheCodecs encodes each line that goes to an agent anew,
// and decodes each that comes from one.
func TestThePagesLinesAreTheCodecs(t *testing.T) {
	in, out := exchange(t)
	for _, line := range in {
		if got := encodeAnew(t, line); got != line {
			t.Errorf("the codec writes\n%s\nthe page says\n%s", got, line)
		}
	}
	for _, line := range out {
		l, err := agent.Decode([]byte(line))
		if err != nil || l.Agent != "ann" && l.Agent != "bob" {
			t.Errorf("%s: decoded as %+v, %v", line, l, err)
		}
	}
}

// encodeAnew reads a line with encoding/json and writes it with the codec.
func encodeAnew(t *testing.T, line string) string {
	t.Helper()
	var l struct {
		Type, Run, Agent, Reason, Error string
		Seed                            uint64
		Tick, Attempt                   int
		Deadline                        int64 `json:"deadline_ms"`
		Config, Observation             json.RawMessage
		Results                         []json.RawMessage
		Messages                        []struct {
			From, Channel string
			Body          json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(line), &l); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	var b []byte
	switch l.Type {
	case "init":
		b = agent.AppendInit(nil, agent.Init{Run: l.Run, Agent: l.Agent, Seed: l.Seed, Config: l.Config})
	case "stop":
		b = agent.AppendStop(nil, l.Agent, l.Reason)
	case "observe":
		o := agent.Observe{Agent: l.Agent, Tick: l.Tick, Deadline: time.Duration(l.Deadline) * time.Millisecond,
			Observation: l.Observation, Attempt: max(l.Attempt, 1), Error: l.Error}
		for _, m := range l.Messages {
			o.Messages = append(o.Messages, agent.Message{From: m.From, Channel: m.Channel, Body: m.Body})
		}
		for _, r := range l.Results {
			o.Results = append(o.Results, r)
		}
		b = agent.AppendObserve(nil, &o)
	}
	return strings.TrimSuffix(string(b), "\n")
}
