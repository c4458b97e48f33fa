package observe

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// A tcpPlace is a TCP listener as those see it who ask there.
type tcpPlace struct {
	base   string
	tokens *Tokens
	header http.Header
	stop   func()
	routes *routes
}

// serveTCP serves some runs on a port of this machine until the test ends. It is
// ready while why is empty.
func serveTCP(t *testing.T, runs Runs) (_ *tcpPlace, why *string) {
	t.Helper()
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := MakeTokens(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m, _ := measured(market())
	why = new(string)
	p := Public{Runs: runs, Tokens: tokens, Metrics: m, Unready: func() string { return *why }}
	stop := ServeTCP(l, p)
	over := false
	at := &tcpPlace{base: "http://" + l.Addr().String(), tokens: tokens, routes: p.routes(), stop: func() {
		if !over {
			http.DefaultClient.CloseIdleConnections()
			stop()
		}
		over = true
	}}
	t.Cleanup(at.stop)
	return at, why
}

// with is the tcpPlace for those who send a header.
func (p *tcpPlace) with(name, value string) *tcpPlace {
	q := *p
	if q.header = p.header.Clone(); q.header == nil {
		q.header = http.Header{}
	}
	q.header.Set(name, value)
	return &q
}

// as is the tcpPlace for those who hold a role's token.
func (p *tcpPlace) as(r Role) *tcpPlace { return p.with("Authorization", "Bearer "+p.tokens.values[r]) }

// An tcpAnswer is a request's answer.
type tcpAnswer struct {
	code   int
	header http.Header
	body   string
}

// ask makes a request, written as a method and a path.
func (p *tcpPlace) ask(t *testing.T, what, body string) tcpAnswer {
	t.Helper()
	method, path, _ := strings.Cut(what, " ")
	req, err := http.NewRequestWithContext(t.Context(), method, p.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(req.Header, p.header)
	if host := p.header.Get("Host"); host != "" {
		req.Host = host
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Errorf("%s: %v", what, err)
	}
	p.routes.check(t, req, res, b)
	return tcpAnswer{res.StatusCode, res.Header, string(b)}
}

// is checks an answer's status, and what its headers and body say.
func (p *tcpPlace) is(t *testing.T, what string, code int, says ...string) {
	t.Helper()
	res := p.ask(t, what, "")
	var all strings.Builder
	for _, name := range slices.Sorted(maps.Keys(res.header)) {
		all.WriteString(name + ": " + strings.Join(res.header[name], ", ") + "\n")
	}
	all.WriteString(res.body)
	for _, s := range says {
		if !strings.Contains(all.String(), s) {
			t.Errorf("%s says %q, want %q in it", what, all.String(), s)
		}
	}
	if res.code != code {
		t.Errorf("%s: %d, want %d\n%s", what, res.code, code, res.body)
	}
}

// example is a path that a pattern is for.
func example(pattern string) string {
	return strings.NewReplacer("{run}", "r", "{agent}", "ann", "{path...}", "a", "{tick}", "0", "{$}", "").Replace(pattern)
}

func TestEveryRouteNeedsItsRole(t *testing.T) {
	h, _ := open(t)
	h.run("r", 0, false)
	at, _ := serveTCP(t, &Store{Data: h.data, Bus: h.bus})
	for pattern, want := range at.routes.table {
		if pattern == "GET /metrics" {
			continue // open on loopback; see TestMetricsElsewhere
		}
		what := example(pattern)
		if want.role == Anyone {
			if res := at.ask(t, what, ""); res.code >= 400 {
				t.Errorf("%s without a token: %d", what, res.code)
			}
			continue
		}
		where := "/tokens/" + want.role.String()
		at.is(t, what, 401, `"status":401`, where, `Www-Authenticate: Bearer realm="troupe"`, "Content-Type: application/problem+json")
		for _, wrong := range []string{"Bearer", "Bearer ", "Bearer x", "Basic " + at.tokens.values[Control], "Bearer " + at.tokens.values[Control] + "x"} {
			at.with("Authorization", wrong).is(t, what, 401)
		}
		at.is(t, what+"?token="+at.tokens.values[Control], 401)
		if want.role == Control {
			at.as(Observe).is(t, what, 403, `"status":403`, where, "the token is for observe")
		}
		if method, _, _ := strings.Cut(what, " "); method == http.MethodDelete {
			continue // it would be gone
		}
		if res := at.as(Control).ask(t, what, ""); res.code == 401 || res.code == 403 {
			t.Errorf("%s with all rights: %d\n%s", what, res.code, res.body)
		}
	}
	// What there is not is nothing that strangers are told.
	at.is(t, "GET /v1/nothing", 401)
	at.is(t, "DELETE /v1/runs", 401)
	at.is(t, "GET //v1/runs", 401)
	at.as(Observe).is(t, "GET /v1/nothing", 404, `"detail":"no such path: /v1/nothing"`)
	at.as(Observe).is(t, "DELETE /v1/runs", 405, "Allow: GET, HEAD")
	at.as(Observe).is(t, "GET /v1/runs", 200, `"run":"r"`, "Cache-Control: no-store", "X-Content-Type-Options: nosniff",
		"Content-Security-Policy: default-src 'none'; frame-ancestors 'none'; sandbox")
	if res := at.as(Observe).ask(t, "GET /v1/runs", ""); res.header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("pages of other origins may read the answers")
	}
}

// A WebSocket's token is in the name of a protocol; of nothing else.
func TestTokenAsProtocol(t *testing.T) {
	h, _ := open(t)
	at, _ := serveTCP(t, &Store{Data: h.data, Bus: h.bus})
	p := at.with("Sec-WebSocket-Protocol", "troupe.v1, bearer."+at.tokens.values[Observe])
	p.is(t, "GET /v1/runs", 401)
	r := httptest.NewRequest("GET", "/v1/runs", nil)
	r.Header = p.with("Upgrade", "WebSocket").header
	if got := at.tokens.role(bearer(r)); got != Observe {
		t.Errorf("it proves %s", got)
	}
}

func TestStrangersHost(t *testing.T) {
	h, _ := open(t)
	at, _ := serveTCP(t, &Store{Data: h.data, Bus: h.bus})
	at = at.as(Control)
	for host, code := range map[string]int{
		"127.0.0.1": 200, "localhost:80": 200, "LOCALHOST": 200, "127.8.8.8:1": 200, "[::1]:8080": 200, "[::1]": 200,
		"evil.example": 421, "evil.example:8080": 421, "10.0.0.1": 421, "localhost.evil.example": 421, "[fe80::1]:80": 421,
	} {
		at.with("Host", host).is(t, "GET /v1/runs", code)
		at.with("Host", host).is(t, "GET /healthz", code)
	}
}

func TestStrangersOrigin(t *testing.T) {
	h, _ := open(t)
	h.run("r", 0, false)
	at, _ := serveTCP(t, &Store{Data: h.data, Bus: h.bus})
	at = at.as(Control)
	const stop = "POST /v1/runs/r/stop"
	at.is(t, stop, 412)
	at.with("Origin", at.base).is(t, stop, 412)
	at.with("Origin", "http://evil.example").is(t, stop, 403, "a page of another origin")
	at.with("Sec-Fetch-Site", "cross-site").is(t, stop, 403)
	at.with("Sec-Fetch-Site", "same-site").is(t, stop, 403)
	at.with("Sec-Fetch-Site", "same-origin").is(t, stop, 412)
	at.with("Origin", "http://evil.example").is(t, "GET /v1/runs", 200)
}

// Elsewhere than on loopback metrics are for those with a token, and any name may
// lead to the listener.
func TestMetricsElsewhere(t *testing.T) {
	m, _ := measured(market())
	tokens, err := MakeTokens(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p := Public{Runs: &Store{Data: t.TempDir()}, Tokens: tokens, Metrics: m, Unready: func() string { return "" }}
	srv := httptest.NewUnstartedServer(nil)
	defer srv.Close()
	g := newGate(p.routes(), tokens, srv.Listener.Addr())
	g.local = false
	srv.Config.Handler = g
	srv.Start()
	at := (&tcpPlace{base: srv.URL, tokens: tokens, routes: p.routes()}).with("Host", "troupe.example")
	at.is(t, "GET /metrics", 401)
	at.as(Observe).is(t, "GET /metrics", 200, "troupe_ticks_total")
	at.is(t, "GET /healthz", 200)
}

func TestBodies(t *testing.T) {
	h, _ := open(t)
	h.run("r", 0, false)
	at, _ := serveTCP(t, &Store{Data: h.data, Bus: h.bus})
	at = at.as(Control)
	const send = "POST /v1/runs/r/messages"
	for body, code := range map[string]int{
		`{"from":"god","to":"ann","body":1}`: 412, // the run does not run: it was read
		``:                                   400,
		`{`:                                  400,
		`[]`:                                 400,
		`{"from":1}`:                         400,
		`{"from":"god","to":"ann","body":1,"more":1}`: 400,
		`{"from":"god","to":"ann","body":1} {}`:       400,
		`"` + strings.Repeat("x", mostBody) + `"`:     413,
		strings.Repeat(" ", mostBody+1):               413,
		"\xff\xfe{\"from\":\"god\"}":                  400,
		`{"from":"god","body":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`: 400,
	} {
		if res := at.ask(t, send, body); res.code != code || !strings.Contains(res.body, `"title":`) {
			t.Errorf("%.60s: %d, want %d\n%s", body, res.code, code, res.body)
		}
	}
	for body, code := range map[string]int{"": 412, "\n": 412, "{}": 412, `{"ticks":2}`: 412, "{": 400, `{"ticks":"2"}`: 400, `{"ticks":0}`: 422} {
		if res := at.ask(t, "POST /v1/runs/r/step", body); res.code != code {
			t.Errorf("a step by %q: %d, want %d\n%s", body, res.code, code, res.body)
		}
	}
	for _, query := range []string{"from=-1", "from=x", "from=1.5", "from=99999999999999999999", "follow=yes", "from=%zz"} {
		at.is(t, "GET /v1/runs/r/events?"+query, 400, `"status":400`)
	}
	at.is(t, "DELETE /v1/runs/r?force=1", 400)
	at.is(t, "GET /v1/runs", 200, `"run":"r"`)
}

// No route reads more than it may.
func TestBodiesThatAreTooLong(t *testing.T) {
	d, err := described()
	if err != nil {
		t.Fatal(err)
	}
	h, _ := open(t)
	h.run("r", 0, false)
	at, _ := serveTCP(t, &Store{Data: h.data, Bus: h.bus})
	at = at.as(Control)
	operations, read := d.operations(), 0
	for pattern, what := range at.routes.table {
		if object(operations[pathOf(pattern)]["requestBody"]) == nil {
			continue
		}
		read++
		long := `{"x":"` + strings.Repeat("x", int(what.body)) + `"}`
		if res := at.ask(t, example(pattern), long); res.code != 413 {
			t.Errorf("%s: %d, want 413\n%s", pattern, res.code, res.body)
		}
	}
	if read < 6 {
		t.Errorf("%d routes read a body", read)
	}
}
