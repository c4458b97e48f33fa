package observe

import (
	"net/http"
	"regexp"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
)

// mostOver is how many runs that are over are still shown: long enough for the
// last scrape of each, and few enough for a process that plays runs for years.
const mostOver = 20

// Metrics is what Prometheus is told of this process and its runs. It has
// registries of its own: what other packages register globally is not shown. Its
// methods may be called concurrently.
type Metrics struct {
	reg   *prometheus.Registry // of the process
	procs sampler

	mu   sync.Mutex
	runs []*RunMetrics
	over []*RunMetrics // those among them that are, the oldest first
}

// NewMetrics makes the metrics of this process, without a run so far:
//
//	troupe_build_info  1; labels version, go_version
//	process_*, go_*    the supervisor itself, by client_golang's collectors
func NewMetrics(version, goVersion string) *Metrics {
	m := &Metrics{reg: prometheus.NewRegistry()}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "troupe_build_info",
		Help:        "The build that runs; always 1.",
		ConstLabels: prometheus.Labels{"version": version, "go_version": goVersion},
	})
	build.Set(1)
	m.reg.MustRegister(
		build,
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		// A percentage is no base unit: linters of metrics object to it.
		collectors.NewGoCollector(collectors.WithoutGoCollectorRuntimeMetrics(regexp.MustCompile(`^/gc/gogc:percent$`))),
	)
	return m
}

// Handler answers scrapes, in Prometheus's text format, in OpenMetrics or, with
// native histograms, in protocol buffers, as the client asks.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m, promhttp.HandlerOpts{EnableOpenMetrics: true, MaxRequestsInFlight: 8})
}

// Gather implements prometheus.Gatherer.
func (m *Metrics) Gather() ([]*dto.MetricFamily, error) {
	m.mu.Lock()
	all := prometheus.Gatherers{m.reg}
	for _, r := range m.runs {
		all = append(all, r.reg)
	}
	m.mu.Unlock()
	return all.Gather()
}

// add shows a run, in place of one of that name that was: it has been resumed.
func (m *Metrics) add(r *RunMetrics) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop(func(x *RunMetrics) bool { return x.run == r.run })
	m.runs = append(m.runs, r)
}

// ended notes that a run is over, and forgets the one that has been for longest
// where they are too many.
func (m *Metrics) ended(r *RunMetrics) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !slices.Contains(m.runs, r) || slices.Contains(m.over, r) {
		return
	}
	if m.over = append(m.over, r); len(m.over) > mostOver {
		oldest := m.over[0]
		m.drop(func(x *RunMetrics) bool { return x == oldest })
	}
}

// Forget shows a run no longer: it is removed.
func (m *Metrics) Forget(run string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop(func(x *RunMetrics) bool { return x.run == run })
}

// drop forgets runs. mu is held.
func (m *Metrics) drop(which func(*RunMetrics) bool) {
	m.runs = slices.DeleteFunc(m.runs, which)
	m.over = slices.DeleteFunc(m.over, which)
}
