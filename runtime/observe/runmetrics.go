package observe

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// MeasuredRun is a run of which metrics are made.
type MeasuredRun struct {
	Name string
	Plan *plan.Plan
	// Isolation says which walls stand around its processes; Walls, of each that it
	// could have, whether it does.
	Isolation string
	Walls     map[string]bool
	// States are the names of all states that a process may be in.
	States []string
	// Past is what is on record already of a run that goes on; nil for nothing. It is
	// not kept.
	Past *record.Summary
	// Processes are the run's processes now; called at each scrape, from any
	// goroutine, until Over. Nil for a run without.
	Processes func() []Process
	// Limits are what they take of what they have limits of; called as Processes is.
	Limits func() []Use
	// Paused says whether the run is, while it is Running; called so, too.
	Paused func() bool
	// Written is how many bytes of records were stored by this process; called so, too.
	Written func() int64
	// Budgets are what it may spend; called so, too. Where it is nil, the run's own
	// is shown, as far as records tell what was spent.
	Budgets func() []Budget
}

// A Budget is what may be spent by a run, or by some of its agents.
type Budget struct {
	Name       string
	USD, Spent float64
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
// before the first tick. Of a run that goes on, ticks, outcomes and what was spent are
// those since its beginning, and all else is since it was gone on with.
//
//	troupe_run_info                    1; labels scenario, seed, clock, isolation (the walls that stand)
//	troupe_run_state                   1 for the state that it is in, by state; 0 for the others
//	troupe_run_walls                   1 for a wall that stands, 0 for one that could and does not, by tier
//	troupe_run_planned_ticks           after which it ends; 0 where no clock says so
//	troupe_run_deadline_seconds        the longest that any agent has for a turn
//	troupe_run_last_tick_timestamp_seconds
//	                                   when the newest record was committed, or when the run began or
//	                                   went on after a pause, where that is later
//	troupe_run_cost_usd                what its models cost so far
//	troupe_ticks_total                 records
//	troupe_tick_duration_seconds       by phase: observe (until the last process has its observes), act (from
//	                                   there to the last outcome), step (in the world), commit (to the
//	                                   acknowledgement: counted with the next tick's record, which is where
//	                                   it is on record). Where turns overlap, in realtime, all is act.
//	troupe_record_bytes_total          of records, as they are stored
//	troupe_turns_total                 by the agent's entry
//	troupe_outcomes_total              by type: action or the type of a failure
//	troupe_failures_total              the failures among them, by type and entry
//	troupe_timed_outcomes_total        outcomes that a clock decided
//	troupe_restarts_total              starts of a process after its first one, but for those after it was
//	                                   parked, by process
//	troupe_survivors_killed_total      processes that an ended process had left, by that process
//	troupe_messages_total              by kind: direct and channel (delivered), undelivered
//	troupe_action_latency_seconds      from the observe to the answer, by the agent's kind
//
// See usageMetrics and genAI for those of models, budgetCollector for money,
// sharedMetrics for files in common, and fleetCollector for what is read when
// Prometheus asks.
type RunMetrics struct {
	reg   *prometheus.Registry // of this run alone: it goes with it
	of    *Metrics
	run   string
	names *names
	state atomic.Value // string

	ticks, timed, acted          prometheus.Counter
	newest, cost                 prometheus.Gauge
	observe, act, step, commit   prometheus.Observer
	turns                        []prometheus.Counter // by entry
	outcomes                     map[agent.Failure]prometheus.Counter
	failures                     []map[agent.Failure]prometheus.Counter // by entry
	direct, channel, undelivered prometheus.Counter
	restarts, survivors          map[string]prometheus.Counter // by label
	latency                      *latencyCollector
	usage                        *usageMetrics
	genAI                        *genAI
	budgets                      *budgetCollector
	fleet                        *fleetCollector
	shared                       *sharedMetrics // nil for none
	written                      atomic.Pointer[func() int64]
	paused                       atomic.Pointer[func() bool]

	cast        []seat          // of the newest record
	asked       []int           // in it, by entry
	started     map[string]bool // which processes were, by the name they have in facts
	parked      map[string]bool // which are, by the same
	substitutes map[string]int  // of agents, that are still to be started
}

// A seat is an agent that has a turn, with its entry, -1 for none. Those of one tick
// are those of the next, mostly.
type seat struct {
	agent string
	entry int
}

// Native histograms beside the classic ones: bounds a tenth apart, and so many
// buckets that a run of a year keeps within.
const (
	nativeFactor = 1.1
	nativeMost   = 160
)

// The states of a run in metrics, beside Running, Finished, Aborted and Interrupted.
const (
	Starting  Status = "starting"
	Paused    Status = "paused"
	Failed    Status = "failed"    // an error of ours, or of the world
	Replaying Status = "replaying" // its record is told again: nothing goes on
)

var runStates = []Status{Starting, Running, Paused, Finished, Aborted, Interrupted, Failed, Replaying}

// Run makes the metrics of a run and shows them from now on, until it is forgotten
// or over for long. It is Starting.
func (m *Metrics) Run(o MeasuredRun) *RunMetrics {
	r := &RunMetrics{
		reg: prometheus.NewRegistry(), of: m, run: o.Name, names: newNames(o.Plan),
		started: map[string]bool{}, parked: map[string]bool{}, substitutes: map[string]int{}, asked: make([]int, len(o.Plan.Entries)),
	}
	reg := prometheus.WrapRegistererWith(prometheus.Labels{"run": o.Name}, r.reg)
	r.about(reg, &o)
	r.loop(reg)
	r.counts(reg, o.Plan)
	r.latency = newLatencyCollector(o.Plan)
	r.usage = newUsageMetrics(reg, r.names)
	r.genAI = newGenAI(reg, o.Plan, r.names)
	r.budgets = newBudgetCollector(&o)
	if o.Past != nil {
		r.resume(o.Past)
		o.Past = nil
	}
	r.shared = newSharedMetrics(reg, o.Plan)
	r.fleet = newFleetCollector(o, r.names)
	r.fleet.sampler = &m.procs
	reg.MustRegister(r.latency, r.budgets, r.fleet)
	m.add(r)
	return r
}

// about makes the metrics that say what the run is, and how it stands.
func (r *RunMetrics) about(reg prometheus.Registerer, o *MeasuredRun) {
	clock := o.Plan.Clock.Mode
	if clock == "" {
		clock = plan.Lockstep
	}
	info := gauge(reg, "troupe_run_info", "The run; always 1.", prometheus.Labels{
		"scenario": o.Plan.Name, "seed": strconv.FormatUint(o.Plan.Seed, 10), "isolation": o.Isolation, "clock": clock,
	})
	info.Set(1)
	r.state.Store(Starting)
	for _, s := range runStates {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "troupe_run_state", Help: "Whether the run is in that state.", ConstLabels: prometheus.Labels{"state": string(s)},
		}, func() float64 {
			if r.standing() == s {
				return 1
			}
			return 0
		}))
	}
	for tier, stands := range o.Walls {
		g := gauge(reg, "troupe_run_walls", "Whether that wall stands around the run's processes.", prometheus.Labels{"tier": tier})
		if stands {
			g.Set(1)
		}
	}
	gauge(reg, "troupe_run_planned_ticks", "Ticks after which the run ends; 0 for no such number.", nil).Set(float64(o.Plan.Clock.Ticks))
	longest := time.Duration(0)
	for i := range o.Plan.Entries {
		longest = max(longest, o.Plan.Entries[i].Deadline)
	}
	gauge(reg, "troupe_run_deadline_seconds", "The longest that any agent has for a turn.", nil).Set(longest.Seconds())
	r.cost = gauge(reg, "troupe_run_cost_usd", "What models cost the run so far, in US dollars, as it is on record.", nil)
	r.written.Store(&o.Written)
	r.paused.Store(&o.Paused)
	reg.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "troupe_record_bytes_total", Help: "Bytes of records, as they are stored.",
	}, func() float64 {
		if w := *r.written.Load(); w != nil {
			return float64(w())
		}
		return 0
	}))
}

