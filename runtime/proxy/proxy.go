package proxy

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"
)

const (
	// mostHeader is how long the header of a request may be, in bytes; net/http
	// reads a little more.
	mostHeader = 16 << 10
	// mostEach is how many connections a process may have through the proxy.
	mostEach = 64
	// mostWaiting is how many connections there may be that have no tunnel.
	mostWaiting = 1024
)

// Options of a proxy; what is zero has a default.
type Options struct {
	// Refused is told of each host that a process was refused, once. It may be
	// called concurrently.
	Refused func(process string, why *RefusedError)
	Header  time.Duration // for a request's header, and for the body of one that is refused; 10s
	Dial    time.Duration // for resolving a name and connecting; 30s
	Idle    time.Duration // of a connection over which nothing goes, until it is closed; 10m
}

// A Proxy listens on a port of this machine. Its methods may be called
// concurrently.
type Proxy struct {
	opts     Options
	names    resolver
	public   func(netip.Addr) bool // says which addresses may be connected to by name
	listener *net.TCPListener
	server   *http.Server
	ctx      context.Context
	cancel   context.CancelFunc
	wg       sync.WaitGroup // the server, its connections and tunnels

	mu      sync.Mutex
	clients map[string]*client // by process
	waiting map[net.Conn]bool  // connections of the server's
}

// A client is a process that may use the proxy.
type client struct {
	process string
	secret  string
	list    list

	mu      sync.Mutex
	open    int
	refused map[string]bool // hosts that were told of
}

// Open starts a proxy. It must be closed.
func Open(o Options) (*Proxy, error) { return open(o, net.DefaultResolver) }

func open(o Options, names resolver) (*Proxy, error) {
	if o.Header == 0 {
		o.Header = 10 * time.Second
	}
	if o.Dial == 0 {
		o.Dial = 30 * time.Second
	}
	if o.Idle == 0 {
		o.Idle = 10 * time.Minute
	}
	// Plain TCP, which is what Landlock knows.
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, fmt.Errorf("cannot open the outbound proxy: %w", err)
	}
	p := &Proxy{opts: o, names: names, public: public, listener: l, clients: map[string]*client{}, waiting: map[net.Conn]bool{}}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.server = &http.Server{
		Handler: p, MaxHeaderBytes: mostHeader, ReadHeaderTimeout: o.Header, IdleTimeout: o.Header,
		ConnState: p.state, ErrorLog: silent, DisableGeneralOptionsHandler: true,
		BaseContext: func(net.Listener) context.Context { return p.ctx },
	}
	p.wg.Go(func() { _ = p.server.Serve(l) })
	return p, nil
}

// state counts the server's connections: all but those that are tunnels. It is
// called for new ones by the server's own goroutine, before theirs begin.
func (p *Proxy) state(c net.Conn, s http.ConnState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case s == http.StateNew:
		p.wg.Add(1)
		p.waiting[c] = true
		if len(p.waiting) > mostWaiting {
			_ = c.Close()
		}
	case (s == http.StateClosed || s == http.StateHijacked) && p.waiting[c]:
		delete(p.waiting, c)
		p.wg.Done()
	}
}

// Close ends all connections and waits for them.
func (p *Proxy) Close() {
	p.cancel()
	_ = p.server.Close()
	p.wg.Wait()
}

// Port is where it listens, on 127.0.0.1.
func (p *Proxy) Port() int { return p.listener.Addr().(*net.TCPAddr).Port }

// Admit lets a process connect to what the rules say, and gives the URL that its
// proxy has for it. One that was let in before keeps its URL.
func (p *Proxy) Admit(process string, rules []Rule) string {
	c := &client{process: process, secret: rand.Text(), list: rules, refused: map[string]bool{}}
	p.mu.Lock()
	if before := p.clients[process]; before != nil {
		c.secret = before.secret
	}
	p.clients[process] = c
	p.mu.Unlock()
	u := url.URL{Scheme: "http", User: url.UserPassword(process, c.secret), Host: p.listener.Addr().String()}
	return u.String()
}

// client is who a request comes from; nil for somebody unknown.
func (p *Proxy) client(r *http.Request) *client {
	// Its form is that of Authorization, which net/http reads.
	login := http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}
	process, secret, ok := login.BasicAuth()
	if !ok {
		return nil
	}
	p.mu.Lock()
	c := p.clients[process]
	p.mu.Unlock()
	if c == nil || subtle.ConstantTimeCompare([]byte(secret), []byte(c.secret)) != 1 {
		return nil
	}
	return c
}

// enter takes one of a process's connections, and says whether there was one.
func (c *client) enter() (leave func(), ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open >= mostEach {
		return nil, false
	}
	c.open++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.open--
	}, true
}

// mostTold is how many hosts a process is told of as refused: it may make up any
// number of them.
const mostTold = 1000

// tell passes a refusal on that is the first of its host.
func (p *Proxy) tell(c *client, why *RefusedError) {
	if p.opts.Refused == nil {
		return
	}
	c.mu.Lock()
	host := fold(why.Host)
	known := c.refused[host] || len(c.refused) >= mostTold
	if !known {
		c.refused[host] = true
	}
	c.mu.Unlock()
	if !known {
		p.opts.Refused(c.process, why)
	}
}

// ServeHTTP implements http.Handler.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := p.client(r)
	if c == nil {
		w.Header().Set("Proxy-Authenticate", `Basic realm="troupe"`)
		p.say(w, "troupe: the proxy takes the credential that HTTPS_PROXY has", http.StatusProxyAuthRequired)
		return
	}
	leave, ok := c.enter()
	if !ok {
		p.say(w, fmt.Sprintf("troupe: this process has %d connections through the proxy, which is all it may have", mostEach), http.StatusTooManyRequests)
		return
	}
	defer leave()
	switch {
	case r.Method == http.MethodConnect:
		p.connect(w, r, c)
	case r.URL.Scheme == "http" && r.URL.Host != "":
		p.forward(w, r, c)
	default:
		p.say(w, "troupe: this is a proxy: it takes CONNECT, and requests for http:// URLs", http.StatusBadRequest)
	}
}

// say answers in the host's place. What is still to come of the request is read, by the
// server, for no longer than a header.
func (p *Proxy) say(w http.ResponseWriter, text string, code int) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(p.opts.Header))
	http.Error(w, text, code)
}

// fail says why a host was not reached.
func (p *Proxy) fail(w http.ResponseWriter, c *client, err error) {
	code := http.StatusBadGateway
	var no *RefusedError
	switch {
	case errors.As(err, &no):
		p.tell(c, no)
		code = http.StatusForbidden
	case errors.Is(err, context.DeadlineExceeded):
		code = http.StatusGatewayTimeout
	}
	p.say(w, "troupe: "+err.Error(), code)
}
