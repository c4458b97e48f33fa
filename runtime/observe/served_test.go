package observe

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// A fakeServed has ports by agent, or why there is none.
type fakeServed map[string]any

func (f fakeServed) Port(agent string) (int, error) {
	switch is := f[agent].(type) {
	case int:
		return is, nil
	case error:
		return 0, is
	}
	return 0, ErrNotServed
}

// portOf is the port that a listener has.
func portOf(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

// site serves a run r whose agents have some ports.
func site(t *testing.T, served fakeServed) *tcpPlace {
	t.Helper()
	h, _ := open(t)
	h.run("r", 0, true)
	h.lives["r"].Served = served
	at, _ := serveTCP(t, h.store)
	return at
}

// serving is an agent that answers as a handler does.
func serving(t *testing.T, h http.HandlerFunc) int {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return portOf(srv.Listener)
}

// echo tells what it was asked.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Set-Cookie", "a=b")
	w.Header().Set("Clear-Site-Data", "*")
	w.Header().Set("WWW-Authenticate", "Basic")
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Content-Security-Policy", "sandbox allow-same-origin")
	w.Header().Set("Referrer-Policy", "unsafe-url")
	w.Header().Set("Content-Type", "text/x-echo")
	_, _ = fmt.Fprintf(w, "%s %s host=%s body=%s headers=%v", r.Method, r.RequestURI, r.Host, body, r.Header)
}

const annServes = "/v1/runs/r/agents/ann/http/"

func TestServedPassesOn(t *testing.T) {
	port := serving(t, echo)
	at := site(t, fakeServed{"ann": port}).as(Control)
	host := fmt.Sprintf("host=127.0.0.1:%d", port)
	for path, want := range map[string]string{
		"": "/ ", "a/b.css?x=1&y=%2F;z": "/a/b.css?x=1&y=%2F;z ", "a%2Fb%20c": "/a%2Fb%20c ", "dir/": "/dir/ ", "%C3%A4?": "/%C3%A4",
	} {
		at.is(t, "GET "+annServes+path, 200, "GET "+want, host)
	}
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		res := at.ask(t, method+" "+annServes+"form", "x=1")
		if res.code != 200 || !strings.HasPrefix(res.body, method+" /form ") || !strings.Contains(res.body, "body=x=1 ") {
			t.Errorf("%s: %d %s", method, res.code, res.body)
		}
	}
}

// Nothing of who asks reaches an agent, and nothing that it answers acts on our
// origin.
func TestServedKeepsApart(t *testing.T) {
	at := site(t, fakeServed{"ann": serving(t, echo)}).as(Control)
	for name, value := range map[string]string{
		"Cookie": "mark-1", "X-Forwarded-For": "mark-2", "X-Forwarded-Anything": "mark-3", "Forwarded": "for=mark-4", "Referer": "http://mark-5",
		"Via": "mark-6", "X-Real-Ip": "mark-7", "Proxy-Authorization": "mark-8", "Sec-Fetch-Site": "same-origin", "Connection": "X-Hop", "X-Hop": "mark-9",
	} {
		at = at.with(name, value)
	}
	res := at.with("X-Own", "kept").ask(t, "GET "+annServes, "")
	for _, secret := range []string{"mark", "Authorization", "Bearer", at.tokens.values[Control], "Forwarded", "Sec-Fetch"} {
		if strings.Contains(res.body, secret) {
			t.Errorf("the agent is told %q: %s", secret, res.body)
		}
	}
	if !strings.Contains(res.body, "X-Own:[kept]") {
		t.Errorf("what is the site's own does not come through: %s", res.body)
	}
	want := map[string][]string{
		"Content-Security-Policy": {"sandbox allow-same-origin", servedPolicy}, "X-Content-Type-Options": {"nosniff"},
		"Referrer-Policy": {"no-referrer"}, "Cache-Control": {"no-store"}, "Content-Type": {"text/x-echo"},
		"Set-Cookie": nil, "Clear-Site-Data": nil, "Www-Authenticate": nil, "Access-Control-Allow-Origin": nil,
	}
	for name, values := range want {
		if got := res.header[name]; !slices.Equal(got, values) {
			t.Errorf("%s: %q, want %q", name, got, values)
		}
	}
}

