package runtime

import (
	"context"
	"io"
	"sync/atomic"

	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/runtime/record"
)

// replayMetrics are a run's, made of its record as that is told again. Its agents
// have no processes: all that are alive are in the state recorded. Its methods do
// nothing for nil.
type replayMetrics struct {
	*observe.RunMetrics
	read  atomic.Int64 // bytes of records
	alive atomic.Int64 // agents
}

const stateRecorded = "recorded"

// measure begins the metrics of the replay; nil where they are shown nowhere.
func (p *replay) measure() *replayMetrics {
	if p.host.measured == nil {
		return nil
	}
	m := &replayMetrics{}
	m.alive.Store(int64(len(p.manifest.Plan.Agents)))
	o := observe.MeasuredRun{
		Name: p.tell.run, Plan: &p.manifest.Plan, States: []string{stateRecorded}, Written: m.read.Load,
		Processes: func() []observe.Process {
			return []observe.Process{{State: stateRecorded, Agents: make([]string, max(m.alive.Load(), 0))}}
		},
	}
	o.Isolation, o.Walls = measuredWalls(p.manifest.Isolation)
	m.RunMetrics = p.host.measured.Run(o)
	m.State(observe.Replaying)
	return m
}

func (m *replayMetrics) tick(r *record.Record) {
	if m == nil {
		return
	}
	left := len(r.Removed)
	for i := range r.Turns {
		if r.Turns[i].Done {
			left++
		}
	}
	m.alive.Add(int64(len(r.Added) - left))
	m.Committed(r)
}

func (m *replayMetrics) ended(s observe.Status) {
	if m != nil {
		m.Over(s)
	}
}

// over counts what is read of records.
func (m *replayMetrics) over(runs observe.Runs) observe.Runs {
	if m == nil {
		return runs
	}
	return &countedRuns{runs, &m.read}
}

// countedRuns counts the bytes of records that they give.
type countedRuns struct {
	observe.Runs
	read *atomic.Int64
}

// Records implements observe.Runs.
func (c *countedRuns) Records(ctx context.Context, run string, from int, w io.Writer) error {
	return c.Runs.Records(ctx, run, from, &countedWriter{w, c.read})
}

type countedWriter struct {
	io.Writer
	n *atomic.Int64
}

func (c *countedWriter) Write(b []byte) (int, error) {
	n, err := c.Writer.Write(b)
	c.n.Add(int64(n))
	return n, err
}
