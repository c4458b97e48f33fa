package observe

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

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

// latencies are one kind's, as a histogram has them.
type latencies struct {
	kind    string
	sum     float64 // seconds
	count   uint64
	buckets map[float64]uint64 // by upper bound in seconds: answers that took at most that
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
	l := &latencies{kind: kind, buckets: make(map[float64]uint64, len(record.LatencyEdges))}
	for _, e := range record.LatencyEdges {
		l.buckets[e.Seconds()] = 0
	}
	c.kinds = append(c.kinds, l)
	return l
}

// add takes in what a record has.
func (c *latencyCollector) add(all []record.Latency) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range all {
		l := c.of(all[i].Kind)
		l.sum += all[i].Sum.Seconds()
		upTo := uint64(0)
		for j, n := range all[i].Count {
			upTo += uint64(n)
			if j < len(record.LatencyEdges) {
				l.buckets[record.LatencyEdges[j].Seconds()] += upTo
			}
		}
		l.count += upTo
	}
}

// Describe implements prometheus.Collector.
func (c *latencyCollector) Describe(ch chan<- *prometheus.Desc) { ch <- c.desc }

// Collect implements prometheus.Collector.
func (c *latencyCollector) Collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.kinds {
		buckets := make(map[float64]uint64, len(l.buckets))
		for bound, n := range l.buckets {
			buckets[bound] = n // the metric keeps the map
		}
		ch <- prometheus.MustNewConstHistogram(c.desc, l.count, l.sum, buckets, l.kind)
	}
}
