package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// An agent at its limit is not asked any more; the others play on.
func TestAgentsLimits(t *testing.T) {
	for name, c := range map[string]struct {
		limits plan.EntryLimits
		turn   string
	}{
		"usd":   {plan.EntryLimits{USD: agent.Dollar}, "a budget/action 0 unsent"},
		"turns": {plan.EntryLimits{Turns: 4}, "a limit/action 0 unsent"},
	} {
		t.Run(name, func(t *testing.T) {
			stay := plan.Policy{Name: "action", Action: []byte("0")}
			p := planOf(4, map[agent.Failure]plan.Policy{agent.Budget: stay, agent.Limit: stay}, "a", "b")
			p.Entries[0].Limits, p.Entries[0].Kind = c.limits, "claude"
			tr := newTrial(t, p)
			asks := 0
			tr.fleet.scripts["a"] = func(*agent.Observe) agent.Answer { asks++; return acts("1") }
			tr.fleet.costs = map[string]agent.Usage{"a": {USD: agent.Dollar / 2, Turns: 2}}
			tr.run(t)
			same(t, "asks", asks, 2)
			same(t, "turn 1", turnText(tr.log.at(t, 1).Turns[0]), "a / 1")
			same(t, "turn 2", turnText(tr.log.at(t, 2).Turns[0]), c.turn)
			same(t, "turn 3", turnText(tr.log.at(t, 3).Turns[0]), c.turn)
			same(t, "the other's", turnText(tr.log.at(t, 3).Turns[1]), "b / {}")
		})
	}
}

// Turns of an agent that is no model are those in which it was asked, also before
// the run was resumed.
func TestTurns(t *testing.T) {
	p := planOf(6, map[agent.Failure]plan.Policy{agent.Limit: {Name: "skip"}}, "a", "b")
	p.Entries[0].Limits.Turns = 3
	tr := newTrial(t, p)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	tr.cfg.OnTick = func(rec *record.Record, _ [32]byte) {
		if rec.Tick == 1 {
			cancel()
		}
	}
	if res, err := Lockstep(ctx, tr.cfg); err != nil || !res.Interrupted {
		t.Fatal(res, err)
	}
	var err error
	next := newTrial(t, p)
	next.log, next.cfg.Log = tr.log, tr.log
	if next.cfg.From, err = Restore(t.Context(), tr.log, p, "r1", next.cfg.World, nil); err != nil {
		t.Fatal(err)
	}
	next.run(t)
	for n, want := range []string{"a / {}", "a / {}", "a / {}", "a limit/skip  unsent", "a limit/skip  unsent"} {
		same(t, fmt.Sprint("turn ", n), turnText(tr.log.at(t, n).Turns[0]), want)
	}
}

// A run's time counts from its start on, however often it was resumed.
func TestRunsTimeGoesOn(t *testing.T) {
	p := planOf(9, nil, "a", "b")
	p.Limits.Wall = 50 * time.Millisecond
	tr := newTrial(t, p)
	tr.fleet.scripts["a"] = func(*agent.Observe) agent.Answer { time.Sleep(20 * time.Millisecond); return acts("1") }
	_ = tr.fault(t, "limits.wall")
	played := len(tr.log.records)
	var err error
	next := newTrial(t, p)
	next.log, next.cfg.Log = tr.log, tr.log
	if next.cfg.From, err = Restore(t.Context(), tr.log, p, "r1", next.cfg.World, nil); err != nil {
		t.Fatal(err)
	}
	_ = next.fault(t, "limits.wall")
	if n := len(tr.log.records); played == 0 || n > played+1 { // what came after the newest record is not on it
		t.Errorf("after %d ticks it played %d", played, n)
	}
}

// A run at its limit stops between two ticks, with all of its record.
func TestRunsLimit(t *testing.T) {
	p := planOf(9, nil, "a", "b")
	p.Limits.USD = 2 * agent.Dollar
	tr := newTrial(t, p)
	tr.fleet.costs = map[string]agent.Usage{"a": {USD: agent.Dollar / 2}, "b": {USD: agent.Dollar / 10}}
	err := tr.fault(t, "before tick 4", "$2.4 of $2", "limits.usd")
	var limit *LimitError
	if !errors.As(err, &limit) || limit.Tick != len(tr.log.records) {
		t.Errorf("%v after %d records", err, len(tr.log.records))
	}
	usages := tr.log.at(t, 3).Annex.Usages
	same(t, "usages", len(usages), 2)
	same(t, "who used it", usages[0].Agent+usages[1].Agent, "ab")
}

