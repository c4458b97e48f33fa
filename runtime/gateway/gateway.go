package gateway

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/troupe-dev/troupe/runtime/price"
)

const (
	// mostRequest bounds a request's body, as providers do.
	mostRequest = 64 << 20
	// usualConcurrency is how many requests go to one upstream at a time.
	usualConcurrency = 64
	// usualTries is how often one is made for which the upstream has no room.
	usualTries = 5
	// usualFirst is how long an upstream may take to answer, and usualIdle how long
	// it may be silent in mid-answer.
	usualFirst = 10 * time.Minute
	usualIdle  = 5 * time.Minute
	// mostAnswer bounds an answer, which is held until it is over.
	mostAnswer = 256 << 20
)

// An Upstream is where the requests of one API go.
type Upstream struct {
	API  string
	URL  string // "" for the API's usual one
	Key  string // the real one
	Most int    // requests at a time; 0 for 64
	// Tries is how often a request is made for which there is no room; 0 for 5.
	Tries int
	// First is how long it may take to begin to answer, and Idle how long to be
	// silent after that; 0 for 10 and 5 minutes.
	First, Idle time.Duration
}

// Options are what a gateway works with.
type Options struct {
	Upstreams []Upstream
	Prices    *price.Table
	Budgets   *Budgets
	Exchanges *Exchanges // nil where they are not kept
	// Past is what has been answered before: in a run that goes on, what its agents
	// may ask for again, each of which is paid once; nil for nothing. With Only it is
	// all that answers, and no upstream is asked: then a request that differs from
	// the one on record is answered too, unless Strict; with Onward it goes to the
	// model instead, and so do all of its agent's that follow.
	Past                 *Past
	Only, Strict, Onward bool
	// Turn says which tick an agent is in, and how often it was asked in it.
	Turn func(agent string) (tick, attempt int)
	// Used is told of each exchange that has ended, before its last byte is passed
	// on. Refused is told of a request that its agent's budget does not allow, or
	// that has no counterpart on record. Both may be called concurrently.
	Used    func(e *Exchange)
	Refused func(agent string, err error)
	// Wait is told when a request begins to wait for its upstream or its budget, and
	// release when it goes.
	Wait func(agent string) (release func())
	// Ended is told of each request for something billed once it is over, and Retried
	// of each that is made again since its upstream had no room. Both may be nil, and
	// may be called concurrently.
	Ended   func(r *Ended)
	Retried func(api string)
	// Log is told what an agent should be able to find out about its requests.
	Log func(agent, text string)
}

// A Gateway passes the requests of agents on. It is an http.Handler for paths
// /AGENT/API/…, as agent.API gives them.
type Gateway struct {
	opts      Options
	upstreams map[string]*upstream

	ctx    context.Context //nolint:containedctx // of what is asked: an answer outlives whoever asked
	cancel context.CancelFunc
	wg     sync.WaitGroup // requests that are served

	mu      sync.Mutex
	clients map[string]*client
	flying  map[*passage]bool // at the upstreams
}

// A client is an agent that has a token.
type client struct {
	Client
	token    string
	normal   *Normaliser
	tick     int // of the counts
	attempt  int
	requests int    // in it
	strange  string // a model without a price, of which its log tells
}

// New makes a gateway.
func New(opts Options) (*Gateway, error) {
	if opts.Past == nil {
		opts.Past = NewPast()
	}
	g := &Gateway{opts: opts, upstreams: map[string]*upstream{}, clients: map[string]*client{}, flying: map[*passage]bool{}}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	for _, u := range opts.Upstreams {
		up, err := newUpstream(u)
		if err != nil {
			return nil, err
		}
		g.upstreams[u.API] = up
	}
	return g, nil
}

// A Client is an agent that may ask.
type Client struct {
	Agent string
	Dirs  map[string]string // its directories by name: requests are compared without them
	// Retold says that its next process may ask what it has asked in any tick, and
	// not in the newest one alone.
	Retold bool
}

// Admit gives an agent a token, in place of one that it had.
func (g *Gateway) Admit(c Client) (token string) {
	var b [24]byte
	_, _ = rand.Read(b[:]) // it never fails
	token = "troupe-" + hex.EncodeToString(b[:])
	g.mu.Lock()
	defer g.mu.Unlock()
	g.clients[c.Agent] = &client{Client: c, token: token, normal: NewNormaliser(c.Dirs)}
	return token
}