func TestServedNeedsRights(t *testing.T) {
	at := site(t, fakeServed{"ann": serving(t, echo)})
	at.is(t, "GET "+annServes, 401)
	at.is(t, "GET "+annServes+"~", 401)
	at.as(Observe).is(t, "GET "+annServes, 200)
	at.as(Observe).is(t, "POST "+annServes, 403)
	at.as(Observe).with("Upgrade", "websocket").with("Connection", "Upgrade").is(t, "GET "+annServes, 403, "both ways")
	at.is(t, "POST /v1/runs/r/agents/ann/http-ticket", 401)
	at.as(Control).with("Origin", "http://evil.example").is(t, "POST "+annServes, 403)
	if res := at.as(Control).ask(t, "POST "+annServes, strings.Repeat("x", mostBody+1)); res.code != 413 {
		t.Errorf("a body that is too long: %d %s", res.code, res.body)
	}
}

// ticket has one made, and gives the path that it is good for.
func (p *tcpPlace) ticket(t *testing.T, agent string) string {
	t.Helper()
	res := p.ask(t, "POST /v1/runs/r/agents/"+agent+"/http-ticket", "")
	var got Ticket
	if err := json.Unmarshal([]byte(res.body), &got); err != nil || res.code != 200 {
		t.Fatalf("%d %s: %v", res.code, res.body, err)
	}
	return got.URL
}

func TestTickets(t *testing.T) {
	port := serving(t, echo)
	at := site(t, fakeServed{"ann": port, "bob": port})
	looks, steers := at.as(Observe).ticket(t, "ann"), at.as(Control).ticket(t, "ann")
	secret := strings.Split(looks, "~")[1]
	at.is(t, "GET "+looks+"a?b", 200, "GET /a?b ")
	at.is(t, "GET "+strings.TrimSuffix(looks, "/"), 200, "GET / ")
	if res := at.ask(t, "GET "+looks, ""); strings.Contains(res.body, strings.TrimSuffix(secret, "/")) {
		t.Errorf("the agent is told the ticket: %s", res.body)
	}
	at.is(t, "POST "+looks, 403, "made with the token of observe")
	// A page that came by a ticket has an origin that is nobody's.
	page := at.with("Origin", "null").with("Sec-Fetch-Site", "cross-site")
	page.is(t, "POST "+steers+"form", 200, "POST /form ", "Access-Control-Allow-Origin: null")
	page.is(t, "GET "+looks, 200, "Access-Control-Allow-Origin: null")
	at.with("Origin", "http://evil.example").is(t, "GET "+looks, 200)

	mine := strings.TrimPrefix(steers, annServes)
	at.is(t, "GET /v1/runs/r/agents/bob/http/"+mine, 401)
	at.is(t, "GET /v1/runs/other/agents/ann/http/"+mine, 401)
	at.is(t, "GET "+strings.Replace(looks, "~observe", "~control", 1), 401)
	for _, forged := range []string{"~", "~/", "~x/", "~control.zzzzzz.x/", "~..x/", "~anyone.zzzzzzz./", mine[:len(mine)-2] + "/"} {
		at.is(t, "GET "+annServes+forged, 401, `"status":401`)
	}
	// It is good for nothing else, and nothing else beside it.
	at.is(t, "GET /v1/runs/r/"+mine, 401)
	at.with("Authorization", "Bearer "+strings.TrimSuffix(mine[1:], "/")).is(t, "GET /v1/runs", 401)
	at.as(Control).is(t, "GET "+annServes+"~x/", 401)

	other := newTickets()
	at.is(t, "GET "+annServes+"~"+other.make(Control, "r", "ann", time.Now().Add(time.Hour))+"/", 401)
	over := at.routes.tickets.make(Control, "r", "ann", time.Now())
	at.is(t, "GET "+annServes+"~"+over+"/", 401, "the ticket is over")
	if at.routes.tickets.role(over[:8]+"zzzzzzz"+over[strings.LastIndex(over, "."):], "r", "ann") != Anyone {
		t.Error("a ticket can be made to last")
	}
}

