package gateway

import (
	"encoding/json"
	"net/http"
	"path"
	"strings"
)

// An API is a provider's interface. What differs between providers is here.
type API struct {
	Name string // the first word of paths at the gateway
	Base string // where it is by default

	// authorize puts a key in, in place of all that a client said.
	authorize func(h http.Header, key string)
	// billed are the paths whose requests cost something: how an answer tells it.
	billed map[string]billing
	// free are the paths that go through beside them.
	free func(method, path string) bool
	// refusal is an error in the provider's own form.
	refusal func(kind, text string) any
}

// A billing reads what an answer took.
type billing struct {
	// most is how many tokens of output a request allows; 0 where it does not say.
	most func(r *request) int64
	// event takes in one event of a stream, or the whole answer.
	event func(m *meter, data []byte)
}

// APIs are all that the gateway knows, by name.
var APIs = map[string]*API{"anthropic": &anthropic, "openai": &openai}

var anthropic = API{
	Name: "anthropic", Base: "https://api.anthropic.com",
	authorize: func(h http.Header, key string) {
		h.Del("Authorization")
		h.Set("X-Api-Key", key)
	},
	billed: map[string]billing{"/v1/messages": {
		most:  func(r *request) int64 { return r.MaxTokens },
		event: anthropicEvent,
	}},
	free: func(method, path string) bool {
		return method == http.MethodPost && path == "/v1/messages/count_tokens" ||
			asksModels(method, path)
	},
	refusal: func(kind, text string) any {
		return map[string]any{"type": "error", "error": map[string]string{"type": kind, "message": text}}
	},
}

var openai = API{
	Name: "openai", Base: "https://api.openai.com",
	authorize: func(h http.Header, key string) {
		h.Del("X-Api-Key")
		h.Set("Authorization", "Bearer "+key)
	},
	billed: map[string]billing{
		"/v1/responses": {
			most:  func(r *request) int64 { return r.MaxOutput },
			event: responsesEvent,
		},
		"/v1/chat/completions": {
			most:  func(r *request) int64 { return max(r.MaxCompletion, r.MaxTokens) * max(r.N, 1) },
			event: completionsEvent,
		},
	},
	free: asksModels,
	refusal: func(kind, text string) any {
		return map[string]any{"error": map[string]any{"type": kind, "code": kind, "message": text, "param": nil}}
	},
}

// asksModels says whether a request asks what models there are, or for one of them. A
// path that leads elsewhere once somebody tidies it up is not asked for with the key.
func asksModels(method, at string) bool {
	return method == http.MethodGet && (at == "/v1/models" || strings.HasPrefix(at, "/v1/models/")) && path.Clean(at) == at
}

// A request is what matters of a billed one.
type request struct {
	Model         string          `json:"model"`
	Stream        bool            `json:"stream"`
	MaxTokens     int64           `json:"max_tokens"`
	MaxOutput     int64           `json:"max_output_tokens"`
	MaxCompletion int64           `json:"max_completion_tokens"`
	N             int64           `json:"n"`
	Background    bool            `json:"background"`   // it is answered later, elsewhere
	Speed         string          `json:"speed"`        // Anthropic's
	Tier          string          `json:"service_tier"` // OpenAI's
	Tools         json.RawMessage `json:"tools"`
}

// fast says whether a request asks to be answered faster than usual, which costs more.
func (r *request) fast() bool { return r.Speed == speedFast || fastTier(r.Tier) }