// WentOn says that the run is paused no longer, so that the time before is not held
// against the next tick. Any goroutine may call it.
func (r *RunMetrics) WentOn() { r.newest.SetToCurrentTime() }

// State says how the run stands.
func (r *RunMetrics) State(s Status) { r.state.Store(s) }

func (r *RunMetrics) standing() Status {
	s := r.state.Load().(Status)
	if p := *r.paused.Load(); s == Running && p != nil && p() {
		return Paused
	}
	return s
}

// Over says how the run stands in the end: nothing is counted from here on, and what
// it is that metrics are made of is let go. What was counted stays to be seen, for
// the last scrape and longer.
func (r *RunMetrics) Over(s Status) {
	r.State(s)
	if w := *r.written.Load(); w != nil {
		last := w()
		still := func() int64 { return last }
		r.written.Store(&still)
	}
	r.paused.Store(new(func() bool))
	r.budgets.over()
	r.fleet.over()
	r.names.forget()
	r.cast, r.asked, r.started, r.parked, r.substitutes = nil, nil, nil, nil, nil
	r.of.ended(r)
}

// loop makes the metrics of the loop itself.
func (r *RunMetrics) loop(reg prometheus.Registerer) {
	r.ticks = counter(reg, "troupe_ticks_total", "Ticks that are committed.")
	r.timed = counter(reg, "troupe_timed_outcomes_total",
		"Outcomes that a clock or a sampled measure decided: while it is 0, another run comes to the same hash.")
	r.newest = gauge(reg, "troupe_run_last_tick_timestamp_seconds", "When the newest tick was committed, or the run began or went on after a pause.", nil)
	r.newest.SetToCurrentTime()
	buckets := make([]float64, len(record.LatencyEdges))
	for i, e := range record.LatencyEdges {
		buckets[i] = e.Seconds()
	}
	durations := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "troupe_tick_duration_seconds", Buckets: buckets,
		Help:                        "Where the time of a tick goes: observing and acting of the agents, stepping the world, committing the record.",
		NativeHistogramBucketFactor: nativeFactor, NativeHistogramMaxBucketNumber: nativeMost,
	}, []string{"phase"})
	reg.MustRegister(durations)
	r.observe, r.act = durations.WithLabelValues("observe"), durations.WithLabelValues("act")
	r.step, r.commit = durations.WithLabelValues("step"), durations.WithLabelValues("commit")
}

