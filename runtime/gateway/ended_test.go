package gateway

import (
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/price"
)

// Each request that may cost something is told of at its end, whoever answered it.
func TestGatewayTellsOfEnds(t *testing.T) {
	ended := make(chan Ended, 1)
	var retried, asked atomic.Int32
	s := newStage(t, func(o *Options) {
		o.Upstreams[0].Tries = 2
		o.Ended = func(e *Ended) { ended <- *e }
		o.Retried = func(string) { retried.Add(1) }
	}, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			w.Header().Set("Retry-After-Ms", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		streams(stream, ending)(w, r)
	})
	ask := func(body string) Ended {
		_, _, _ = s.ask(http.MethodPost, "/v1/messages", s.token, body)
		e := <-ended
		if (e.Took > 0) != (e.By == FromUpstream) {
			t.Errorf("it took %s by %s", e.Took, e.By)
		}
		e.Took = 0
		return e
	}
	body, model := fmt.Sprintf(asking, "one"), "claude-haiku-4-5"
	got := []Ended{ask(body)}
	s.gateway.Started("ann")
	got = append(got, ask(body), ask("{"))
	want := []Ended{
		{"ann", "anthropic", model, FromUpstream, 200, price.Tokens{Input: 1000, Output: 200}, agent.FromDollars(1000*1/1e6 + 200*5/1e6), 0},
		{"ann", "anthropic", model, FromRecord, 200, price.Tokens{}, 0, 0},
		{"ann", "anthropic", "", FromGateway, 400, price.Tokens{}, 0, 0},
	}
	if !slices.Equal(got, want) || retried.Load() != 1 {
		t.Errorf("got\n%+v\nwant\n%+v\nretried %d times", got, want, retried.Load())
	}
}
