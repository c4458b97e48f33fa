package observe

import (
	"bytes"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/tree"
)

// sharedMetrics are those of a run's shared tree; a run without one has none.
//
//	troupe_commits_total           change sets that came in
//	troupe_commit_conflicts_total  those that were refused since somebody else came first
//	troupe_leases                  by state: held, waiting
//	troupe_lease_wait_seconds      how long leases took that had to be waited for, from the record with the
//	                               request to the one with the grant; its count is how many leases were
//	                               handed over
type sharedMetrics struct {
	commits, conflicts prometheus.Counter
	held, waiting      prometheus.Gauge
	wait               prometheus.Observer

	since map[int]time.Time // of those that wait, by ticket
}

// newSharedMetrics gives nil for a plan without a shared tree.
func newSharedMetrics(reg prometheus.Registerer, p *plan.Plan) *sharedMetrics {
	if p.Shared == nil {
		return nil
	}
	s := &sharedMetrics{since: map[int]time.Time{}}
	s.commits = counter(reg, "troupe_commits_total", "Change sets that came into the shared tree.")
	s.conflicts = counter(reg, "troupe_commit_conflicts_total", "Change sets that were refused since somebody else had changed a file.")
	leases := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "troupe_leases", Help: "Leases on paths of the shared tree, that agents hold or wait for.",
	}, []string{"state"})
	buckets := make([]float64, len(record.LatencyEdges))
	for i, e := range record.LatencyEdges {
		buckets[i] = e.Seconds()
	}
	wait := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "troupe_lease_wait_seconds", Buckets: buckets, Help: "How long leases took that had to be waited for: each was handed over by another.",
		NativeHistogramBucketFactor: nativeFactor, NativeHistogramMaxBucketNumber: nativeMost,
	})
	reg.MustRegister(leases, wait)
	s.held, s.waiting, s.wait = leases.WithLabelValues("held"), leases.WithLabelValues("waiting"), wait
	return s
}

// resume begins with so many leases that are held, and with the tickets of those
// that are waited for: for as long as from now on, as far as it is known.
func (s *sharedMetrics) resume(held int, waiting []int) {
	s.held.Set(float64(held))
	for _, ticket := range waiting {
		s.since[ticket] = time.Now()
	}
	s.waiting.Set(float64(len(s.since)))
}

// add takes a record in. Conflicts of the lockstep are in results, those of the
// realtime clock, where nothing else of them is on record, are facts.
func (s *sharedMetrics) add(rec *record.Record) {
	if s == nil {
		return
	}
	s.commits.Add(float64(len(rec.Commits)))
	for i := range rec.Results {
		text := rec.Results[i].JSON
		if bytes.HasPrefix(text, []byte(`{"type":"commit",`)) && bytes.Contains(text, []byte(`,"moved":{`)) {
			s.conflicts.Inc()
		}
	}
	for i := range rec.Annex.Facts {
		if f := &rec.Annex.Facts[i]; f.Kind == record.Conflicts {
			n, _ := strconv.Atoi(f.Detail)
			s.conflicts.Add(float64(n))
		}
	}
	for i := range rec.Leases {
		s.step(&rec.Leases[i], rec.Annex.Time)
	}
	s.waiting.Set(float64(len(s.since)))
}

func (s *sharedMetrics) step(x *tree.Step, at time.Time) {
	since, waited := s.since[x.Ticket]
	delete(s.since, x.Ticket)
	switch x.What {
	case tree.Waits:
		s.since[x.Ticket] = at
	case tree.Granted:
		s.held.Inc()
		if waited {
			s.wait.Observe(max(at.Sub(since), 0).Seconds())
		}
	case tree.Ended:
		if x.Token > 0 {
			s.held.Dec()
		}
	}
}
