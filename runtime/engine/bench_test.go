package engine

import (
	"context"
	"fmt"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/world"
)

// An instant fleet answers at once, without a goroutine or an allocation.
type instant struct {
	out    chan []agent.Answer
	batch  []agent.Answer
	action []byte
	sends  []agent.Send
}

func (f *instant) Ask(batch []*agent.Observe) {
	f.batch = f.batch[:0]
	for _, o := range batch {
		f.batch = append(f.batch, agent.Answer{
			Agent: o.Agent, Ref: o.Ref, Tick: o.Tick, Attempt: o.Attempt,
			Act: agent.Act{Agent: o.Agent, Tick: o.Tick, Action: f.action, Send: f.sends},
		})
	}
	f.out <- f.batch
}

func (f *instant) Await(ctx context.Context) []agent.Answer { return await(ctx, f.out) }
func (f *instant) Committed(int)                            {}
func (f *instant) Owes(string) bool                         { return false }
func (f *instant) Wake()                                    {}
func (f *instant) Add([]plan.Agent, []plan.Process)         {}
func (f *instant) Retire([]string, string)                  {}
func (f *instant) Substitute(string, plan.Substitute)       {}
func (f *instant) Strike(string, agent.Strike)              {}
func (f *instant) Facts() []record.Fact                     { return nil }
func (f *instant) Usages() []record.Usage                   { return nil }

// A void log keeps nothing.
type void struct{}

func (void) Append(context.Context, *record.Record) (h [32]byte, err error) { return h, nil }
func (void) Read(context.Context, int, func(*record.Record, [32]byte) error) error {
	return nil
}

// A still world tells everyone the same for ever.
type still struct{ list []world.Observation }

func (w *still) Start(context.Context, world.Init) (world.Ready, error) {
	return world.Ready{Observations: w.list}, nil
}

func (w *still) Step(context.Context, int, []world.Action) (world.Stepped, error) {
	return world.Stepped{Observations: w.list}, nil
}

// BenchmarkTick is the engine's own part of a tick: agents, world and log cost
// nothing here.
func BenchmarkTick(b *testing.B) {
	for _, mail := range []int{0, 1} {
		for _, n := range []int{10, 1_000, 10_000, 100_000} {
			b.Run(fmt.Sprintf("agents=%d/messages=%d", n, mail*n), func(b *testing.B) { benchmarkTick(b, n, mail) })
		}
	}
}

func benchmarkTick(b *testing.B, n, mail int) {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("agent-%06d", i)
	}
	f := &instant{out: make(chan []agent.Answer, 1), action: []byte(`{"move":"stay"}`)}
	for range mail {
		f.sends = append(f.sends, agent.Send{To: ids[n/2], Body: []byte(`"hello"`)})
	}
	w := &still{list: sees(0, ids...)}
	b.ReportAllocs()
	cfg := Config{Plan: planOf(b.N+1, nil, ids...), World: w, Fleet: f, Log: void{}}
	cfg.OnTick = func(rec *record.Record, _ [32]byte) {
		if rec.Tick == 0 { // the buffers have their size now
			b.ResetTimer()
		}
	}
	if _, err := Lockstep(context.Background(), cfg); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/agent")
}
