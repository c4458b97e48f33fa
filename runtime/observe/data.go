package observe

import (
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sys/unix"

	"github.com/troupe-dev/troupe/bus"
)

// A dataCollector shows the room on the disk of the data directory at a scrape:
//
//	troupe_data_free_bytes  that this process could still fill
//	troupe_data_size_bytes  of the file system that it lies on
type dataCollector struct {
	dir        string
	free, size *prometheus.Desc
}

// Data shows the room that a data directory has.
func (m *Metrics) Data(dir string) {
	m.reg.MustRegister(&dataCollector{
		dir:  dir,
		free: prometheus.NewDesc("troupe_data_free_bytes", "Room for more on the file system of the data directory.", nil, nil),
		size: prometheus.NewDesc("troupe_data_size_bytes", "The file system of the data directory.", nil, nil),
	})
}

// Queue shows how many runs wait to be played, as troupe_runs_queued.
func (m *Metrics) Queue(waiting func() int) {
	m.reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "troupe_runs_queued", Help: "Runs that wait to be played.",
	}, func() float64 { return float64(waiting()) }))
}

// Describe implements prometheus.Collector.
func (c *dataCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.free
	ch <- c.size
}

// Collect implements prometheus.Collector.
func (c *dataCollector) Collect(ch chan<- prometheus.Metric) {
	var st unix.Statfs_t
	if unix.Statfs(c.dir, &st) != nil {
		return // it is gone, and so is all that could be said
	}
	ch <- prometheus.MustNewConstMetric(c.free, prometheus.GaugeValue, float64(st.Bavail)*float64(st.Bsize))
	ch <- prometheus.MustNewConstMetric(c.size, prometheus.GaugeValue, float64(st.Blocks)*float64(st.Bsize))
}

// A busCollector shows the bus, which all runs share, at a scrape:
//
//	troupe_bus_connections           the supervisor's own among them
//	troupe_bus_subscriptions
//	troupe_bus_pending_bytes         that wait for connections that do not read them
//	troupe_bus_slow_consumers_total  connections that were cut off since they did not read
//	troupe_bus_messages_total        by direction: in (published), out (delivered)
//	troupe_bus_bytes_total           the same
//	troupe_bus_store_bytes           the logs of all runs
type busCollector struct {
	stats                               func() bus.Stats
	connections, subscriptions, pending *prometheus.Desc
	slow, messages, bytes, store        *prometheus.Desc
}

// Bus shows the bus.
func (m *Metrics) Bus(b interface{ Stats() bus.Stats }) {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("troupe_bus_"+name, help, labels, nil)
	}
	m.reg.MustRegister(&busCollector{
		stats:         b.Stats,
		connections:   desc("connections", "Connections to the bus, the supervisor's among them."),
		subscriptions: desc("subscriptions", "Subscriptions at the bus."),
		pending:       desc("pending_bytes", "What waits at the bus for connections that do not read it."),
		slow:          desc("slow_consumers_total", "Connections that the bus cut off since they did not read."),
		messages:      desc("messages_total", "Messages that the bus took in and gave out.", "direction"),
		bytes:         desc("bytes_total", "Bytes of the messages that the bus took in and gave out.", "direction"),
		store:         desc("store_bytes", "What the logs of all runs take."),
	})
}

// Describe implements prometheus.Collector.
func (c *busCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.connections, c.subscriptions, c.pending, c.slow, c.messages, c.bytes, c.store} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *busCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.stats()
	show := func(d *prometheus.Desc, t prometheus.ValueType, v int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, t, float64(v), labels...)
	}
	show(c.connections, prometheus.GaugeValue, int64(s.Connections))
	show(c.subscriptions, prometheus.GaugeValue, int64(s.Subscriptions))
	show(c.pending, prometheus.GaugeValue, s.Pending)
	show(c.slow, prometheus.CounterValue, s.SlowConsumers)
	show(c.messages, prometheus.CounterValue, s.InMessages, "in")
	show(c.messages, prometheus.CounterValue, s.OutMessages, "out")
	show(c.bytes, prometheus.CounterValue, s.InBytes, "in")
	show(c.bytes, prometheus.CounterValue, s.OutBytes, "out")
	show(c.store, prometheus.GaugeValue, s.StoreBytes)
}
