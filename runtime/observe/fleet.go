package observe

import (
	"os"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// A fleetCollector shows a run's processes as they are at a scrape:
//
//	troupe_agents                     agents alive, by the state of their process
//	troupe_process_memory_bytes       resident memory of a process and all of its descendants, by
//	                                  process; pages that several of them share count in each
//	troupe_process_cpu_seconds_total  what they used of the processor, user and system, by process;
//	                                  what one used between the last scrape and its end is missed
//
//	troupe_process_pids               so many processes of the system they are, by process
//	troupe_process_open_fds           descriptors that they have open, by process, where there are at most
//	                                  mostListed of them, and those that this process may look at
//	troupe_limit_used_ratio           what a process takes of what it may, by process and limit: 1 for
//	                                  all of it; of several of one label, the most
//
// Memory and processor time come from /proc, and are there only where that is. It may be
// used concurrently: one scrape waits for the other.
type fleetCollector struct {
	run     MeasuredRun
	names   *names
	proc    string // /proc
	sampler *sampler
	agents  *prometheus.Desc
	memory  *prometheus.Desc
	cpu     *prometheus.Desc
	limits  *prometheus.Desc
	pids    *prometheus.Desc
	fds     *prometheus.Desc

	mu    sync.Mutex
	ended bool
	last  map[rootKey]uint64 // ticks of each tree at the last scrape
	spent map[string]uint64  // ticks, by label
}

// A rootKey names a process for good: pids are used again.
type rootKey struct {
	pid   int
	start uint64
}

func newFleetCollector(run MeasuredRun, n *names) *fleetCollector {
	return &fleetCollector{
		run: run, names: n, proc: "/proc", spent: map[string]uint64{},
		agents: prometheus.NewDesc("troupe_agents", "Agents alive, by the state of their process.", []string{"state"}, nil),
		memory: prometheus.NewDesc("troupe_process_memory_bytes",
			"Resident memory of an agents' process with its descendants.", []string{"process"}, nil),
		cpu: prometheus.NewDesc("troupe_process_cpu_seconds_total",
			"Processor time, user and system, of an agents' process with its descendants.", []string{"process"}, nil),
		pids: prometheus.NewDesc("troupe_process_pids",
			"Processes of the system that an agents' process and its descendants are.", []string{"process"}, nil),
		fds: prometheus.NewDesc("troupe_process_open_fds",
			"Descriptors that an agents' process and its descendants have open.", []string{"process"}, nil),
		limits: prometheus.NewDesc("troupe_limit_used_ratio",
			"What an agents' process with its descendants takes of a limit that it has.", []string{"process", "limit"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *fleetCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.agents
	ch <- c.memory
	ch <- c.cpu
	ch <- c.limits
	ch <- c.pids
	ch <- c.fds
}

// Collect implements prometheus.Collector.
func (c *fleetCollector) Collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var processes []Process
	if c.run.Processes != nil {
		processes = c.run.Processes()
	}
	states := make(map[string]int, len(c.run.States))
	roots := make(map[int]string, len(processes))
	for i := range processes {
		p := &processes[i]
		states[p.State] += len(p.Agents)
		if p.PID != 0 {
			roots[p.PID] = c.label(p)
		}
	}
	for _, s := range c.run.States {
		ch <- prometheus.MustNewConstMetric(c.agents, prometheus.GaugeValue, float64(states[s]), s)
	}
	c.collectLimits(ch)
	if c.ended || c.run.Processes == nil {
		return
	}
	taken, err := c.sample(roots)
	if err != nil {
		return // a system without /proc
	}
	for _, label := range c.names.all {
		t := taken[label]
		ch <- prometheus.MustNewConstMetric(c.memory, prometheus.GaugeValue, float64(t.memory), label)
		ch <- prometheus.MustNewConstMetric(c.cpu, prometheus.CounterValue, float64(c.spent[label])/ticksPerSecond, label)
		ch <- prometheus.MustNewConstMetric(c.pids, prometheus.GaugeValue, float64(t.pids), label)
		if len(roots) <= mostListed {
			ch <- prometheus.MustNewConstMetric(c.fds, prometheus.GaugeValue, float64(t.fds), label)
		}
	}
}

// over lets go of the run, which has no process any more.
func (c *fleetCollector) over() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended, c.last = true, nil
	c.run.Processes, c.run.Limits, c.run.Budgets, c.run.Written, c.run.Plan = nil, nil, nil, nil, nil
}

// collectLimits shows how near processes are to their limits.
func (c *fleetCollector) collectLimits(ch chan<- prometheus.Metric) {
	if c.run.Limits == nil {
		return
	}
	type key struct{ process, limit string }
	most := map[key]float64{}
	for _, u := range c.run.Limits() {
		k := key{c.names.process(u.Process), u.Limit}
		most[k] = max(most[k], u.Share)
	}
	for k, share := range most {
		ch <- prometheus.MustNewConstMetric(c.limits, prometheus.GaugeValue, share, k.process, k.limit)
	}
}

func (c *fleetCollector) label(p *Process) string {
	label := c.names.process(p.ID)
	if label == "" && len(p.Agents) > 0 { // a substitute has a name of its own
		label = c.names.process(p.Agents[0])
	}
	return label
}

// mostListed is of how many processes the descriptors are counted, each of which
// takes some 20 µs.
const mostListed = 1000

// taken is what the processes of one label have.
type taken struct {
	memory    uint64 // bytes
	pids, fds int
}

// sample reads what the trees below the roots hold, by label, and adds to spent what
// they used since the last time.
func (c *fleetCollector) sample(roots map[int]string) (by map[string]taken, err error) {
	all, err := c.sampler.read(c.proc, roots)
	if err != nil {
		return nil, err
	}
	page := uint64(os.Getpagesize())
	by = make(map[string]taken, len(c.names.all))
	ticks := make(map[int]uint64, len(roots))
	starts := make(map[int]uint64, len(roots))
	of := trees(all, func(pid int) bool { return roots[pid] != "" })
	for i := range all {
		root := of[i]
		if root == 0 {
			continue
		}
		t := by[roots[root]]
		t.memory += all[i].memory * page
		t.pids++
		if len(roots) <= mostListed {
			t.fds += countFiles(c.proc, all[i].pid)
		}
		by[roots[root]] = t
		ticks[root] += all[i].cpu
		if all[i].pid == root {
			starts[root] = all[i].start
		}
	}
	now := make(map[rootKey]uint64, len(ticks))
	for i := range all { // of one that nobody names at the moment, too
		if key := (rootKey{all[i].pid, all[i].start}); c.last[key] > 0 {
			now[key] = c.last[key]
		}
	}
	for root, used := range ticks {
		start, there := starts[root]
		if !there { // it has ended, and left the others behind
			continue
		}
		key := rootKey{root, start}
		// A descendant that nobody waited for takes its time with it: what is
		// counted never goes down.
		if before := c.last[key]; used > before {
			c.spent[roots[root]] += used - before
		}
		now[key] = used
	}
	c.last = now
	return by, nil
}
