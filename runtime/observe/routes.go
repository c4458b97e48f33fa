package observe

import (
	"net/http"
	"path"
	"slices"
	"strings"
)

// Bodies of requests may have so many bytes: a little more than any message that
// a run takes, and than a scenario with all its files may have.
const (
	mostBody   = 1 << 20
	mostUpload = 32 << 20
)

// A route is what a pattern of the mux asks of requests beside the pattern.
type route struct {
	role Role
	body int64 // bytes that it may have
}

// exceptions are the routes that ask for something else than their method says:
// Observe for what only reads, Control for all others, and mostBody.
var exceptions = map[string]route{
	"GET /{$}":             {Anyone, 0}, // the page, which asks for a token
	"GET /healthz":         {Anyone, 0},
	"GET /readyz":          {Anyone, 0},
	"GET /metrics":         {Observe, 0},
	"GET /v1/openapi.json": {Anyone, 0},
	"POST /v1/runs":        {Control, mostUpload},

	"GET /v1/runs/{run}/agents/{agent}/chat": {Control, 0},
	ticketPattern:                            {Observe, mostBody},
}

// routes are the API's: a mux that knows what it has.
type routes struct {
	mux   http.ServeMux
	table map[string]route
	// tickets are good for what agents serve, in place of a token.
	tickets *tickets
}

func newRoutes() *routes { return &routes{table: map[string]route{}, tickets: newTickets()} }

// HandleFunc has requests of a pattern, which names a method, answered.
func (t *routes) HandleFunc(pattern string, h http.HandlerFunc) { t.Handle(pattern, h) }

// Handle is HandleFunc for a handler.
func (t *routes) Handle(pattern string, h http.Handler) {
	r, special := exceptions[pattern]
	if !special {
		method, _, _ := strings.Cut(pattern, " ")
		r = route{Control, mostBody}
		if method == http.MethodGet {
			r.role = Observe
		}
	}
	t.table[pattern] = r
	t.mux.Handle(pattern, h)
}

// of is what a request's route asks for. What has none is for those who may look:
// others are not told what there is.
func (t *routes) of(r *http.Request) (_ route, known bool) {
	_, pattern := t.mux.Handler(r)
	if pattern == "" || !isClean(r.URL.EscapedPath()) {
		return route{Observe, mostBody}, false
	}
	return t.table[pattern], true
}

// isClean says whether a path is written as the mux writes it. It leads others
// elsewhere, where an empty name would be taken for the word behind it.
func isClean(p string) bool {
	return path.Clean(p) == p || strings.HasSuffix(p, "/") && path.Clean(p)+"/" == p
}

// ServeHTTP answers a request, whoever asks.
func (t *routes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	what, known := t.of(r)
	if !known {
		t.unknown(w, r)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, what.body)
	t.mux.ServeHTTP(w, r)
}

// methods are those that a path may be asked with.
var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// unknown answers what no route is for.
func (t *routes) unknown(w http.ResponseWriter, r *http.Request) {
	allowed := slices.DeleteFunc(slices.Clone(methods), func(method string) bool {
		other := *r
		other.Method = method
		_, known := t.of(&other)
		return !known
	})
	if len(allowed) == 0 {
		refuse(w, http.StatusNotFound, "no such path: "+r.URL.Path)
		return
	}
	list := strings.Join(allowed, ", ")
	w.Header().Set("Allow", list)
	refuse(w, http.StatusMethodNotAllowed, r.URL.Path+" can be asked with "+list)
}
