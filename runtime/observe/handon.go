package observe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// How long an agent may take: to take a connection, and to begin its answer.
const (
	connectPatience = 5 * time.Second
	answerPatience  = 30 * time.Second
)

// servedPolicy keeps what an agent serves out of our origin: a page of its has one
// of its own that nobody else is of, and none of our tokens.
const servedPolicy = "sandbox allow-scripts allow-forms"

// ownHeaders are the caller's that are for us, or say who it is.
var ownHeaders = []string{
	"Authorization", "Cookie", "Cookie2", "Origin", "Proxy-Authorization", "Referer", "Via", "X-Real-Ip",
}

// barredHeaders are those of an answer that would act on our origin, or on what is
// between.
var barredHeaders = []string{
	"Access-Control-Allow-Credentials", "Access-Control-Allow-Origin", "Alt-Svc", "Clear-Site-Data", "Content-Location", "Nel", "Origin-Agent-Cluster",
	"Proxy-Authenticate", "Refresh", "Report-To", "Reporting-Endpoints", "Service-Worker-Allowed", "Set-Cookie", "Set-Cookie2",
	"Strict-Transport-Security", "Www-Authenticate", "X-Accel-Redirect", "X-Sendfile",
}

// A handOn hands requests on to the ports that agents serve, and their answers
// back. It connects to nothing else, whatever an agent says.
type handOn struct {
	ports     porter
	transport http.RoundTripper
}

// newServedTransport waits so long for an answer to begin.
func newServedTransport(patience time.Duration) http.RoundTripper {
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: connectPatience}).DialContext,
		DisableCompression:     true, // bytes pass as they are
		DisableKeepAlives:      true, // the next process at the port may be another
		MaxResponseHeaderBytes: 64 << 10,
		ResponseHeaderTimeout:  patience,
	}
}

// ServeHTTP implements http.Handler.
func (h *handOn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	run, agent, ticket, prefix, rest, ok := ticketOf(r)
	if !ok || climbs(rest) {
		refuse(w, http.StatusBadRequest, "the path leads out of what the agent serves")
		return
	}
	if r.Header.Get("Upgrade") != "" && roleOf(r) < Control {
		refuse(w, http.StatusForbidden, "a connection that goes both ways needs the token of control, or a ticket made with it")
		return
	}
	port, err := h.ports.Port(r.Context(), run, agent)
	if err != nil {
		fail(w, err)
		return
	}
	p := &passage{
		agent: agent, prefix: prefix, rest: "/" + rest, host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
		opaque: ticket != "" && r.Header.Get("Origin") == "null", named: slices.Contains(offered(r), chatProtocol),
	}
	own := w.Header()
	for _, name := range []string{"Cache-Control", "Content-Security-Policy", "Referrer-Policy", "X-Content-Type-Options"} {
		own.Del(name) // they are those of the answer
	}
	(&httputil.ReverseProxy{
		Rewrite: p.rewrite, ModifyResponse: p.answered, ErrorHandler: p.failed,
		Transport: h.transport, FlushInterval: -1, ErrorLog: log.New(io.Discard, "", 0),
	}).ServeHTTP(finalWriter{w}, r)
}

// climbs says whether a path, escaped, has a name in it that leads upwards for
// whoever reads it.
func climbs(rest string) bool {
	plain, err := url.PathUnescape(rest)
	if err != nil {
		return true
	}
	return slices.ContainsFunc(strings.FieldsFunc(plain, func(c rune) bool { return c == '/' || c == '\\' }), func(name string) bool {
		return name == ".." || name == "."
	})
}

// A passage is one request on its way to an agent.
type passage struct {
	agent  string
	prefix string // of our path, ticket and all
	rest   string // of it, the agent's, escaped
	host   string // the agent's
	opaque bool   // a page that came by a ticket asks
	named  bool   // our own protocol was among those offered to a WebSocket
}

// rewrite makes the request that the agent gets: none of who asked, or by what
// right.
func (p *passage) rewrite(pr *httputil.ProxyRequest) {
	out := pr.Out
	out.URL.Scheme, out.URL.Host, out.Host = "http", p.host, p.host
	out.URL.Path, _ = url.PathUnescape(p.rest)
	out.URL.RawPath, out.URL.RawQuery = p.rest, pr.In.URL.RawQuery
	for _, name := range ownHeaders {
		out.Header.Del(name)
	}
	for name := range out.Header {
		if strings.HasPrefix(name, "X-Forwarded-") || strings.HasPrefix(name, "Sec-Fetch-") {
			out.Header.Del(name)
		}
	}
	if _, has := out.Header["User-Agent"]; !has {
		out.Header.Set("User-Agent", "") // else the transport says its own
	}
	protocols := slices.DeleteFunc(offered(pr.In), func(name string) bool {
		return name == chatProtocol || strings.HasPrefix(name, bearerProtocol)
	})
	out.Header.Del(protocolHeader)
	if len(protocols) > 0 {
		out.Header.Set(protocolHeader, strings.Join(protocols, ", "))
	}
}

