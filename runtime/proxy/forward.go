package proxy

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"time"
)

// silent is where what goes wrong with single connections is logged: nowhere.
var silent = log.New(io.Discard, "", 0)

// forward passes a request for an http:// URL on.
func (p *Proxy) forward(w http.ResponseWriter, r *http.Request, c *client) {
	p.wg.Add(1) // the connection is none of the server's once it is upgraded
	defer p.wg.Done()
	near := http.NewResponseController(w)
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, target string) (net.Conn, error) {
			far, err := p.dial(ctx, c.list, target)
			if err != nil {
				return nil, err
			}
			return &patient{far, near, p.opts.Idle}, nil
		},
		DisableKeepAlives: true, DisableCompression: true, // each request is looked at, and its answer left alone
		MaxResponseHeaderBytes: 1 << 20,
	}
	proxy := httputil.ReverseProxy{
		Rewrite: func(out *httputil.ProxyRequest) {
			out.Out.Host = out.In.URL.Host // RFC 9112, 3.2.2: what Host says does not count
		},
		Transport: transport, FlushInterval: -1, ErrorLog: silent,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) { p.fail(w, c, err) },
	}
	proxy.ServeHTTP(w, r)
}

// A patient connection ends where nothing goes over it for long, and so does the
// one that it is tied to.
type patient struct {
	net.Conn
	near *http.ResponseController
	idle time.Duration
}

func (c *patient) Read(b []byte) (int, error) {
	c.touch()
	return c.Conn.Read(b)
}

func (c *patient) Write(b []byte) (int, error) {
	c.touch()
	return c.Conn.Write(b)
}

func (c *patient) touch() {
	until := time.Now().Add(c.idle)
	_ = c.SetDeadline(until)
	_ = c.near.SetReadDeadline(until)
	_ = c.near.SetWriteDeadline(until)
}
