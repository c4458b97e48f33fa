package observe

import (
	"net/http"
	"regexp"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics is what Prometheus is told of this process and its runs. It has a
// registry of its own: what other packages register globally is not shown.
type Metrics struct {
	reg *prometheus.Registry
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

// Handler answers scrapes, in Prometheus's text format or in OpenMetrics, as
// the client asks.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.reg, promhttp.HandlerOpts{EnableOpenMetrics: true, MaxRequestsInFlight: 8})
}