// Started says that a new process of an agent is about to ask, and that there is
// none any more that did. What the models have answered in the tick that the agent
// is in, and what they are answering now, is there for it to be asked for again.
func (g *Gateway) Started(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.opts.Past.rewind(id)
	if c := g.clients[id]; c != nil {
		c.requests = 0
	}
	for p := range g.flying {
		if p.ex.Agent == id {
			p.orphaned()
		}
	}
}

// Close breaks off what is under way, and waits until its handlers are done with it.
// The server that calls them is closed before: a client may be slow to say what it asks.
func (g *Gateway) Close() {
	g.mu.Lock()
	g.cancel()
	g.mu.Unlock()
	g.wg.Wait()
	for _, u := range g.upstreams {
		u.client.CloseIdleConnections()
	}
}

// Dismiss takes an agent's token away.
func (g *Gateway) Dismiss(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.clients, id)
}

// tokenOf is the token that a request shows.
func tokenOf(h http.Header) string {
	if key := h.Get("X-Api-Key"); key != "" {
		return key
	}
	token, _ := strings.CutPrefix(h.Get("Authorization"), "Bearer ")
	return token
}

// whose is whoever a request is from; nil where its token is not that agent's.
func (g *Gateway) whose(id, token string) *client {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := g.clients[id]
	if c == nil || subtle.ConstantTimeCompare([]byte(c.token), []byte(token)) != 1 {
		return nil
	}
	return c
}

// place says where in the run a request stands.
func (g *Gateway) place(c *client) (tick, attempt, ordinal int) {
	tick, attempt = g.opts.Turn(c.Agent)
	g.mu.Lock()
	defer g.mu.Unlock()
	if tick > c.tick && !c.Retold && !g.opts.Only {
		g.opts.Past.forget(c.Agent, tick)
	}
	if tick != c.tick || attempt != c.attempt {
		c.tick, c.attempt, c.requests = tick, attempt, 0
	}
	c.requests++
	return tick, attempt, c.requests - 1
}

// enter takes in a request, unless the gateway is closed.
func (g *Gateway) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ctx.Err() != nil {
		return false
	}
	g.wg.Add(1)
	return true
}

// ServeHTTP passes a request on. It ends with the gateway, and then by an abort: nothing
// that is half said shall look whole.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !g.enter() {
		panic(http.ErrAbortHandler)
	}
	defer g.wg.Done()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(g.ctx, cancel)()
	g.serve(w, r.WithContext(ctx))
	if g.ctx.Err() != nil {
		panic(http.ErrAbortHandler)
	}
}

func (g *Gateway) serve(w http.ResponseWriter, r *http.Request) {
	id, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	name, path, _ := strings.Cut(rest, "/")
	api := APIs[name]
	if api == nil {
		http.Error(w, fmt.Sprintf("troupe's gateway has no %q: there are %s", name, strings.Join(names(), ", ")), http.StatusNotFound)
		return
	}
	path = "/" + path
	c := g.whose(id, tokenOf(r.Header))
	if c == nil {
		api.refuse(w, http.StatusUnauthorized, "authentication_error", "this is no token of "+id+"'s: an agent's requests carry the one that it was started with")
		return
	}
	b, billed := api.billed[path]
	switch {
	case billed && r.Method == http.MethodPost:
		g.billed(w, r, c, api, path, b)
	case api.free(r.Method, path):
		g.free(w, r, api, path)
	default:
		api.refuse(w, http.StatusNotFound, "not_found_error", fmt.Sprintf("troupe's gateway does not pass on %s %s", r.Method, path))
	}
}

func names() []string {
	var all []string
	for name := range APIs {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// refuse answers in the provider's place. No client tries again.
func (a *API) refuse(w http.ResponseWriter, status int, kind, text string) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Should-Retry", "false")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(a.refusal(kind, text))
}

// price is that of a model; of one that has none the dearest, which is said.
func (g *Gateway) price(c *client, model string) price.Price {
	p, ok := g.opts.Prices.Of(model)
	if !ok {
		p = g.opts.Prices.Dearest()
		g.mu.Lock()
		known := c.strange == model
		c.strange = model
		g.mu.Unlock()
		if !known {
			g.opts.Log(c.Agent, fmt.Sprintf("the table of prices has no model %q: it is counted at the dearest prices there are", model))
		}
	}
	return p
}
