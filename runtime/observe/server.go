package observe

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// removalPatience is how long who removes something is waited for, beyond the others:
// it is done in any case, and who asked for it should know.
const removalPatience = 5 * time.Second

// Serve answers the API on a listener until the returned stop is called, which
// waits for requests under way, 2 s at most, for those that remove something 5 s more,
// and closes the listener.
func Serve(l net.Listener, runs Runs) (stop func()) {
	return serve(l, &http.Server{Handler: Handler(runs), ReadHeaderTimeout: 10 * time.Second})
}

func serve(l net.Listener, srv *http.Server) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	srv.MaxHeaderBytes = 64 << 10
	srv.BaseContext = func(net.Listener) context.Context { return ctx }
	done := make(chan struct{})
	var removing atomic.Int64
	var handling sync.RWMutex // read by handlers: the server does not know of those that took their connection over
	h := srv.Handler
	srv.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handling.RLock()
		defer handling.RUnlock()
		if r.Method == http.MethodDelete {
			removing.Add(1)
			defer removing.Add(-1)
		}
		h.ServeHTTP(w, r)
	})
	go func() {
		defer close(done)
		_ = srv.Serve(l) // ends with Shutdown
	}()
	return func() {
		shutdown := func(patience time.Duration) error {
			grace, end := context.WithTimeout(context.Background(), patience)
			defer end()
			return srv.Shutdown(grace)
		}
		err := shutdown(2 * time.Second)
		cancel()
		if err != nil && removing.Load() > 0 {
			err = shutdown(removalPatience)
		}
		if err != nil {
			_ = srv.Close()
		}
		<-done
		handling.Lock() // waits for the last of them
		defer handling.Unlock()
	}
}

// Handler is the API over some runs, for whoever may do all and is on this machine.
func Handler(runs Runs) http.Handler { return counted(runs, apiRoutes(runs, true)) }

// apiRoutes are the routes of the API. Local says that who asks is this machine's.
func apiRoutes(runs Runs, local bool) *routes {
	mux := newRoutes()
	mux.HandleFunc("GET /v1/openapi.json", serveDocument)
	mux.HandleFunc("GET /v1/runs", func(w http.ResponseWriter, r *http.Request) {
		list, err := runs.List(r.Context())
		if err != nil {
			fail(w, err)
			return
		}
		answerJSON(w, http.StatusOK, list)
	})
	mux.HandleFunc("GET /v1/runs/{run}", func(w http.ResponseWriter, r *http.Request) {
		run, err := runs.Get(r.Context(), r.PathValue("run"))
		tell(w, http.StatusOK, run, err)
	})
	mux.HandleFunc("GET /v1/runs/{run}/events", eventStream(runs, fromTick("application/jsonl", func(r *http.Request, from int, q *query) func(io.Writer) error {
		follow := q.flag("follow")
		return func(out io.Writer) error { return runs.Events(r.Context(), r.PathValue("run"), from, follow, out) }
	})))
	mux.HandleFunc("GET /v1/runs/{run}/records", fromTick("application/octet-stream", func(r *http.Request, from int, _ *query) func(io.Writer) error {
		return func(out io.Writer) error { return runs.Records(r.Context(), r.PathValue("run"), from, out) }
	}))
	mux.HandleFunc("GET /v1/runs/{run}/entries", func(w http.ResponseWriter, r *http.Request) {
		stream(w, "application/octet-stream", func(out io.Writer) error {
			return runs.Entries(r.Context(), r.PathValue("run"), out)
		})
	})
	logs := tailed("text/plain; charset=utf-8", func(r *http.Request, tail int, out io.Writer) error {
		return runs.Log(r.Context(), r.PathValue("run"), r.PathValue("agent"), tail, out)
	})
	mux.HandleFunc("GET /v1/runs/{run}/log", logs)
	mux.HandleFunc("GET /v1/runs/{run}/agents/{agent}/log", logs)
	mux.HandleFunc("GET /v1/runs/{run}/agents/{agent}/transcript", tailed("application/jsonl", func(r *http.Request, tail int, out io.Writer) error {
		return runs.Transcript(r.Context(), r.PathValue("run"), r.PathValue("agent"), tail, out)
	}))
	mux.HandleFunc("POST /v1/runs/{run}/stop", func(w http.ResponseWriter, r *http.Request) {
		done(w, runs.Stop(r.Context(), r.PathValue("run")))
	})
	mux.HandleFunc("DELETE /v1/runs/{run}", func(w http.ResponseWriter, r *http.Request) {
		q := queryOf(r)
		force := q.flag("force")
		if q.err != nil {
			fail(w, q.err)
			return
		}
		done(w, runs.Remove(r.Context(), r.PathValue("run"), force))
	})
	frameRoutes(mux, runs)
	if in, ok := runs.(Inspector); ok {
		inspectRoutes(mux, in)
	}
	chatRoutes(mux, runs)
	outsideRoutes(mux, runs)
	controlRoutes(mux, runs, local)
	humanRoutes(mux, runs)
	servedRoutes(mux, runs)
	observerRoutes(mux, runs)
	return mux
}

// counted has a store's owner know of each request about runs, which waits until the
// owner knows what it is to play.
func counted(runs Runs, h http.Handler) http.Handler {
	s, ok := runs.(*Store)
	if !ok || s.Busy == nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v1/") {
			defer s.Busy()()
			if s.Opened != nil {
				if err := s.Opened(r.Context()); err != nil {
					fail(w, err)
					return
				}
			}
		}
		h.ServeHTTP(w, r)
	})
}

// mostTick is the highest number that a tick may have.
const mostTick = 1 << 53

// fromTick answers with what is streamed from the tick on that is asked for.
func fromTick(kind string, writer func(r *http.Request, from int, q *query) func(io.Writer) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := queryOf(r)
		write := writer(r, q.number("from", 0, mostTick), q)
		if q.err != nil {
			fail(w, q.err)
			return
		}
		stream(w, kind, write)
	}
}

// tailed answers with a log, or its last lines.
func tailed(kind string, write func(r *http.Request, tail int, out io.Writer) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := queryOf(r)
		tail := q.number("tail", All, mostTick)
		if q.err != nil {
			fail(w, q.err)
			return
		}
		stream(w, kind, func(out io.Writer) error { return write(r, tail, out) })
	}
}

func done(w http.ResponseWriter, err error) {
	if err != nil {
		fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// failed is the trailer that carries what went wrong after the answer began.
const failed = "Troupe-Error"

// stream answers with what write writes, flushed as it says.
func stream(w http.ResponseWriter, kind string, write func(io.Writer) error) {
	out := &flusher{w: w, kind: kind}
	err := write(out)
	switch {
	case err != nil && !out.begun:
		fail(w, err)
	case err != nil:
		w.Header().Set(failed, err.Error())
	case !out.begun:
		out.begin()
	}
}

type flusher struct {
	w     http.ResponseWriter
	kind  string
	begun bool
}

func (f *flusher) begin() {
	f.begun = true
	f.w.Header().Set("Content-Type", f.kind)
	f.w.Header().Set("Trailer", failed) // announced, since a short answer has no trailer else
	f.w.WriteHeader(http.StatusOK)
}

func (f *flusher) Write(b []byte) (int, error) {
	if !f.begun {
		f.begin()
	}
	return f.w.Write(b)
}

// Flush sends what was written so far, the headers at least.
func (f *flusher) Flush() {
	if !f.begun {
		f.begin()
	}
	_ = http.NewResponseController(f.w).Flush()
}