func TestServedTraversal(t *testing.T) {
	at := site(t, fakeServed{"ann": serving(t, echo)}).as(Control)
	for _, path := range []string{"%2e%2e/stop", "a/%2E%2E/%2e%2e/stop", "..%2fstop", "a%2f..%2f..%2fstop", "%5c..%5cstop", "..%5cstop", "%2e"} {
		at.is(t, "GET "+annServes+path, 400, "leads out")
	}
	for _, path := range []string{"../stop", "a/../../stop", "/etc/passwd", "./"} {
		at.is(t, "GET "+annServes+path, 404, "no such path")
	}
}

// An agent cannot have anybody led, or anything asked, where it is not.
func TestServedRedirects(t *testing.T) {
	to, secret := "", 0
	own := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	other := serving(t, func(http.ResponseWriter, *http.Request) { secret++ })
	at := site(t, fakeServed{"ann": own})
	prefix := at.as(Control).ticket(t, "ann")
	plain := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer plain.CloseIdleConnections()
	lead := func(where string) (int, string) {
		to = where
		res, err := plain.Get(at.base + prefix + "dir/page")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		return res.StatusCode, res.Header.Get("Location")
	}
	here := fmt.Sprintf("http://127.0.0.1:%d", own)
	for where, want := range map[string]string{
		"/a?b=c#d": "a?b=c#d", here + "/x": "x", fmt.Sprintf("http://localhost:%d", own): "", "next": "dir/next", "?q": "dir/page?q",
		"../../../../stop": "stop", "/v1/runs/r/stop": "v1/runs/r/stop",
	} {
		code, got := lead(where)
		if code != 307 || got != prefix+want {
			t.Errorf("to %s: %d %s, want %s", where, code, got, prefix+want)
		}
	}
	for _, where := range []string{
		"http://169.254.169.254/latest/meta-data", fmt.Sprintf("http://127.0.0.1:%d/", other), "//evil.example/", "https://evil.example/",
		at.base + "/v1/runs/r/stop", "javascript:alert(1)", "http://127.0.0.1/", "http://[::1", "file:///etc/passwd", "/%2e%2e/%2e%2e/stop", "/a%5c..%5c..",
	} {
		if code, got := lead(where); got != "" || code != 502 {
			t.Errorf("to %s: %d %s", where, code, got)
		}
	}
	if secret > 0 {
		t.Error("another port was asked")
	}
}

func TestServedAbsent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := portOf(l)
	_ = l.Close()
	at := site(t, fakeServed{
		"ann": free, "parked": fmt.Errorf("%w: it is parked", ErrConflict), "ended": fmt.Errorf("%w: it has ended", ErrNotServed),
	}).as(Control)
	at.is(t, "GET "+annServes, 502, "ann does not listen at 127.0.0.1", "Content-Type: application/problem+json")
	at.is(t, "GET /v1/runs/r/agents/parked/http/", 409, "parked")
	at.is(t, "POST /v1/runs/r/agents/parked/http-ticket", 200)
	at.is(t, "GET /v1/runs/r/agents/ended/http/", 404, "ended")
	at.is(t, "POST /v1/runs/r/agents/ended/http-ticket", 404)
	at.is(t, "GET /v1/runs/r/agents/nobody/http/", 404)
	at.is(t, "GET /v1/runs/nothing/agents/ann/http/", 404, "no such run")
}

// raw is an agent that takes connections and does with them what it likes.
func raw(t *testing.T, do func(net.Conn)) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = http.ReadRequest(bufio.NewReader(c))
			do(c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return portOf(l)
}

