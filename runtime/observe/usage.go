package observe

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/troupe-dev/troupe/runtime/record"
)

// mostModels is how many models of a run are told apart, and mostUsers how many pairs
// of an agent and a model; the rest is "other", since an agent's own tool says what
// its model is called.
const (
	mostModels = 20
	mostUsers  = 400
	otherModel = "other"
)

// usageMetrics are what the models of a run took, as it is on record, in attempts
// that were not accepted too:
//
//	troupe_model_tokens_total           by agent, model and type: input (without those of the cache),
//	                                    output, cache_read, cache_write
//	troupe_model_cost_usd_total         US dollars, by agent and model
//	troupe_model_turn_duration_seconds  of one answer with all its requests, by model, where its tool measures that
//
// Each has one series with agent and model empty, which stays 0, so that a run
// without a model shows 0 and not nothing. See genAI for single requests.
type usageMetrics struct {
	names    *names
	tokens   *prometheus.CounterVec
	cost     *prometheus.CounterVec
	duration *prometheus.HistogramVec
	models   map[string]bool
	users    map[[2]string]bool
}

// turnBuckets are the bounds, in seconds, that OpenTelemetry advises for the
// duration of an operation of a model, and three more for turns with tools.
var turnBuckets = prometheus.ExponentialBuckets(0.01, 2, 17)

var tokenTypes = [...]string{"input", "output", "cache_read", "cache_write"}

func newUsageMetrics(reg prometheus.Registerer, n *names) *usageMetrics {
	u := &usageMetrics{
		names: n, models: map[string]bool{}, users: map[[2]string]bool{},
		tokens: counters(reg, "troupe_model_tokens_total", "Tokens that models took, as it is on record.", "agent", "model", "type"),
		cost:   counters(reg, "troupe_model_cost_usd_total", "What models cost, in US dollars, as it is on record.", "agent", "model"),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "troupe_model_turn_duration_seconds", Buckets: turnBuckets,
			Help:                        "How long answers of models took, all requests of one together, as their tools measure it.",
			NativeHistogramBucketFactor: nativeFactor, NativeHistogramMaxBucketNumber: nativeMost,
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
	if who := [2]string{name, model}; !u.users[who] {
		if len(u.users) < mostUsers {
			u.users[who] = true
		} else {
			model = otherModel
		}
	}
	for i, n := range [...]int{x.Input, x.Output, x.CacheRead, x.CacheWrite} {
		u.tokens.WithLabelValues(name, model, tokenTypes[i]).Add(float64(max(n, 0))) // counters take nothing below 0
	}
	u.cost.WithLabelValues(name, model).Add(max(x.USD.Dollars(), 0))
	if x.Took > 0 {
		u.duration.WithLabelValues(model).Observe(x.Took.Seconds())
	}
}

// longestModel is how many bytes of a model's name are shown.
const longestModel = 100

// modelName is what a model is called, whatever an agent says that is.
func modelName(name string) string {
	if name == "" {
		return "unknown"
	}
	return strings.ToValidUTF8(name[:min(len(name), longestModel)], "�")
}

func (u *usageMetrics) model(name string) string {
	name = modelName(name)
	switch {
	case u.models[name]:
	case len(u.models) < mostModels:
		u.models[name] = true
	default:
		return otherModel
	}
	return name
}
