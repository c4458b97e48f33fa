package gateway

import (
	"net/http"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/price"
)

// Who answered a request.
const (
	FromUpstream = "upstream"
	FromRecord   = "record"  // it had been answered before
	FromGateway  = "gateway" // which refused it, or could not reach the upstream
)

// An Ended is a request that is over, as it is counted.
type Ended struct {
	Agent  string
	API    string
	Model  string // that was asked for
	By     string // who answered
	Status int    // that the agent's tool got; 0 where it got none
	// Of what an upstream has answered, with all its tries; else zero.
	Tokens price.Tokens
	USD    agent.USD
	Took   time.Duration
}

// A statusWriter knows what status was answered.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController flush what is below.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// observed begins a request whose answer goes to w; over has to be called at its end.
func (p *passage) observed(w http.ResponseWriter) (over func()) {
	to := &statusWriter{ResponseWriter: w}
	p.w, p.by = to, FromGateway
	return func() {
		if p.opts.Ended == nil {
			return
		}
		e := &Ended{Agent: p.client.Agent, API: p.api.Name, Model: p.ask.Model, By: p.by, Status: to.status}
		if p.by == FromUpstream {
			e.Tokens, e.USD, e.Took = p.ex.Tokens, p.ex.USD, time.Since(p.asked)
		}
		p.opts.Ended(e)
	}
}
