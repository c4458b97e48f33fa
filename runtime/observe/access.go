package observe

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"time"
)

// How long strangers may take: to send a request's body, all of it, and to take
// in each part of an answer.
const (
	bodyPatience  = time.Minute
	writePatience = 30 * time.Second
)

// A gate lets requests over TCP through to the routes that their tokens are good
// for.
type gate struct {
	routes *routes
	tokens *Tokens
	local  bool // the listener is reached from this machine alone
	origin http.CrossOriginProtection
}

func newGate(t *routes, tokens *Tokens, at net.Addr) *gate {
	g := &gate{routes: t, tokens: tokens, local: isLoopback(at)}
	g.origin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusForbidden, "a page of another origin may not change anything here")
	}))
	return g
}

func isLoopback(at net.Addr) bool {
	tcp, ok := at.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// ServeHTTP implements http.Handler.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := &pacedWriter{ResponseWriter: w, rc: http.NewResponseController(w)}
	defer p.pace() // for what is still to be sent when the handler is done
	if r.Body != http.NoBody {
		_ = p.rc.SetReadDeadline(time.Now().Add(bodyPatience))
		r.Body = &timedBody{r.Body, p.rc}
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	if g.local && !isLocalHost(r.Host) {
		refuse(p, http.StatusMisdirectedRequest, fmt.Sprintf("this is not %s: ask for 127.0.0.1 or localhost", r.Host))
		return
	}
	is, byTicket, ok := g.admits(p, r)
	switch r = withRole(r, is); {
	case !ok:
	case byTicket: // it is in the path: a page that does not know it cannot ask
		g.routes.ServeHTTP(p, r)
	default:
		g.origin.Handler(g.routes).ServeHTTP(p, r)
	}
}

// isLocalHost says whether a request's Host names this machine. A name that leads
// here by DNS may be anybody's, whose pages a browser would let read the answers.
func isLocalHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// admits says whether a request may go on and with what rights, or answers why it
// may not.
func (g *gate) admits(w http.ResponseWriter, r *http.Request) (is Role, byTicket, ok bool) {
	what, _ := g.routes.of(r)
	if is, byTicket = g.routes.tickets.ticketRole(r); byTicket {
		switch {
		case is == Anyone:
			w.Header().Set("WWW-Authenticate", challenge)
			refuse(w, http.StatusUnauthorized, "the ticket is over, or none of this agent's: POST to http-ticket beside http gives another")
		case is < what.role:
			refuse(w, http.StatusForbidden, fmt.Sprintf("the ticket was made with the token of %s; this needs one of %s", is, what.role))
		}
		return is, true, is != Anyone && is >= what.role
	}
	if g.local && r.URL.Path == "/metrics" {
		what.role = Anyone
	}
	switch is = g.tokens.role(bearer(r)); {
	case is >= what.role:
		return is, false, true
	case is == Anyone:
		w.Header().Set("WWW-Authenticate", challenge)
		refuse(w, http.StatusUnauthorized, fmt.Sprintf("this needs the header Authorization: Bearer TOKEN; the token is in %s", g.where(what.role)))
	default:
		refuse(w, http.StatusForbidden, fmt.Sprintf("the token is for %s; this needs that in %s", is, g.where(what.role)))
	}
	return is, false, false
}

// challenge asks for a token.
const challenge = `Bearer realm="troupe"`

// where names the file of a role's token, by no more of its path than says which.
func (g *gate) where(r Role) string {
	dir := g.tokens.dir
	return filepath.Join(filepath.Base(filepath.Dir(dir)), filepath.Base(dir), r.String())
}

// A pacedWriter gives each part of an answer its time: who does not take it in is
// hung up on, and holds nothing up.
type pacedWriter struct {
	http.ResponseWriter
	rc *http.ResponseController
}

func (p *pacedWriter) pace() { _ = p.rc.SetWriteDeadline(time.Now().Add(writePatience)) }

// pacePart is how long a part of an answer is at most.
const pacePart = 64 << 10

func (p *pacedWriter) Write(b []byte) (n int, err error) {
	for more := true; more && err == nil; more = n < len(b) {
		p.pace()
		var written int
		written, err = p.ResponseWriter.Write(b[n:min(n+pacePart, len(b))])
		n += written
	}
	return n, err
}

// FlushError is what http.ResponseController calls.
func (p *pacedWriter) FlushError() error {
	p.pace()
	return p.rc.Flush()
}

// Unwrap is how http.ResponseController finds all else.
func (p *pacedWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// A timedBody must be all there in time. Once it is, the connection may be quiet
// for as long as the answer takes.
type timedBody struct {
	io.ReadCloser
	rc *http.ResponseController
}

func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		_ = b.rc.SetReadDeadline(time.Time{})
	}
	return n, err
}
