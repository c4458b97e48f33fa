package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// A restless fleet is a moody one under the realtime clock: processes die with
// what they were told, which another is told again, marked; some miss their
// deadline, and are late or die.
type restless struct {
	*moody
	wakes chan struct{}
	all   []*agent.Observe // ever asked
	lines []string         // as it was asked
	lives map[string][][]string
}

func newRestless(t *testing.T, seed uint64) *restless {
	m := &restless{moody: newMoody(t, seed), wakes: make(chan struct{}, 1), lives: map[string][][]string{}}
	m.any = func(o *agent.Observe) agent.Answer {
		if len(o.Messages) > 0 && m.r.IntN(6) == 0 {
			again := *o
			again.Messages = agent.Redelivered(o.Messages, len(o.Messages))
			o = &again
		}
		a := m.answer(o)
		a.Marked = o.Marked()
		return a
	}
	return m
}

func (m *restless) Owes(id string) bool { return m.busy[id] != nil }

func (m *restless) Wake() {
	select {
	case m.wakes <- struct{}{}:
	default:
	}
}

// Await does not wait where only a late answer would end that.
func (m *restless) Await(ctx context.Context) []agent.Answer {
	if len(m.busy) > 0 {
		m.Wake()
	}
	select {
	case list := <-m.out:
		return list
	case <-m.wakes:
	case <-ctx.Done():
	}
	return nil
}

func (m *restless) Ask(batch []*agent.Observe) {
	for _, o := range batch {
		if m.busy[o.Agent] != nil {
			m.t.Errorf("asked %s, which still owes an answer", line(o))
		}
		m.all, m.lines = append(m.all, o), append(m.lines, line(o))
	}
	m.moody.Ask(batch)
}

func (m *restless) Facts() []record.Fact {
	for id := range m.busy {
		if m.r.IntN(4) == 0 {
			delete(m.busy, id)
			m.facts = append(m.facts, record.Fact{Agent: id, Kind: "crashed"})
		}
	}
	return m.moody.Facts()
}

// Committed checks that what was asked is as it was, though it be long ago.
func (m *restless) Committed(int) {
	for i, o := range m.all {
		if line(o) != m.lines[i] {
			m.t.Errorf("an observe changed from %s to %s", m.lines[i], line(o))
		}
	}
}

func (m *restless) Substitute(id string, s plan.Substitute) {
	m.lives[id] = append(m.lives[id], m.answered[id])
	m.moody.Substitute(id, s)
}

// realtimeTrial is a game of random failures under the realtime clock.
func realtimeTrial(t *testing.T, seed uint64, ticks int) (*trial, *restless) {
	p := lotteryPlan(ticks, somePolicies(rand.New(rand.NewPCG(seed, 5))))
	p.Clock.Mode, p.Clock.Quiet = plan.Realtime, 50*time.Millisecond // nobody may have anything to do any more
	p.Faults = nil                                                   // they are the lockstep's
	m := newRestless(t, seed)
	tr := &trial{fleet: m.scripted, log: &memory{}}
	tr.cfg = Config{Plan: p, World: newLottery(seed), Fleet: m, Log: tr.log, Run: "r1", Door: &Door{}}
	return tr, m
}

// visit sends messages and removes an agent while a run goes, and gives what
// was taken in, by tick, once it is over.
func visit(t *testing.T, d *Door, seed uint64) (wait func() map[int]string) {
	taken := map[int]string{}
	var wg sync.WaitGroup
	wg.Go(func() {
		r := rand.New(rand.NewPCG(seed, 11))
		for n := 0; n < 60; n++ {
			to := []agent.Send{{To: "a"}, {To: "b"}, {Channel: "square"}, {To: "nobody"}, {To: "rabbit-1"}}[r.IntN(5)]
			to.Body = fmt.Appendf(nil, `"visit %d"`, n)
			what := string(to.Body)
			ask := func() (int, error) { return d.Send(context.Background(), "visitor", to) }
			if n == 7 {
				what = "removed e"
				ask = func() (int, error) { return d.Remove(context.Background(), "e") }
			}
			tick, err := ask()
			var refusal *RefusedError
			switch {
			case errors.Is(err, ErrShut):
				return
			case err == nil:
				taken[tick] = what
			case !errors.As(err, &refusal):
				t.Errorf("the door said %v", err)
			}
		}
	})
	return func() map[int]string { wg.Wait(); return taken }
}

func (tr *trial) realtime(t *testing.T) Result {
	t.Helper()
	res, err := Realtime(t.Context(), tr.cfg)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// admitted is what the log has of what came in at the door, by tick.
func admitted(t *testing.T, lg *memory) map[int]string {
	t.Helper()
	all := map[int]string{}
	for i := range lg.records {
		rec := lg.at(t, i)
		if len(rec.Turns) > 0 {
			continue
		}
		for _, m := range rec.Messages {
			all[i] += string(m.Body)
		}
		for _, id := range rec.Removed {
			all[i] += "removed " + id
		}
	}
	return all
}

// onRecord gives what the process answered that an agent has by the record, up
// to the first n, and leaves out what is not on record: turns that were open at
// the end, late answers that nobody heard of.
func (m *restless) onRecord(t *testing.T, lives map[string]int, id string, n int) []string {
	t.Helper()
	answered := append(slices.Clone(m.lives[id]), m.answered[id])[lives[id]]
	open := fmt.Sprintf(`"agent":%q,"tick":%d,`, id, -1)
	if len(answered) > n {
		_, rest, _ := strings.Cut(answered[n], `"tick":`)
		tick, _, _ := strings.Cut(rest, ",")
		open = fmt.Sprintf(`"agent":%q,"tick":%s,`, id, tick)
	}
	for _, text := range answered[min(n, len(answered)):] {
		if !strings.Contains(text, open) {
			t.Errorf("%s answered, and it is not in its history: %s", id, text)
		}
	}
	return answered[:min(n, len(answered))]
}

// lives counts the substitutes that agents have had on record.
func lives(t *testing.T, lg *memory) map[string]int {
	t.Helper()
	n := map[string]int{}
	for i := range lg.records {
		for _, x := range lg.at(t, i).Turns {
			if x.Policy == policySubstitute {
				n[x.Agent]++
			}
		}
	}
	return n
}
