package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// A script answers one observe of one agent.
type script func(o *agent.Observe) agent.Answer

func acts(action string, sends ...agent.Send) agent.Answer {
	return agent.Answer{Act: agent.Act{Action: []byte(action), Send: sends}}
}

func fails(f agent.Failure, detail string) agent.Answer {
	return agent.Answer{Failure: f, Detail: detail}
}

func tells(to, body string) agent.Send  { return agent.Send{To: to, Body: []byte(body)} }
func shouts(ch, body string) agent.Send { return agent.Send{Channel: ch, Body: []byte(body)} }

// A scripted fleet is processes that live in memory. Answers come in a random
// order, in batches of random sizes, from a goroutine of its own.
type scripted struct {
	t       *testing.T
	scripts map[string]script // by agent id; absent: acts with {}
	any     script            // for who has none
	in      chan agent.Answer
	out     chan []agent.Answer
	stop    chan struct{}
	wg      sync.WaitGroup

	asked     []string          // every line, in the order asked
	held      []*agent.Observe  // of the open tick
	lines     map[string]string // what they were when asked
	committed []int
	added     []string
	retired   []string
	struck    []string // who was not asked
	strikes   []string // with an observe
	replaced  []string
	facts     []record.Fact
	costs     map[string]agent.Usage // of an answer, by agent id
	usages    []record.Usage
}

func newFleet(t *testing.T, seed uint64) *scripted {
	f := &scripted{
		t: t, scripts: map[string]script{}, lines: map[string]string{},
		in: make(chan agent.Answer), out: make(chan []agent.Answer), stop: make(chan struct{}),
	}
	f.wg.Go(func() { f.pump(rand.New(rand.NewPCG(seed, 1))) })
	t.Cleanup(func() { close(f.stop); f.wg.Wait() })
	return f
}

// pump hands answers over in disorder.
func (f *scripted) pump(r *rand.Rand) {
	var pool []agent.Answer
	for {
		var out chan []agent.Answer
		var batch []agent.Answer
		r.Shuffle(len(pool), func(i, j int) { pool[i], pool[j] = pool[j], pool[i] })
		if len(pool) > 0 {
			out = f.out
			batch = slices.Clone(pool[:1+r.IntN(len(pool))])
		}
		select {
		case a := <-f.in:
			pool = append(pool, a)
		case out <- batch:
			pool = pool[len(batch):]
		case <-f.stop:
			return
		}
	}
}

func line(o *agent.Observe) string { return string(agent.AppendObserve(nil, o)) }

func (f *scripted) Ask(batch []*agent.Observe) {
	for _, o := range batch {
		text := line(o)
		if len(text) > agent.MaxLine+1 {
			f.t.Errorf("a line of %d bytes for agent %s", len(text), o.Agent)
		}
		f.asked = append(f.asked, text)
		f.held = append(f.held, o)
		if o.Strike != nil {
			f.strikes = append(f.strikes, fmt.Sprintf("%d %s %+v", o.Tick, o.Agent, *o.Strike))
		}
		f.lines[fmt.Sprintf("%p", o)] = text
		s := f.scripts[o.Agent]
		if s == nil {
			s = f.any
		}
		a := acts("{}")
		if s != nil {
			a = s(o)
		}
		a.Agent, a.Ref, a.Tick, a.Attempt = o.Agent, o.Ref, o.Tick, o.Attempt
		a.Act.Agent, a.Act.Tick = o.Agent, o.Tick
		if u, ok := f.costs[o.Agent]; ok {
			f.usages = append(f.usages, record.Usage{Agent: o.Agent, Attempt: o.Attempt, Usage: u})
		}
		f.in <- a
	}
}

func (f *scripted) Await(ctx context.Context) []agent.Answer { return await(ctx, f.out) }

// await takes what comes, as a fleet does.
func await(ctx context.Context, out <-chan []agent.Answer) []agent.Answer {
	select {
	case list := <-out:
		return list
	case <-ctx.Done():
		return nil
	}
}

// Committed checks that what was asked is still as it was.
func (f *scripted) Committed(tick int) {
	for _, o := range f.held {
		if was := f.lines[fmt.Sprintf("%p", o)]; line(o) != was {
			f.t.Errorf("before its commit, an observe changed from %s to %s", was, line(o))
		}
	}
	f.held = f.held[:0]
	clear(f.lines)
	f.committed = append(f.committed, tick)
}

func (f *scripted) Add(agents []plan.Agent, processes []plan.Process) {
	for i, a := range agents {
		f.added = append(f.added, a.ID+" "+string(a.Config)+" in "+processes[i].ID)
	}
}

func (f *scripted) Retire(ids []string, reason string) {
	for _, id := range ids {
		f.retired = append(f.retired, id+": "+reason)
	}
}

func (f *scripted) Substitute(id string, s plan.Substitute) {
	f.replaced = append(f.replaced, id+" by "+s.Kind)
}

func (f *scripted) Strike(id string, s agent.Strike) {
	f.struck = append(f.struck, fmt.Sprintf("%s %+v", id, s))
}

// Owes is for the realtime clock, whose tests have a fleet of their own.
func (f *scripted) Owes(string) bool { return false }

func (f *scripted) Wake() {}

func (f *scripted) Usages() []record.Usage {
	usages := f.usages
	f.usages = nil
	return usages
}

func (f *scripted) Facts() []record.Fact {
	facts := f.facts
	f.facts = nil
	return facts
}
