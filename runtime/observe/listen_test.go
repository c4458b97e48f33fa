package observe

import (
	"bytes"
	"log/slog"
	"net"
	"net/http"
	"strings"
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

func TestServeTCP(t *testing.T) {
	at, why := serveTCP(t, nil)
	if _, err := Listen(strings.TrimPrefix(at.base, "http://")); err == nil || !strings.Contains(err.Error(), "cannot listen on 127.0.0.1:") {
		t.Errorf("a port that is taken: %v", err)
	}
	*why = "starting: not there yet"
	at.is(t, "GET /healthz", 200, "alive\n")
	at.is(t, "GET /readyz", 503, "starting: not there yet\n")
	*why = ""
	at.is(t, "GET /readyz", 200, "ready\n")
	at.is(t, "GET /metrics", 200, `troupe_ticks_total{run="r1"} 0`)
	at.is(t, "GET /metrics", 200, `text/plain; version=0.0.4`)
	open := at.with("Accept", "application/openmetrics-text; version=1.0.0")
	open.is(t, "GET /metrics", 200, "application/openmetrics-text; version=1.0.0")
	open.is(t, "GET /metrics", 200, "\n# EOF\n")
	at.stop()
	if conn, err := net.Dial("tcp", strings.TrimPrefix(at.base, "http://")); err == nil {
		_ = conn.Close()
		t.Error("it takes connections after its stop")
	}
}

// A fault of ours comes into the log, and what a stranger does wrong does not.
func TestFaultsAreLogged(t *testing.T) {
	h, _ := open(t)
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := MakeTokens(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	stop := ServeTCP(l, Public{
		Runs: &Store{Data: h.data, Bus: h.bus, Live: h.live}, Tokens: tokens, Metrics: NewMetrics("v1", "go1"), Unready: func() string { return "" },
		Page: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("our fault") }),
		Log:  slog.New(slog.NewJSONHandler(&log, nil)),
	})
	for _, path := range []string{"/healthz?a;b", "/"} {
		res, err := http.Get("http://" + l.Addr().String() + path)
		if err == nil {
			_ = res.Body.Close()
		}
		if (err != nil) != (path == "/") {
			t.Errorf("%s: %v", path, err)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	stop()
	if got := log.String(); !strings.Contains(got, `"level":"ERROR"`) || !strings.Contains(got, "our fault") || strings.Contains(got, "semicolon") {
		t.Errorf("the log has %s", got)
	}
}
