package observe

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// BenchmarkFrames commits ticks of 99 × 99 cells, a tenth of which change, without
// a reader of frames and with one: what a picture of them costs.
func BenchmarkFrames(b *testing.B) {
	p := plan.Plan{Name: "grid", Entries: []plan.Entry{{ID: "cell-{n}"}},
		View: plan.View{Grid: &plan.Grid{Agents: "*", Columns: 99, Value: "observation.move"}, Charts: []string{"*"}}}
	for n := range 99 * 99 {
		p.Agents = append(p.Agents, plan.Agent{ID: fmt.Sprint("cell-", n+1), Config: []byte("{}")})
	}
	slices.SortFunc(p.Agents, func(a, b plan.Agent) int { return strings.Compare(a.ID, b.ID) })
	records := make([]*record.Record, 10)
	for n := range records {
		r := &record.Record{Columns: []record.Column{{Name: "cooperators", Value: []byte("4800")}}}
		for i := range p.Agents {
			move := 'C' + rune((i+n)%10/9)
			r.Turns = append(r.Turns, record.Turn{Agent: p.Agents[i].ID, Action: fmt.Appendf(nil, `{"move":"%c"}`, move),
				Observation: fmt.Appendf(nil, `{"move":"%c","payoff":9,"neighbours":{"moves":["C","D","C","D","C","D","C","D"],"payoffs":[9,14.8,9,9,9,9,9,9]}}`, move)})
		}
		records[n] = r
	}
	tick := func(n int) *record.Record {
		r := records[n%len(records)]
		r.Tick = n
		return r
	}
	b.Run("picture", func(b *testing.B) {
		by, hash := newPicture(&p), [record.HashSize]byte{}
		var frame []byte
		b.ReportAllocs()
		for n := range b.N {
			by.add(tick(n), hash)
			frame = by.appendFrame(frame[:0], n-1)
		}
		b.ReportMetric(float64(len(frame)), "bytes/frame")
	})
	for _, readers := range []int{0, 1, 10} {
		b.Run(fmt.Sprintf("readers=%d", readers), func(b *testing.B) {
			h, _ := open(b)
			h.runOf("r", p, 0, true)
			ctx, cancel := context.WithCancel(b.Context())
			done := make(chan error, readers)
			for range readers {
				go func() { done <- h.store.Frames(ctx, "r", -1, io.Discard) }()
			}
			next := time.Now()
			var busy time.Duration
			for n := range b.N { // 20 a second
				began := time.Now()
				h.commit("r", tick(n))
				busy += time.Since(began)
				next = next.Add(50 * time.Millisecond)
				time.Sleep(time.Until(next))
			}
			b.ReportMetric(float64(busy.Microseconds())/float64(b.N), "commit-us/tick")
			cancel()
			for range readers {
				if err := <-done; err == nil { // it was cancelled
					b.Error("the reader ended by itself")
				}
			}
		})
	}
}