// counts makes the counters of what a record holds.
func (r *RunMetrics) counts(reg prometheus.Registerer, p *plan.Plan) {
	outcomes := counters(reg, "troupe_outcomes_total", "How turns ended: with an action or a failure.", "type")
	failures := counters(reg, "troupe_failures_total", "Turns that ended with a failure, by the agent's entry.", "type", "entry")
	r.acted, r.outcomes = outcomes.WithLabelValues(record.Acted), map[agent.Failure]prometheus.Counter{}
	for _, f := range agent.Failures {
		r.outcomes[f] = outcomes.WithLabelValues(string(f))
	}
	turns := counters(reg, "troupe_turns_total", "Turns that ended, by the agent's entry.", "entry")
	for i := range p.Entries {
		of := make(map[agent.Failure]prometheus.Counter, len(agent.Failures))
		for _, f := range agent.Failures {
			of[f] = failures.WithLabelValues(string(f), r.names.label(i))
		}
		r.failures = append(r.failures, of)
		r.turns = append(r.turns, turns.WithLabelValues(r.names.label(i)))
	}
	messages := counters(reg, "troupe_messages_total", "Messages between agents, as they were sent.", "kind")
	r.direct, r.channel = messages.WithLabelValues("direct"), messages.WithLabelValues("channel")
	r.undelivered = messages.WithLabelValues("undelivered")
	restarts := counters(reg, "troupe_restarts_total", "Starts of a process after its first one, unless it had been parked.", "process")
	survivors := counters(reg, "troupe_survivors_killed_total", "Processes that had to be killed since what started them had ended.", "process")
	r.restarts, r.survivors = map[string]prometheus.Counter{}, map[string]prometheus.Counter{}
	for _, name := range r.names.all {
		r.restarts[name], r.survivors[name] = restarts.WithLabelValues(name), survivors.WithLabelValues(name)
	}
}

func gauge(reg prometheus.Registerer, name, help string, labels prometheus.Labels) prometheus.Gauge {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels})
	reg.MustRegister(g)
	return g
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
