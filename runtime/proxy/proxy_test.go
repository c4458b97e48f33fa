package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo is a service that says back what it was told once that has ended.
func echo(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				text, _ := io.ReadAll(c)
				_, _ = c.Write(text)
			})
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return l.Addr().String()
}

func start(t *testing.T, o Options, names resolver) *Proxy {
	t.Helper()
	p, err := open(o, names)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// login is the header that a URL's credential is sent in.
func login(t *testing.T, at string) string {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	r := http.Request{Header: http.Header{}}
	password, _ := u.User.Password()
	r.SetBasicAuth(u.User.Username(), password)
	return "Proxy-Authorization: " + r.Header.Get("Authorization") + "\r\n"
}

// A caller is a connection to a proxy.
type caller struct {
	*net.TCPConn
	in *bufio.Reader
}

func call(t *testing.T, p *Proxy) caller {
	t.Helper()
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.Port()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return caller{c.(*net.TCPConn), bufio.NewReader(c)}
}

// ask sends a head, and gives the status of the answer and what it says.
func (c caller) ask(t *testing.T, head string) (status int, says string) {
	t.Helper()
	if _, err := io.WriteString(c, head); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusOK && strings.HasPrefix(head, "CONNECT ") {
		return res.StatusCode, "" // what follows is the tunnel's
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func connect(target, login string) string {
	return "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n" + login + "\r\n"
}

// What is said through a tunnel arrives, and its end too, while the other way is
// still open: the service answers only then.
func TestTunnel(t *testing.T) {
	at := echo(t)
	p := start(t, Options{}, fakeNames{"a.example.org": {"127.0.0.1"}})
	_, port, _ := net.SplitHostPort(at)
	me := login(t, p.Admit("a", rules(t, at, "*.example.org:"+port)))
	for _, target := range []string{at, "a.example.org:" + port} {
		c := call(t, p)
		// The first words come with the request itself.
		if status, says := c.ask(t, connect(target, me)+"hello"); status != http.StatusOK {
			t.Fatalf("%s: %d %s", target, status, says)
		}
		if _, err := io.WriteString(c, ", host"); err != nil {
			t.Fatal(err)
		}
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(c.in); string(text) != "hello, host" || err != nil {
			t.Errorf("%s: got %q, %v", target, text, err)
		}
	}
}

func TestRefuses(t *testing.T) {
	at := echo(t)
	_, port, _ := net.SplitHostPort(at)
	var mu sync.Mutex
	var told []string
	p := start(t, Options{Refused: func(process string, why *RefusedError) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, process+" "+why.Host)
	}}, fakeNames{"rebound.org": {"127.0.0.1"}})
	own, other := p.Admit("a", rules(t, "rebound.org:"+port)), p.Admit("b", rules(t, at))
	mine, theirs := login(t, own), login(t, other)
	mixed, _ := url.Parse(own)
	secret, _ := mixed.User.Password()
	mixed.User = url.UserPassword("b", secret)
	for _, c := range []struct {
		head   string
		status int
		says   string
	}{
		{connect(at, theirs), 200, ""},
		{connect(at, mine), 403, "add " + at + " there"},
		{connect("Rebound.org:"+port, mine), 403, "127.0.0.1, which is no public address"},
		{connect("rebound.org:"+port, mine), 403, "127.0.0.1, which is no public address"},
		{connect("rebound.org:"+port, theirs), 403, "not on the network list"},
		{connect(at, ""), 407, "credential"},
		{connect(at, login(t, mixed.String())), 407, "credential"},
		{connect(at, "Proxy-Authorization: Basic !\r\n"), 407, "credential"},
		{connect(at, "Proxy-Authorization: Bearer "+secret+"\r\n"), 407, "credential"},
		{connect(at, strings.Replace(theirs, "Proxy-", "", 1)), 407, "credential"},
		{"GET / HTTP/1.1\r\nHost: " + at + "\r\n" + theirs + "\r\n", 400, "this is a proxy"},
		{"GET https://" + at + "/ HTTP/1.1\r\nHost: " + at + "\r\n" + theirs + "\r\n", 400, "this is a proxy"},
		{"GET http://" + at + "/ HTTP/1.1\r\nHost: " + at + "\r\n" + mine + "\r\n", 403, "add " + at + " there"},
		{connect(at, theirs+"X: "+strings.Repeat("x", 4*mostHeader)+"\r\n"), 431, ""},
	} {
		status, says := call(t, p).ask(t, c.head)
		if status != c.status || !strings.Contains(says, c.says) {
			t.Errorf("%.60q: got %d %s, want %d %s", c.head, status, says, c.status, c.says)
		}
	}
	p.Close()
	want := fmt.Sprintf("a %s,a Rebound.org:%s,b rebound.org:%s", at, port, port)
	if got := strings.Join(told, ","); got != want {
		t.Errorf("told of %s, want %s", got, want)
	}
}

// A name that leads to this machine is refused by whatever address it does, public
// ones among them, unless the list has it.
func TestRefusesItself(t *testing.T) {
	at := echo(t)
	_, port, _ := net.SplitHostPort(at)
	p := start(t, Options{}, fakeNames{"rebound.org": {"127.0.0.1"}})
	p.public = func(netip.Addr) bool { return true }
	me, local := login(t, p.Admit("a", rules(t, "rebound.org:"+port))), login(t, p.Admit("b", rules(t, "rebound.org:"+port, at)))
	if status, says := call(t, p).ask(t, connect("rebound.org:"+port, me)); status != http.StatusForbidden || !strings.Contains(says, "127.0.0.1, which is this machine's own; list "+at+" too") {
		t.Errorf("%d %s", status, says)
	}
	if status, says := call(t, p).ask(t, connect("rebound.org:"+port, local)); status != http.StatusOK {
		t.Errorf("%d %s", status, says)
	}
}

// Requests for http:// URLs go to the host that the URL names, and nothing of the
// credential does.
func TestForwards(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %q %q", r.Method, r.Host, body, r.Header["Proxy-Authorization"], r.Header["X-Forwarded-For"])
	}))
	t.Cleanup(site.Close)
	at := site.Listener.Addr().String()
	p := start(t, Options{}, fakeNames{})
	me := login(t, p.Admit("a", rules(t, at)))
	c := call(t, p)
	for range 2 { // on one connection
		status, says := c.ask(t, "POST http://"+at+"/x HTTP/1.1\r\nHost: elsewhere\r\nContent-Length: 2\r\n"+me+"\r\nhi")
		if want := "POST " + at + " hi [] []"; status != http.StatusOK || says != want {
			t.Errorf("got %d %q, want %q", status, says, want)
		}
	}
}

