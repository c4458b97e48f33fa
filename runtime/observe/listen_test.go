package observe

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

func TestCheckListen(t *testing.T) {
	for addr, says := range map[string]string{
		"127.0.0.1:9464": "", ":9464": "", ":0": "", "localhost:1": "", "[::1]:9464": "",
		"": "give host:port", "nowhere": "give host:port", "::1:9464": "give host:port", "127.0.0.1": "give host:port",
		"127.0.0.1:": "from 0 to 65535", "127.0.0.1:http": "from 0 to 65535", "127.0.0.1:65536": "from 0 to 65535", "127.0.0.1:-1": "from 0 to 65535",
	} {
		err := CheckListen(addr)
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", addr, err)
		}
	}
}

func TestServePublic(t *testing.T) {
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + l.Addr().String()
	if _, err := Listen(l.Addr().String()); err == nil || !strings.Contains(err.Error(), "cannot serve metrics on 127.0.0.1:") {
		t.Errorf("a port that is taken: %v", err)
	}
	m, _ := measured(market())
	var why atomic.Value
	why.Store("starting: not there yet")
	stop := ServePublic(l, m, func() string { return why.Load().(string) })
	ask := func(method, path, accept string, code int, says string) {
		t.Helper()
		req, _ := http.NewRequest(method, base+path, nil)
		req.Header.Set("Accept", accept)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode != code || !strings.Contains(res.Header.Get("Content-Type")+"\n"+string(body), says) {
			t.Errorf("%s %s: %s %v\n%s", method, path, res.Status, res.Header, body)
		}
	}
	ask("GET", "/healthz", "", 200, "alive\n")
	ask("GET", "/readyz", "", 503, "starting: not there yet\n")
	why.Store("")
	ask("GET", "/readyz", "", 200, "ready\n")
	ask("GET", "/metrics", "", 200, `troupe_ticks_total{run="r1"} 0`)
	ask("GET", "/metrics", "", 200, `text/plain; version=0.0.4`)
	ask("GET", "/metrics", "application/openmetrics-text; version=1.0.0", 200, "application/openmetrics-text; version=1.0.0")
	ask("GET", "/metrics", "application/openmetrics-text; version=1.0.0", 200, "\n# EOF\n")
	// Nothing can be changed from here, and the API is elsewhere.
	ask("POST", "/metrics", "", 405, "")
	ask("POST", "/v1/runs/r1/stop", "", 404, "")
	ask("GET", "/v1/runs", "", 404, "")
	http.DefaultClient.CloseIdleConnections()
	stop()
	if conn, err := net.Dial("tcp", l.Addr().String()); err == nil {
		_ = conn.Close()
		t.Error("it takes connections after its stop")
	}
}