// offered are the protocols that a request offers for a WebSocket.
func offered(r *http.Request) (names []string) {
	for _, list := range r.Header.Values(protocolHeader) {
		for name := range strings.SplitSeq(list, ",") {
			names = append(names, strings.TrimSpace(name))
		}
	}
	return names
}

// errAstray is an answer that leads elsewhere.
var errAstray = errors.New("it leads elsewhere")

// answered makes of an agent's answer what others may get.
func (p *passage) answered(res *http.Response) error {
	h := res.Header
	for _, name := range barredHeaders {
		h.Del(name)
	}
	if said := h.Get("Location"); said != "" {
		to, err := p.below(said)
		if err != nil {
			return err
		}
		h.Set("Location", to)
	}
	h.Add("Content-Security-Policy", servedPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // a page's address has its ticket in it
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	if p.opaque {
		h.Set("Access-Control-Allow-Origin", "null") // its own page: who has the address has the ticket
	}
	if res.StatusCode == http.StatusSwitchingProtocols && p.named && h.Get(protocolHeader) == "" {
		h.Set(protocolHeader, chatProtocol) // a browser wants one of those that it offered
	}
	return nil
}

// below is an address that the agent gives, as a path below our prefix.
func (p *passage) below(said string) (string, error) {
	here := url.URL{Scheme: "http", Host: p.host, RawPath: p.rest}
	here.Path, _ = url.PathUnescape(p.rest)
	to, err := here.Parse(said)
	if err != nil {
		return "", fmt.Errorf("%w: %q is no address", errAstray, said)
	}
	_, port, _ := net.SplitHostPort(p.host)
	own := to.Hostname() == "localhost" || to.Hostname() == "127.0.0.1"
	if to.Scheme != "http" || !own || to.Port() != port {
		return "", fmt.Errorf("%w: to %s, which is not the agent's", errAstray, to.Redacted())
	}
	rest := strings.TrimLeft(to.EscapedPath(), "/")
	if climbs(rest) { // by names that are written so that a browser alone follows them
		return "", fmt.Errorf("%w: to %q", errAstray, rest)
	}
	clean := p.prefix + rest
	if to.RawQuery != "" {
		clean += "?" + to.RawQuery
	}
	if to.Fragment != "" {
		clean += "#" + to.EscapedFragment()
	}
	return clean, nil
}

// failed answers where the agent does not.
func (p *passage) failed(w http.ResponseWriter, r *http.Request, err error) {
	var long *http.MaxBytesError
	var late net.Error
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", servedPolicy)
	switch _, port, _ := net.SplitHostPort(p.host); {
	case errors.As(err, &long):
		fail(w, err)
	case errors.Is(r.Context().Err(), context.Canceled):
		refuse(w, http.StatusBadGateway, "whoever asked has gone, or the supervisor stops") // for nobody, as a rule
	case errors.Is(err, errAstray):
		refuse(w, http.StatusBadGateway, fmt.Sprintf("the answer of %s is not passed on: %v", p.agent, err))
	case isRefused(err):
		refuse(w, http.StatusBadGateway, fmt.Sprintf("%s does not listen at 127.0.0.1:%s, the port that it has in PORT; its log may say why", p.agent, port))
	case errors.As(err, &late) && late.Timeout():
		refuse(w, http.StatusGatewayTimeout, fmt.Sprintf("%s has not answered in time", p.agent))
	default:
		refuse(w, http.StatusBadGateway, fmt.Sprintf("what %s answers is no HTTP, or has broken off: %v", p.agent, err))
	}
}

// isRefused says whether nobody took the connection.
func isRefused(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial" && !op.Timeout()
}

// A finalWriter passes no preliminary answers on: their headers are looked at by
// nobody.
type finalWriter struct{ http.ResponseWriter }

func (f finalWriter) WriteHeader(code int) {
	if code >= http.StatusOK || code == http.StatusSwitchingProtocols {
		f.ResponseWriter.WriteHeader(code)
	}
}

// Unwrap is how http.ResponseController finds all else.
func (f finalWriter) Unwrap() http.ResponseWriter { return f.ResponseWriter }
