package modeltest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
)

// A Script answers one request. It is called from many goroutines at once, and
// by a client that tries again as often as it does; scripts that depend on the
// request alone are therefore the sturdiest. It may wait, until the context of
// the request is done.
type Script func(r *Request) Reply

// A Server is a model on loopback. Its methods may be called from any
// goroutine.
type Server struct {
	URL string // without a path: what ANTHROPIC_BASE_URL is set to; OPENAI_BASE_URL has /v1 behind it

	http   *httptest.Server
	cancel context.CancelFunc
	script Script

	mu       sync.Mutex
	requests []*Request
	strays   []string
}

// Start returns a server that answers by script. It panics if it cannot listen.
func Start(script Script) *Server {
	s := &Server{script: script}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.http = httptest.NewUnstartedServer(s.routes())
	s.http.Config.BaseContext = contextOf(ctx)
	s.http.Start()
	s.URL = s.http.URL
	return s
}

// Close ends the server: whatever still hangs or waits is cut, and Close
// returns once every request's goroutine is gone.
func (s *Server) Close() {
	s.cancel()
	s.http.CloseClientConnections()
	s.http.Close()
}

// Requests lists what the script was asked so far, in the order of arrival.
// The requests are shared and not to be changed.
func (s *Server) Requests() []*Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Keys lists the keys that the script was asked with so far, sorted, each once.
func (s *Server) Keys() []string {
	var keys []string
	for _, r := range s.Requests() {
		keys = append(keys, r.Key)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// Strays lists what came in so far and was not the script's to answer, in the
// order of arrival: what this server does not serve or refused, and why.
func (s *Server) Strays() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.strays)
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/messages", s.answer(decode))
	mux.HandleFunc("POST /v1/messages/count_tokens", s.count)
	mux.HandleFunc("POST /v1/responses", s.answer(decodeResponses))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, r, refusal{http.StatusNotFound, "no such path"})
	})
	return mux
}

// A decoder reads a request in the words of its API.
type decoder func(r *http.Request, body []byte) (*Request, error)

// answer is a call of the model.
func (s *Server) answer(decode decoder) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		request, err := read(r, decode)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		s.mu.Lock()
		request.N = len(s.requests)
		s.requests = append(s.requests, request)
		s.mu.Unlock()
		s.script(request).write(w, request)
	}
}

// count tells how many tokens a request has. No script is asked: the figure is
// a quarter of the bytes.
func (s *Server) count(w http.ResponseWriter, r *http.Request) {
	request, err := read(r, decode)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]int{"input_tokens": len(request.Raw) / 4})
}

// read takes a request in and checks it.
func read(r *http.Request, decode decoder) (*Request, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	request, err := decode(r, body)
	if err != nil {
		return nil, err
	}
	return request, request.wire.check(request)
}

// refuse answers a request that no script sees, and notes it.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status := statusOf(err)
	s.mu.Lock()
	s.strays = append(s.strays, fmt.Sprintf("%s %s: %d %v", r.Method, r.URL.Path, status, err))
	s.mu.Unlock()
	writeError(w, status, err.Error())
}
