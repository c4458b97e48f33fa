package observe

import (
	"bytes"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// MeasuredRun is a run of which metrics are made.
type MeasuredRun struct {
	Name string
	Plan *plan.Plan
	// Isolation says which walls stand around its processes.
	Isolation string
	// States are the names of all states that a process may be in.
	States []string
	// Processes are the run's processes now; called at each scrape, from any
	// goroutine.
	Processes func() []Process
	// Limits are what they take of what they have limits of; called as Processes is.
	Limits func() []Use
}

// A Process is one of a run's as it is now.
type Process struct {
	ID     string
	Agents []string // those that live in it
	State  string
	PID    int // 0 when no process runs
}

// RunMetrics counts what goes on record in one run, so that what is counted is
// what is committed. All of its metrics have the label run. Times are in
// seconds. Every series whose labels are known from the plan is there, as 0,
// before the first tick.
//
//	troupe_run_info                    1; labels scenario, seed, isolation (the walls that stand)
//	troupe_ticks_total                 records
//	troupe_tick_duration_seconds       by phase: ask (first observe to last outcome), step (in the
//	                                   world), commit (to the acknowledgement: counted with the next
//	                                   tick's record, which is where it is on record)
//	troupe_outcomes_total              by type: action or the type of a failure
//	troupe_failures_total              the failures among them, by type and entry
//	troupe_timed_outcomes_total        outcomes that a clock decided
//	troupe_restarts_total              starts of a process after its first one, by process
//	troupe_survivors_killed_total      processes that an ended process had left, by that process
//	troupe_messages_total              by kind: direct and channel (delivered), undelivered
//	troupe_action_latency_seconds      from the observe to the answer, by the agent's kind
//
// See usageMetrics for those of models, sharedMetrics for those of files in common, and fleetCollector for those that are
// read when Prometheus asks.
type RunMetrics struct {
	names *names

	ticks, timed, acted          prometheus.Counter
	ask, step, commit            prometheus.Observer
	outcomes                     map[agent.Failure]prometheus.Counter
	failures                     []map[agent.Failure]prometheus.Counter // by entry
	direct, channel, undelivered prometheus.Counter
	restarts, survivors          map[string]prometheus.Counter // by label
	latency                      *latencyCollector
	usage                        *usageMetrics
	shared                       *sharedMetrics // nil for none

	started     map[string]bool // which processes were, by the name they have in facts
	substitutes map[string]int  // of agents, that are still to be started
}

// Run makes the metrics of a run and shows them from now on.
func (m *Metrics) Run(o MeasuredRun) *RunMetrics {
	reg := prometheus.WrapRegistererWith(prometheus.Labels{"run": o.Name}, m.reg)
	r := &RunMetrics{names: newNames(o.Plan), started: map[string]bool{}, substitutes: map[string]int{}}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "troupe_run_info", Help: "The run; always 1.",
		ConstLabels: prometheus.Labels{"scenario": o.Plan.Name, "seed": strconv.FormatUint(o.Plan.Seed, 10), "isolation": o.Isolation},
	})
	info.Set(1)
	reg.MustRegister(info)
	r.loop(reg)
	r.counts(reg, o.Plan)
	r.latency = newLatencyCollector(o.Plan)
	r.usage = newUsageMetrics(reg, r.names)
	r.shared = newSharedMetrics(reg, o.Plan)
	reg.MustRegister(r.latency, newFleetCollector(o, r.names))
	return r
}

// loop makes the metrics of the loop itself.
func (r *RunMetrics) loop(reg prometheus.Registerer) {
	r.ticks = counter(reg, "troupe_ticks_total", "Ticks that are committed.")
	r.timed = counter(reg, "troupe_timed_outcomes_total",
		"Outcomes that a clock or a sampled measure decided: while it is 0, another run comes to the same hash.")
	buckets := make([]float64, len(record.LatencyEdges))
	for i, e := range record.LatencyEdges {
		buckets[i] = e.Seconds()
	}
	durations := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "troupe_tick_duration_seconds", Buckets: buckets,
		Help: "Where the time of a tick goes: asking the agents, stepping the world, committing the record.",
	}, []string{"phase"})
	reg.MustRegister(durations)
	r.ask, r.step, r.commit = durations.WithLabelValues("ask"), durations.WithLabelValues("step"), durations.WithLabelValues("commit")
}