func TestServedGarbage(t *testing.T) {
	answers := map[string]string{
		"noise": "\x00\x01garbage\r\n\r\n", "nothing": "", "endless": "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20),
		"switch": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
		"status": "HTTP/1.1 99999 Huh\r\n\r\n", "split": "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
	}
	ports := fakeServed{}
	for name, text := range answers {
		ports[name] = raw(t, func(c net.Conn) { _, _ = io.WriteString(c, text) })
	}
	early := "HTTP/1.1 103 Early Hints\r\nSet-Cookie: a=b\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	ports["early"] = raw(t, func(c net.Conn) { _, _ = io.WriteString(c, early) })
	at := site(t, ports).as(Control)
	for name := range answers {
		at.is(t, "GET /v1/runs/r/agents/"+name+"/http/", 502, name, `"status":502`)
	}
	at.is(t, "GET /v1/runs/r/agents/early/http/", 200, "ok", "Content-Security-Policy: "+servedPolicy)
	if res := at.ask(t, "GET /v1/runs/r/agents/early/http/", ""); res.header.Get("Set-Cookie") != "" || res.header.Get("Link") != "" {
		t.Errorf("a preliminary answer came through: %v", res.header)
	}
}

// knownPorts are a porter of one port.
type knownPorts int

func (k knownPorts) Port(_ context.Context, _, _ string) (int, error) { return int(k), nil }
func (knownPorts) passes() *tickets                                   { return newTickets() }

func TestServedHangs(t *testing.T) {
	asked, over := make(chan struct{}), make(chan struct{})
	port := raw(t, func(net.Conn) { close(asked); <-over })
	defer close(over)
	w := httptest.NewRecorder()
	h := &handOn{knownPorts(port), newServedTransport(time.Millisecond)}
	h.ServeHTTP(w, httptest.NewRequest("GET", annServes, nil))
	<-asked
	if w.Code != 504 || !strings.Contains(w.Body.String(), "ann has not answered in time") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// What an agent writes bit by bit comes bit by bit.
func TestServedStreams(t *testing.T) {
	next := make(chan struct{})
	at := site(t, fakeServed{"ann": serving(t, func(w http.ResponseWriter, r *http.Request) {
		for n := range 3 {
			_, _ = fmt.Fprintf(w, "%d\n", n)
			_ = http.NewResponseController(w).Flush()
			select {
			case <-next:
			case <-r.Context().Done():
			}
		}
	})})
	req, _ := http.NewRequestWithContext(t.Context(), "GET", at.base+at.as(Observe).ticket(t, "ann"), nil)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	lines := bufio.NewScanner(res.Body)
	for n := range 3 {
		if !lines.Scan() || lines.Text() != fmt.Sprint(n) {
			t.Fatalf("line %d is %q", n, lines.Text())
		}
		next <- struct{}{}
	}
}

func TestServedUpgrades(t *testing.T) {
	asked := make(chan http.Header, 1)
	at := site(t, fakeServed{"ann": serving(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Header
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Connection", "Upgrade")
		w.WriteHeader(http.StatusSwitchingProtocols)
		c, both, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = c.Close() }()
		line, _ := both.ReadString('\n')
		_, _ = both.WriteString("you said " + line)
		_ = both.Flush()
	})})
	c, err := net.Dial("tcp", strings.TrimPrefix(at.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_, _ = fmt.Fprintf(c, "GET %sws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Protocol: troupe.v1, chat, bearer.%s\r\n\r\n", annServes, at.tokens.values[Control])
	in := bufio.NewReader(c)
	res, err := http.ReadResponse(in, nil)
	if err == nil {
		defer func() { _ = res.Body.Close() }()
	}
	if err != nil || res.StatusCode != 101 || res.Header.Get("Sec-WebSocket-Protocol") != "troupe.v1" {
		t.Fatalf("%+v %v", res, err)
	}
	_ = res.Body.Close() // it has none
	if got := (<-asked).Get("Sec-WebSocket-Protocol"); got != "chat" {
		t.Errorf("the agent is offered %q", got)
	}
	_, _ = io.WriteString(c, "hello\n")
	if line, err := in.ReadString('\n'); line != "you said hello\n" {
		t.Errorf("got %q, %v", line, err)
	}
}
