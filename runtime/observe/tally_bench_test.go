package observe

import (
	"fmt"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// throng is a plan of so many agents, and a tick in which all are asked and score,
// and one in fifty fails.
func throng(agents int) (*plan.Plan, *record.Record) {
	p := &plan.Plan{Name: "crowd", Entries: []plan.Entry{{ID: "cell-{n}", Kind: "stdio"}}}
	r := &record.Record{}
	for n := range agents {
		id := fmt.Sprintf("cell-%07d", n)
		p.Agents = append(p.Agents, plan.Agent{ID: id})
		p.Processes = append(p.Processes, plan.Process{ID: id, Agents: []string{id}})
		x := turn(id, `{"move":"C"}`, "", "")
		if n%50 == 0 {
			x = turn(id, ``, agent.Deadline, "skip")
		}
		r.Turns = append(r.Turns, x)
		r.Scores = append(r.Scores, record.Score{Agent: id, Value: []byte("12345")})
	}
	return p, r
}

// BenchmarkTally is what a commit costs once somebody has asked.
func BenchmarkTally(b *testing.B) {
	for _, agents := range []int{1000, 100_000} {
		b.Run(fmt.Sprint(agents), func(b *testing.B) {
			p, r := throng(agents)
			t := newTally(p)
			for b.Loop() {
				r.Tick = t.next
				t.add(r, [32]byte{})
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(agents), "ns/turn")
		})
	}
}

// BenchmarkAgents is what a question for those who failed most costs.
func BenchmarkAgents(b *testing.B) {
	p, r := throng(100_000)
	t := newTally(p)
	t.add(r, [32]byte{})
	for b.Loop() {
		t.states(t.choose(Agents{Failed: true})[:1000])
	}
}
