package engine

import (
	"context"
	"fmt"
	goruntime "runtime"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// calling has somebody at the door who sends a message, and says how that ends.
func calling(d *Door, from string, m agent.Send) <-chan error {
	done := make(chan error, 1)
	before := d.waiting()
	go func() {
		_, err := d.Send(context.Background(), from, m)
		done <- err
	}()
	for d.waiting() == before {
		goruntime.Gosched()
	}
	return done
}

func (d *Door) waiting() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.calls)
}

// TestAgentsAnswerThoseOutside: from the tick on after somebody outside has written,
// agents may write to that name, and nobody is told that it is nobody's. That holds
// for whoever goes on from a checkpoint.
func TestAgentsAnswerThoseOutside(t *testing.T) {
	p := planOf(3, nil, "a", "b", "shy")
	p.Entries = append(p.Entries, plan.Entry{ID: "shy", Kind: "stdio", Messages: &plan.Messages{To: []string{"a"}}})
	p.Agents[2].Entry = 1
	p.Faults = []plan.Fault{{Kind: plan.FaultDrop, Traffic: &plan.Traffic{Sender: "*", Recipient: "*"}, P: 1, From: 2}}
	p.Entries[0].State, p.Checkpoint.Every = "snapshot", 1
	tr := newTrial(t, p)
	var kept []*Checkpoint
	tr.cfg.Door = &Door{}
	tr.cfg.OnCheckpoint = func(c *Checkpoint) error { kept = append(kept, c); return nil }
	tr.fleet.any = func(o *agent.Observe) agent.Answer {
		return acts("1", tells("ada", fmt.Sprint(o.Tick)), tells("eve", "0"))
	}
	heard := calling(tr.cfg.Door, "ada", tells("a", `"hello"`))
	tr.run(t)
	if err := <-heard; err != nil {
		t.Fatal(err)
	}
	var got []string
	for n := range tr.log.records {
		r := tr.log.at(t, n)
		for i := range r.Messages {
			m := &r.Messages[i]
			got = append(got, fmt.Sprintf("%d %s→%s %t", r.Tick, m.From, m.To, m.Refused || m.Fate != nil))
		}
	}
	var want []string
	for tick := range 3 {
		for _, from := range []string{"a", "ada", "b", "shy"} {
			switch {
			case from != "ada":
				want = append(want, fmt.Sprintf("%d %s→ada %t", tick, from, tick == 0 || from == "shy"), fmt.Sprintf("%d %s→eve true", tick, from))
			case tick == 0:
				want = append(want, "0 ada→a false")
			}
		}
	}
	same(t, "messages (and whether they are withheld)", got, want)
	same(t, "what a is told", tr.heard(t, "a", 2), `[],"results":[{"type":"send","tick":1,"position":1,"to":"eve","error":"no such agent"}]`)
	for _, c := range kept {
		s, err := c.society(p)
		if err != nil {
			t.Fatal(err)
		}
		if !s.outside["ada"] || len(s.outside) != 1 {
			t.Errorf("after the checkpoint before tick %d those outside are %v", c.Tick, s.outside)
		}
	}
	if len(kept) == 0 {
		t.Error("there is no checkpoint")
	}
	replayed, err := replay(t.Context(), tr.log, p, nil, nil, func(*society, *record.Record) error { return nil })
	if err != nil || !replayed.outside["ada"] {
		t.Errorf("read from the log those outside are %v, %v", replayed.outside, err)
	}
}
