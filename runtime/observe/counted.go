package observe

import (
	"bytes"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/record"
)

// Leases begins with so many leases that are held, and the tickets of those that
// are waited for, in a run that goes on. It comes before Committed.
func (r *RunMetrics) Leases(held int, waiting []int) {
	if r.shared != nil {
		r.shared.resume(held, waiting)
	}
}

// resume begins with what is on record of a run that goes on. Nobody may have seen
// the metrics: a counter that is back at 0 in between has all of it counted once more.
func (r *RunMetrics) resume(past *record.Summary) {
	r.ticks.Add(float64(past.Ticks))
	r.timed.Add(float64(past.Timed))
	for name, n := range past.Outcomes {
		if c := r.outcomes[agent.Failure(name)]; c != nil {
			c.Add(float64(n))
		}
	}
	r.acted.Add(float64(past.Outcomes[record.Acted]))
	r.spent(past.Usage.USD)
}

func (r *RunMetrics) spent(usd agent.USD) {
	r.cost.Add(usd.Dollars())
	r.budgets.spend(usd.Dollars())
}

// Requested takes in a request of the gateway's that is over, and Retried that one is
// made again. Any goroutine may call them, until Over has been called.
func (r *RunMetrics) Requested(q *Request) { r.genAI.request(q) }

// Retried see Requested.
func (r *RunMetrics) Retried(api string) { r.genAI.retried(api) }

// Committed takes a record in. It is called from one goroutine, for each
// record once, and keeps nothing of it. It allocates nothing for a turn that
// went well.
func (r *RunMetrics) Committed(rec *record.Record) {
	r.ticks.Inc()
	r.newest.SetToCurrentTime()
	r.timed.Add(float64(rec.Annex.Timed))
	e := &rec.Annex.Elapsed
	r.observe.Observe(e.Observe.Seconds())
	r.act.Observe(e.Act().Seconds())
	r.step.Observe(e.Step.Seconds())
	if e.Commit > 0 { // the first record has none before it
		r.commit.Observe(e.Commit.Seconds())
	}
	r.turned(rec.Turns)
	r.sent(rec)
	r.happened(rec.Annex.Facts)
	r.latency.add(rec.Annex.Answers)
	r.shared.add(rec)
	for i := range rec.Annex.Usages {
		u := &rec.Annex.Usages[i]
		r.usage.add(u)
		r.genAI.turn(u)
		r.spent(max(u.USD, 0))
	}
}

// turned counts how turns ended.
func (r *RunMetrics) turned(turns []record.Turn) {
	clear(r.asked)
	alone := len(r.turns) == 1 // the entry, of tens of thousands of agents, mostly
	acted := 0
	for i := range turns {
		t := &turns[i]
		if t.Failure != "" {
			r.failed(i, t)
			continue
		}
		acted++
		if !alone {
			if entry := r.seated(i, t.Agent); entry >= 0 {
				r.asked[entry]++
			}
		}
	}
	r.acted.Add(float64(acted))
	if alone {
		r.asked[0] += acted
	}
	for entry, n := range r.asked {
		if n > 0 {
			r.turns[entry].Add(float64(n))
		}
	}
}

func (r *RunMetrics) failed(i int, t *record.Turn) {
	if c := r.outcomes[t.Failure]; c != nil {
		c.Inc()
	}
	entry := r.seated(i, t.Agent)
	if entry < 0 {
		return
	}
	r.asked[entry]++
	if c := r.failures[entry][t.Failure]; c != nil {
		c.Inc()
	}
}

// seated is the entry of the agent that has turn i. To look up each of ten thousand
// would take longer than all the rest.
func (r *RunMetrics) seated(i int, id string) (entry int) {
	if i < len(r.cast) && r.cast[i].agent == id {
		return r.cast[i].entry
	}
	entry, ok := r.names.entry(id)
	if !ok {
		entry = -1
	}
	if i == len(r.cast) {
		r.cast = append(r.cast, seat{})
	}
	if i < len(r.cast) {
		r.cast[i] = seat{id, entry}
	}
	return entry
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

// happened counts restarts and survivors. A start from where a process was parked is
// none, nor is a substitute's first one, though facts call it by the agent that it
// answers for; that may come before or after the fact that there is one.
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
		case facts[i].Kind == "parked":
			r.parked[name] = true
		case facts[i].Kind != "started":
		case r.parked[name]:
			delete(r.parked, name)
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
