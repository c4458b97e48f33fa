package plan

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestFaults(t *testing.T) {
	p := mustExpand(t, t.TempDir(), `name: x
world: {kind: conversation, config: {rounds: 9}}
agents: [{id: "a-{n}", replicas: 2, command: [cat]}, {id: b, command: [cat]}]
channels: {square: {members: ["*"]}}
faults:
  - {kill: "a-*", p: 0.25}
  - {pause: b, at: 3, for: 1.5s}
  - {drop: square, from: 2, to: 4}
  - {delay: {sender: b}, to: 0}
  - {partition: [["a-*"], [b]], from: 7}
  - {supervisor: kill, at: 0}
`)
	want := []Fault{
		{Kind: FaultKill, Agents: "a-*", P: 0.25},
		{Kind: FaultPause, Agents: "b", For: 1.5e9, From: 3, Until: 4, P: 1},
		{Kind: FaultDrop, Traffic: &Traffic{Channel: "square", Sender: "*"}, From: 2, Until: 5, P: 1},
		{Kind: FaultDelay, Traffic: &Traffic{Sender: "b", Recipient: "*"}, Ticks: 1, Until: 1, P: 1},
		{Kind: FaultPartition, Groups: [][]string{{"a-*"}, {"b"}}, From: 7, P: 1},
		{Kind: FaultSupervisor, Until: 1, P: 1},
	}
	if !reflect.DeepEqual(p.Faults, want) {
		t.Errorf("got  %+v\nwant %+v", p.Faults, want)
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var read Plan
	if err := json.Unmarshal(text, &read); err != nil || !reflect.DeepEqual(read.Faults, want) {
		t.Errorf("read back: %+v, %v", read.Faults, err)
	}
	without := *p
	without.Faults = nil
	if p.Genesis() != without.Genesis() {
		t.Error("faults change what the hash chain begins with")
	}
}

func TestFaultTicks(t *testing.T) {
	for _, c := range []struct {
		f    Fault
		want string
	}{
		{Fault{}, "yyyy"},
		{Fault{From: 2}, "nnyy"},
		{Fault{Until: 1}, "ynnn"},
		{Fault{From: 1, Until: 3}, "nyyn"},
	} {
		got := ""
		for tick := range 4 {
			got += map[bool]string{true: "y", false: "n"}[c.f.In(tick)]
		}
		if got != c.want {
			t.Errorf("%+v: got %s, want %s", c.f, got, c.want)
		}
	}
}

func TestTraffic(t *testing.T) {
	direct, channel := Traffic{Sender: "a-*", Recipient: "b"}, Traffic{Channel: "den-*", Sender: "*"}
	for _, c := range []struct {
		t                 *Traffic
		from, to, channel string
		want              bool
	}{
		{&direct, "a-1", "b", "", true},
		{&direct, "c", "b", "", false},
		{&direct, "a-1", "c", "", false},
		{&direct, "a-1", "", "b", false},
		{&channel, "c", "", "den-2", true},
		{&channel, "c", "", "square", false},
		{&channel, "c", "den-2", "", false},
	} {
		if got := c.t.Covers(c.from, c.to, c.channel); got != c.want {
			t.Errorf("%+v covers %s to %q or %q: %t", c.t, c.from, c.to, c.channel, got)
		}
	}
	if g := [][]string{{"a", "b-*"}, {"b*"}}; GroupOf(g, "b-1") != 0 || GroupOf(g, "b") != 1 || GroupOf(g, "c") != -1 {
		t.Error("groups are mistaken")
	}
}
