package observe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// ErrNotServed is that of an agent that serves no port.
var ErrNotServed = errors.New("nothing is served")

// Served are the ports that the agents of one live run serve. The method may be
// called concurrently.
type Served interface {
	// Port is where an agent's process may listen on this machine now. ErrNotServed:
	// nowhere, ever or any more; ErrConflict: it is not there now.
	Port(agent string) (int, error)
}

// Port implements Runs.
func (s *Store) Port(_ context.Context, run, agent string) (int, error) {
	if err := s.exists(run); err != nil {
		return 0, err
	}
	l := s.live(run)
	if l == nil || l.Served == nil {
		return 0, fmt.Errorf("%w: run %s is not running; troupe resume %s goes on with it", ErrNotServed, run, run)
	}
	return l.Served.Port(agent)
}

// A porter finds the ports that agents serve: whoever hands requests on to them is
// on their machine.
type porter interface {
	Port(ctx context.Context, run, agent string) (int, error)
	// passes are the tickets that all listeners take.
	passes() *tickets
}

func (s *Store) passes() *tickets {
	s.ticketing.Do(func() { s.ticketKey = newTickets() })
	return s.ticketKey
}

// A Ticket lets a browser, which cannot send a token with a link, reach what an
// agent serves.
type Ticket struct {
	URL     string    `json:"url"` // a path of this API, good until then
	Expires time.Time `json:"expires"`
}

// servedPattern is the path of what an agent serves, ticketPattern where there are
// tickets for it.
const (
	servedPattern = "/v1/runs/{run}/agents/{agent}/http/{path...}"
	ticketPattern = "POST /v1/runs/{run}/agents/{agent}/http-ticket"
)

// servedPath is how the paths begin of what an agent serves.
func servedPath(run, agent string) string {
	return "/v1/runs/" + url.PathEscape(run) + "/agents/" + url.PathEscape(agent) + "/http/"
}

// servedRoutes are those of what agents serve.
func servedRoutes(mux *routes, runs Runs) {
	ports, ok := runs.(porter)
	if !ok {
		return // of the client, which asks and is not asked
	}
	mux.tickets = ports.passes()
	h := &handOn{ports: ports, transport: newServedTransport(answerPatience)}
	for _, method := range methods {
		if method != http.MethodHead { // as GET
			mux.Handle(method+" "+servedPattern, h)
		}
	}
	mux.HandleFunc(ticketPattern, func(w http.ResponseWriter, r *http.Request) {
		run, agent := r.PathValue("run"), r.PathValue("agent")
		if _, err := ports.Port(r.Context(), run, agent); err != nil && !errors.Is(err, ErrConflict) {
			fail(w, err)
			return
		}
		until := time.Now().Add(ticketLife).Truncate(time.Second).UTC()
		ticket := mux.tickets.make(roleOf(r), run, agent, until)
		answerJSON(w, http.StatusOK, Ticket{URL: servedPath(run, agent) + ticketMark + ticket + "/", Expires: until})
	})
}
