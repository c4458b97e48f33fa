package observe

import (
	"math"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// A latencyCollector shows how long answers took, which records hold counted
// by record.LatencyEdges already. It may be used concurrently.
type latencyCollector struct {
	desc *prometheus.Desc

	mu    sync.Mutex
	kinds []*latencies
}

// latencies are one kind's, as histograms have them: with the bounds of records, and
// natively.
type latencies struct {
	kind   string
	sum    float64 // seconds
	count  uint64
	upTo   [len(record.LatencyEdges)]uint64 // answers that took at most that
	native map[int]int64                    // by record.Fine
	since  time.Time
}

func newLatencyCollector(p *plan.Plan) *latencyCollector {
	c := &latencyCollector{desc: prometheus.NewDesc("troupe_action_latency_seconds",
		"How long agents took from the observe to the answer.", []string{"kind"}, nil)}
	for i := range p.Entries {
		c.of(p.Entries[i].Kind)
		for _, policy := range p.Entries[i].Policies {
			if policy.Substitute != nil {
				c.of(policy.Substitute.Kind)
			}
		}
	}
	return c
}

// of finds a kind's, and makes it where there is none.
func (c *latencyCollector) of(kind string) *latencies {
	for _, l := range c.kinds {
		if l.kind == kind {
			return l
		}
	}
	l := &latencies{kind: kind, native: map[int]int64{}, since: time.Now()}
	c.kinds = append(c.kinds, l)
	return l
}

// add takes in what a record has.
func (c *latencyCollector) add(all []record.Latency) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range all {
		c.of(all[i].Kind).add(&all[i])
	}
}

func (l *latencies) add(x *record.Latency) {
	l.sum += max(x.Sum, 0).Seconds()
	var n uint64
	for i, more := range x.Count {
		if n += uint64(more); i < len(l.upTo) {
			l.upTo[i] += n
		}
	}
	l.count += n
	for i, more := range x.Fine {
		if more > 0 {
			l.native[record.FineFirst+i] += int64(more)
			n -= uint64(more)
		}
	}
	if n == 0 {
		return
	}
	for i, more := range x.Count { // of a record that was stored: as slow as they may have been
		if edge := record.LatencyEdges[min(i, len(record.LatencyEdges)-1)]; more > 0 {
			l.native[record.Fine(edge)] += int64(more)
		}
	}
}

// Describe implements prometheus.Collector.
func (c *latencyCollector) Describe(ch chan<- *prometheus.Desc) { ch <- c.desc }

// Collect implements prometheus.Collector.
func (c *latencyCollector) Collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.kinds {
		ch <- l.metric(c.desc)
	}
}

func (l *latencies) metric(d *prometheus.Desc) prometheus.Metric {
	m := twofold{Metric: prometheus.MustNewConstNativeHistogram(d, l.count, l.sum, l.native, nil, 0,
		record.FineSchema, math.Ldexp(1, -64), l.since, l.kind)}
	for i, e := range record.LatencyEdges {
		bound, n := e.Seconds(), l.upTo[i]
		m.buckets = append(m.buckets, &dto.Bucket{UpperBound: &bound, CumulativeCount: &n})
	}
	return m
}

// A twofold histogram is a native one with classic buckets beside.
type twofold struct {
	prometheus.Metric
	buckets []*dto.Bucket
}

// Write implements prometheus.Metric.
func (m twofold) Write(to *dto.Metric) error {
	err := m.Metric.Write(to)
	if err == nil {
		to.Histogram.Bucket = m.buckets
	}
	return err
}
