package observe

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// A Request is one that an agent made of a model by the gateway, and that is over.
type Request struct {
	API    string // anthropic, openai
	Model  string // that was asked for
	By     string // who answered: upstream, record, gateway
	Status int    // of HTTP; 0 where there was no answer
	// Of what an upstream answered:
	Input, Output int64 // tokens; those of the cache are input
	Took          time.Duration
}

// What is done with models, in OpenTelemetry's words.
const (
	opChat   = "chat"         // one request, by the gateway
	opInvoke = "invoke_agent" // a turn of a tool that goes around it, all its requests together
)

// noProvider is who is asked where that is not known.
const noProvider = "_OTHER"

// genAI is what is asked of models, by the names and with the meaning that
// OpenTelemetry's conventions have for generative AI, and how the gateway fares:
//
//	gen_ai_client_token_usage                 tokens of an operation, by gen_ai_token_type: input (with
//	                                          those of the cache) and output
//	gen_ai_client_operation_duration_seconds  how long it took
//
// Both have the labels gen_ai_operation_name (chat: a request by the gateway;
// invoke_agent: a turn of a tool that goes around it), gen_ai_provider_name and
// gen_ai_request_model, and the duration error_type: the status of what failed, empty
// for what did not. Requests by the gateway are counted as they end, be their
// turn committed or not; in a replay nobody asks, and only turns of tools are there.
//
//	troupe_gateway_requests_total  by api, by (upstream, record, gateway: who answered) and status
//	troupe_gateway_retries_total   requests that were made again since the upstream had no room, by api
//
// Its methods may be called concurrently.
type genAI struct {
	tokens, duration  *prometheus.HistogramVec
	requests, retries *prometheus.CounterVec
	names             *names
	providers         []string // by entry; empty for one whose tool goes through the gateway

	mu     sync.Mutex
	models map[[2]string]bool // by provider
	errors map[[3]string]bool // by provider and model
}

var genAILabels = []string{"gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model"}

func newGenAI(reg prometheus.Registerer, p *plan.Plan, n *names) *genAI {
	g := &genAI{names: n, models: map[[2]string]bool{}, errors: map[[3]string]bool{}}
	g.tokens = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "gen_ai_client_token_usage", Help: "Tokens of an operation of a model.",
		Buckets:                     prometheus.ExponentialBuckets(1, 4, 14), // as OpenTelemetry advises
		NativeHistogramBucketFactor: nativeFactor, NativeHistogramMaxBucketNumber: nativeMost,
	}, append([]string{"gen_ai_token_type"}, genAILabels...))
	g.duration = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "gen_ai_client_operation_duration_seconds", Help: "How long an operation of a model took.",
		Buckets:                     prometheus.ExponentialBuckets(0.01, 2, 14), // the same
		NativeHistogramBucketFactor: nativeFactor, NativeHistogramMaxBucketNumber: nativeMost,
	}, append([]string{"error_type"}, genAILabels...))
	reg.MustRegister(g.tokens, g.duration)
	g.requests = counters(reg, "troupe_gateway_requests_total", "Requests to models by the gateway, by who answered them.", "api", "by", "status")
	g.retries = counters(reg, "troupe_gateway_retries_total", "Requests that were made again since the upstream had no room.", "api")
	for _, api := range agent.APIs {
		g.requests.WithLabelValues(api.Name, "upstream", "200")
		g.retries.WithLabelValues(api.Name)
	}
	for i := range p.Entries {
		g.providers = append(g.providers, provider(&p.Entries[i]))
	}
	return g
}

// provider is whose models an entry's tool asks around the gateway.
func provider(e *plan.Entry) string {
	if len(e.Gateway) > 0 {
		return ""
	}
	if k, err := agent.Lookup(e.Kind); err == nil && k.Tool != nil && k.Tool.API != "" {
		return k.Tool.API
	}
	return noProvider
}

// turn takes in what one answer took, where the gateway has not.
func (g *genAI) turn(u *record.Usage) {
	i, ok := g.names.entry(u.Agent)
	if !ok || g.providers[i] == "" {
		return
	}
	g.operation(opInvoke, g.providers[i], u.Model, "", int64(u.Input)+int64(u.CacheRead)+int64(u.CacheWrite), int64(u.Output), u.Took)
}

// request takes in one that is over.
func (g *genAI) request(r *Request) {
	g.requests.WithLabelValues(r.API, r.By, status(r.Status)).Inc()
	if r.Took <= 0 {
		return
	}
	failed := ""
	if r.Status < 200 || r.Status > 299 {
		failed = status(r.Status)
	}
	g.operation(opChat, r.API, r.Model, failed, r.Input, r.Output, r.Took)
}

func (g *genAI) retried(api string) { g.retries.WithLabelValues(api).Inc() }

func (g *genAI) operation(name, provider, model, failed string, input, output int64, took time.Duration) {
	model = g.model(provider, model)
	if input > 0 || output > 0 {
		g.tokens.WithLabelValues("input", name, provider, model).Observe(float64(max(input, 0)))
		g.tokens.WithLabelValues("output", name, provider, model).Observe(float64(max(output, 0)))
	}
	if took > 0 { // a program that is no tool says nothing of its models
		g.duration.WithLabelValues(g.failure(provider, model, failed), name, provider, model).Observe(took.Seconds())
	}
}

func (g *genAI) model(provider, name string) string {
	name = modelName(name)
	key := [2]string{provider, name}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.models[key]:
	case len(g.models) < mostModels:
		g.models[key] = true
	default:
		return otherModel
	}
	return name
}

// mostErrors is how many triples of a provider, a model and a kind of failure are told
// apart; the rest is otherError.
const (
	mostErrors = 40
	otherError = "_OTHER"
)

// failure is the label of a failure; empty for none.
func (g *genAI) failure(provider, model, failed string) string {
	if failed == "" {
		return ""
	}
	key := [3]string{provider, model, failed}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.errors[key]:
	case len(g.errors) < mostErrors:
		g.errors[key] = true
	default:
		return otherError
	}
	return failed
}

// status is the label of a status: upstreams may answer with any number.
func status(code int) string {
	const overloaded = 529 // Anthropic's own
	switch {
	case code == 0:
		return "none"
	case http.StatusText(code) != "", code == overloaded:
		return strconv.Itoa(code)
	}
	return "other"
}
