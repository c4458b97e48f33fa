package observe

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/troupe-dev/troupe/runtime/record"
)

// mostModels is how many models of a run are told apart; the rest is "other",
// since an agent's own tool says what its model is called.
const mostModels = 20

// usageMetrics are what the models of a run took, as the agents' own tools
// report it, in attempts that were not accepted too:
//
//	troupe_model_tokens_total           by agent, model and type: input (without those of the cache),
//	                                    output, cache_read, cache_write. OpenTelemetry calls it
//	                                    gen_ai.client.token.usage.
//	troupe_model_cost_usd_total         US dollars, by agent and model
//	troupe_model_turn_duration_seconds  of one answer with all its requests, by model. OpenTelemetry
//	                                    calls it gen_ai.client.operation.duration.
//
// Each has one series with agent and model empty, which stays 0, so that a run
// without a model shows 0 and not nothing.
type usageMetrics struct {
	names    *names
	tokens   *prometheus.CounterVec
	cost     *prometheus.CounterVec
	duration *prometheus.HistogramVec
	models   map[string]bool
}

// turnBuckets are the bounds, in seconds, that OpenTelemetry advises for the
// duration of an operation of a model, and three more for turns with tools.
var turnBuckets = prometheus.ExponentialBuckets(0.01, 2, 17)

var tokenTypes = [...]string{"input", "output", "cache_read", "cache_write"}

func newUsageMetrics(reg prometheus.Registerer, n *names) *usageMetrics {
	u := &usageMetrics{
		names: n, models: map[string]bool{},
		tokens: counters(reg, "troupe_model_tokens_total", "Tokens that models took (gen_ai.client.token.usage).", "agent", "model", "type"),
		cost:   counters(reg, "troupe_model_cost_usd_total", "What models cost, in US dollars, as the agents' tools tell it.", "agent", "model"),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "troupe_model_turn_duration_seconds", Buckets: turnBuckets,
			Help: "How long answers of models took, all requests of one together (gen_ai.client.operation.duration).",
		}, []string{"model"}),
	}
	reg.MustRegister(u.duration)
	for _, t := range tokenTypes {
		u.tokens.WithLabelValues("", "", t)
	}
	u.cost.WithLabelValues("", "")
	u.duration.WithLabelValues("")
	return u
}

// add takes one usage in, from one goroutine at a time.
func (u *usageMetrics) add(x *record.Usage) {
	model, name := u.model(x.Model), u.names.agent(x.Agent)
	for i, n := range [...]int{x.Input, x.Output, x.CacheRead, x.CacheWrite} {
		u.tokens.WithLabelValues(name, model, tokenTypes[i]).Add(float64(max(n, 0))) // counters take nothing below 0
	}
	u.cost.WithLabelValues(name, model).Add(max(x.USD.Dollars(), 0))
	u.duration.WithLabelValues(model).Observe(x.Took.Seconds())
}

func (u *usageMetrics) model(name string) string {
	switch {
	case name == "":
		return "unknown"
	case u.models[name]:
	case len(u.models) < mostModels:
		u.models[name] = true
	default:
		return "other"
	}
	return name
}