// counts makes the counters of what a record holds.
func (r *RunMetrics) counts(reg prometheus.Registerer, p *plan.Plan) {
	outcomes := counters(reg, "troupe_outcomes_total", "How turns ended: with an action or a failure.", "type")
	failures := counters(reg, "troupe_failures_total", "Turns that ended with a failure, by the agent's entry.", "type", "entry")
	r.acted, r.outcomes = outcomes.WithLabelValues(record.Acted), map[agent.Failure]prometheus.Counter{}
	for _, f := range agent.Failures {
		r.outcomes[f] = outcomes.WithLabelValues(string(f))
	}
	for i := range p.Entries {
		of := make(map[agent.Failure]prometheus.Counter, len(agent.Failures))
		for _, f := range agent.Failures {
			of[f] = failures.WithLabelValues(string(f), p.Entries[i].ID)
		}
		r.failures = append(r.failures, of)
	}
	messages := counters(reg, "troupe_messages_total", "Messages between agents, as they were sent.", "kind")
	r.direct, r.channel = messages.WithLabelValues("direct"), messages.WithLabelValues("channel")
	r.undelivered = messages.WithLabelValues("undelivered")
	restarts := counters(reg, "troupe_restarts_total", "Starts of a process after its first one.", "process")
	survivors := counters(reg, "troupe_survivors_killed_total", "Processes that had to be killed since what started them had ended.", "process")
	r.restarts, r.survivors = map[string]prometheus.Counter{}, map[string]prometheus.Counter{}
	for _, name := range r.names.all {
		r.restarts[name], r.survivors[name] = restarts.WithLabelValues(name), survivors.WithLabelValues(name)
	}
}

func counter(reg prometheus.Registerer, name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	reg.MustRegister(c)
	return c
}

func counters(reg prometheus.Registerer, name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	reg.MustRegister(c)
	return c
}

// Leases begins with so many leases that are held, and the tickets of those that
// are waited for, in a run that goes on. It comes before Committed.
func (r *RunMetrics) Leases(held int, waiting []int) {
	if r.shared != nil {
		r.shared.resume(held, waiting)
	}
}

// Committed takes a record in. It is called from one goroutine, for each
// record once, and keeps nothing of it. It allocates nothing for a turn that
// went well.
func (r *RunMetrics) Committed(rec *record.Record) {
	r.ticks.Inc()
	r.timed.Add(float64(rec.Annex.Timed))
	e := &rec.Annex.Elapsed
	r.ask.Observe(e.Ask.Seconds())
	r.step.Observe(e.Step.Seconds())
	if e.Commit > 0 { // the first record has none before it
		r.commit.Observe(e.Commit.Seconds())
	}
	acted := 0
	for i := range rec.Turns {
		if t := &rec.Turns[i]; t.Failure != "" {
			r.failed(t)
		} else {
			acted++
		}
	}
	r.acted.Add(float64(acted))
	r.sent(rec)
	r.happened(rec.Annex.Facts)
	r.latency.add(rec.Annex.Answers)
	r.shared.add(rec)
	for i := range rec.Annex.Usages {
		r.usage.add(&rec.Annex.Usages[i])
	}
}

func (r *RunMetrics) failed(t *record.Turn) {
	if c := r.outcomes[t.Failure]; c != nil {
		c.Inc()
	}
	if i, ok := r.names.entry(t.Agent); ok {
		if c := r.failures[i][t.Failure]; c != nil {
			c.Inc()
		}
	}
}

// sent counts messages. A message that reached nobody is one of the record's
// and has a result, which tells its sender so.
func (r *RunMetrics) sent(rec *record.Record) {
	var direct, channel, lost int
	for i := range rec.Messages {
		if rec.Messages[i].Channel != "" {
			channel++
		} else {
			direct++
		}
	}
	for i := range rec.Results {
		text := rec.Results[i].JSON
		if !bytes.HasPrefix(text, []byte(`{"type":"send",`)) {
			continue
		}
		lost++
		if bytes.Contains(text, []byte(`,"channel":`)) { // never part of a string: quotes in those are escaped
			channel--
		} else {
			direct--
		}
	}
	r.direct.Add(float64(max(direct, 0)))
	r.channel.Add(float64(max(channel, 0)))
	r.undelivered.Add(float64(lost))
}

// happened counts restarts and survivors. A substitute's first start is none, though facts
// call it by the agent that it answers for; it may come before or after the
// fact that there is one.
func (r *RunMetrics) happened(facts []record.Fact) {
	for i := range facts {
		if facts[i].Kind == "substituted" {
			r.substitutes[facts[i].Agent]++
		}
	}
	for i := range facts {
		switch name := facts[i].Agent; {
		case facts[i].Kind == record.FactSwept:
			if c := r.survivors[r.names.process(name)]; c != nil {
				c.Add(float64(facts[i].Swept()))
			}
		case facts[i].Kind != "started":
		case !r.started[name]:
			r.started[name] = true
		case r.substitutes[name] > 0:
			r.substitutes[name]--
		default:
			if c := r.restarts[r.names.process(name)]; c != nil {
				c.Inc()
			}
		}
	}
}