func TestMostConnections(t *testing.T) {
	at := echo(t)
	p := start(t, Options{}, fakeNames{})
	me, other := login(t, p.Admit("a", rules(t, at))), login(t, p.Admit("b", rules(t, at)))
	var first caller
	for i := range mostEach {
		c := call(t, p)
		if i == 0 {
			first = c
		}
		if status, says := c.ask(t, connect(at, me)); status != http.StatusOK {
			t.Fatalf("connection %d: %d %s", i, status, says)
		}
	}
	if status, says := call(t, p).ask(t, connect(at, me)); status != http.StatusTooManyRequests || !strings.Contains(says, "64 connections") {
		t.Errorf("got %d %s", status, says)
	}
	if status, _ := call(t, p).ask(t, connect(at, other)); status != http.StatusOK {
		t.Errorf("another process gets %d", status)
	}
	if err := first.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(first.in); err != nil { // the tunnel is over
		t.Fatal(err)
	}
	for { // its place is free once the proxy has seen to that
		if status, _ := call(t, p).ask(t, connect(at, me)); status == http.StatusOK {
			break
		}
	}
}

// A tunnel over which nothing goes is ended.
func TestIdle(t *testing.T) {
	at := echo(t)
	p := start(t, Options{Idle: 100 * time.Millisecond}, fakeNames{})
	c := call(t, p)
	if status, says := c.ask(t, connect(at, login(t, p.Admit("a", rules(t, at))))); status != http.StatusOK {
		t.Fatalf("%d %s", status, says)
	}
	if text, err := io.ReadAll(c.in); len(text) > 0 || os.IsTimeout(err) {
		t.Errorf("got %q, %v", text, err)
	}
}

// Who is refused holds no connection by keeping back what its request says is to come:
// there are only so many for all.
func TestRefusedBody(t *testing.T) {
	p := start(t, Options{Header: 100 * time.Millisecond}, fakeNames{})
	me := login(t, p.Admit("a", nil))
	for _, login := range []string{"", me} {
		c := call(t, p)
		if _, err := io.WriteString(c, "POST http://example.org/ HTTP/1.1\r\nHost: example.org\r\nContent-Length: 9\r\n"+login+"\r\n"); err != nil {
			t.Fatal(err)
		}
		if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(c.in); err != nil {
			t.Errorf("with the header %q: %v", login, err)
		}
	}
}

// An end cuts off what is open: tunnels, and clients that have not said what they
// want.
func TestCloseEndsAll(t *testing.T) {
	at := echo(t)
	p := start(t, Options{}, fakeNames{})
	tunnel, slow := call(t, p), call(t, p)
	if status, says := tunnel.ask(t, connect(at, login(t, p.Admit("a", rules(t, at))))); status != http.StatusOK {
		t.Fatalf("%d %s", status, says)
	}
	if _, err := io.WriteString(slow, "CONNECT "); err != nil {
		t.Fatal(err)
	}
	p.Close()
	for _, c := range []caller{tunnel, slow} {
		if text, _ := io.ReadAll(c.in); len(text) > 0 {
			t.Errorf("got %q", text)
		}
	}
	if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.Port())); err == nil {
		t.Error("it still listens", c.Close())
	}
}

func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	p := start(t, Options{}, fakeNames{})
	me := login(t, p.Admit("a", rules(t, at, "gone.org:443")))
	for _, target := range []string{at, "gone.org:443"} {
		if status, says := call(t, p).ask(t, connect(target, me)); status != http.StatusBadGateway || !strings.Contains(says, "cannot ") {
			t.Errorf("%s: got %d %s", target, status, says)
		}
	}
}
