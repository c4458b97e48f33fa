package observe

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// CheckListen says why nothing can listen at that address, or nil.
func CheckListen(addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %q: %w; give host:port, such as 127.0.0.1:8080", addr, err)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("cannot listen on %q: the port must be a number from 0 to 65535", addr)
	}
	return nil
}

// Listen listens at host:port; port 0 is any free one.
func Listen(addr string) (net.Listener, error) {
	if err := CheckListen(addr); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", addr, err)
	}
	return l, nil
}

// Public is what whoever can reach a TCP listener is served: the API, by the roles
// that tokens prove, and how this process is.
type Public struct {
	Runs    Runs
	Tokens  *Tokens
	Metrics *Metrics
	// Unready says why it is not ready, or nothing; called concurrently.
	Unready func() string
	// Page answers GET / and what the page needs; nil for no page.
	Page http.Handler
	// Log is told what goes wrong with the server itself; nil drops.
	Log *slog.Logger
}

// faults logs what a server of Go's says of its own faults. The rest is what strangers
// do wrong, which is no news.
type faults struct{ to *slog.Logger }

var ownFaults = []string{"http: panic serving ", "http: Accept error: "}

// Write implements io.Writer for one line, or for a panic with its stack.
func (f faults) Write(text []byte) (int, error) {
	own := func(begin string) bool { return bytes.HasPrefix(text, []byte(begin)) }
	if f.to != nil && slices.ContainsFunc(ownFaults, own) {
		f.to.Error(string(bytes.TrimSpace(text)))
	}
	return len(text), nil
}

// ServeTCP answers the API on a TCP listener until the returned stop is called,
// which does as that of Serve. Beside it:
//
//	/healthz  200 while the process lives
//	/readyz   200, or 503 with what Unready says
//	/metrics  for the role observe, or for anyone on a loopback listener
//	/         the page
//
// Who has no token is told nothing of runs, on loopback too: agents with a network
// could else steer the run that holds them.
func ServeTCP(l net.Listener, p Public) (stop func()) {
	return serve(l, &http.Server{
		Handler:           counted(p.Runs, newGate(p.routes(), p.Tokens, l.Addr())),
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: log.New(faults{p.Log}, "", 0),
	})
}

func (p *Public) routes() *routes {
	t := apiRoutes(p.Runs, false)
	t.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, "alive")
	})
	t.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if why := p.Unready(); why != "" {
			answer(w, http.StatusServiceUnavailable, why)
			return
		}
		answer(w, http.StatusOK, "ready")
	})
	t.Handle("GET /metrics", p.Metrics.Handler())
	if p.Page != nil {
		t.Handle("GET /{$}", p.Page)
	}
	return t
}

func answer(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, text+"\n")
}