// What an agent sends with one answer is held to its limits, and the process is
// told again what it answered when it comes back.
func TestLimitsOfMessages(t *testing.T) {
	for name, c := range map[string]struct {
		limits plan.EntryLimits
		detail string
	}{
		"messages":      {plan.EntryLimits{Messages: 2}, "limits.messages: it sent 3 messages, of 2 in a tick"},
		"message_bytes": {plan.EntryLimits{MessageBytes: 8}, "limits.message_bytes: it sent a message of 9 bytes, of 8B"},
	} {
		t.Run(name, func(t *testing.T) {
			p := planOf(3, map[agent.Failure]plan.Policy{agent.Limit: {Name: "skip"}}, "a", "b")
			p.Entries[0].Limits = c.limits
			tr := newTrial(t, p)
			tr.fleet.scripts["a"] = func(o *agent.Observe) agent.Answer {
				a := acts("1")
				if o.Tick == 1 {
					for range 3 {
						a.Act.Send = append(a.Act.Send, agent.Send{To: "b", Body: []byte(`"1234567"`)})
					}
				}
				return a
			}
			tr.run(t)
			same(t, "turn 0", turnText(tr.log.at(t, 0).Turns[0]), "a / 1")
			same(t, "turn 1", turnText(tr.log.at(t, 1).Turns[0]), "a limit/skip ")
			same(t, "turn 2", turnText(tr.log.at(t, 2).Turns[0]), "a / 1")
			same(t, "messages", len(tr.log.at(t, 1).Messages), 0)
			same(t, "timed", tr.log.at(t, 1).Annex.Timed, 0)
			same(t, "told", tr.log.at(t, 1).Annex.Attempts[0].Error, c.detail)
			same(t, "sent", len(tr.log.at(t, 1).Annex.Attempts[0].Act.Send), 3)
			var told []int
			err := History(t.Context(), tr.log, p, nil, []string{"a"}, func(o *agent.Observe, want *agent.Act) error {
				told = append(told, o.Tick)
				return nil
			})
			if err != nil || !slices.Equal(told, []int{0, 1, 2}) {
				t.Errorf("told again: %v %v", told, err)
			}
		})
	}
}

// What is asked for before an answer counts with it.
func TestLimitsOfMessagesSentBefore(t *testing.T) {
	p := planOf(2, map[agent.Failure]plan.Policy{agent.Limit: {Name: "skip"}}, "a", "b")
	p.Entries[0].Limits = plan.EntryLimits{Messages: 2}
	tr := newTrial(t, p)
	tr.fleet.scripts["a"] = func(o *agent.Observe) agent.Answer {
		a := acts("1", tells("b", "1"))
		for i := range 1 + o.Tick {
			a.Staged = append(a.Staged, agent.Request{Op: agent.OpSend, Position: i + 1, Send: tells("b", "2")})
		}
		return a
	}
	tr.run(t)
	same(t, "messages within the limit", len(tr.log.at(t, 0).Messages), 2)
	same(t, "turn 1", turnText(tr.log.at(t, 1).Turns[0]), "a limit/skip ")
	same(t, "messages beyond it", len(tr.log.at(t, 1).Messages), 0)
}

// Under the realtime clock what is sent beside answers is held to the limits at once.
func TestLimitsOfMessagesInRealtime(t *testing.T) {
	p := planOf(0, nil, "a", "b")
	p.Clock, p.World = plan.Clock{Mode: plan.Realtime}, plan.World{}
	p.Entries[0].Limits = plan.EntryLimits{Messages: 3, MessageBytes: 4}
	m := newRestless(t, 1)
	m.any = func(*agent.Observe) agent.Answer { return acts("1") }
	tr := &trial{fleet: m.scripted, log: &memory{}}
	d := &Door{}
	tr.cfg = Config{Plan: p, Fleet: m, Log: tr.log, Door: d}
	var wg sync.WaitGroup
	wg.Go(func() {
		ctx := context.Background()
		_, err := d.SendAs(ctx, "a", tells("b", "12345"))
		same(t, "a long one", fmt.Sprint(err), "cannot send: limits.message_bytes: it sent a message of 5 bytes, of 4B")
		sent := 0
		for err = nil; err == nil; sent++ {
			_, err = d.SendAs(ctx, "a", tells("b", "1"))
		}
		same(t, "one too many", fmt.Sprint(err), "cannot send: limits.messages: it sent 4 messages, of 3 in a second")
		if sent < 4 {
			t.Errorf("refused the message %d", sent)
		}
		for _, id := range []string{"a", "b"} {
			if _, err := d.Remove(ctx, id); err != nil {
				t.Error(err)
			}
		}
	})
	tr.realtime(t)
	wg.Wait()
}

// A run whose time is over stops between two ticks.
func TestRunsTime(t *testing.T) {
	p := planOf(9, nil, "a", "b")
	p.Limits.Wall = 1
	tr := newTrial(t, p)
	_ = tr.fault(t, "before tick 0", "limits.wall")
}
