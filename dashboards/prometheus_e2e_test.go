//go:build e2e

package dashboards_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// patience is how long anything may take that the test waits for.
const patience = 60 * time.Second

// A server is a real Prometheus.
type server struct {
	t    *testing.T
	base string
}

// prometheus starts one that scrapes targets as dashboards/prometheus.yaml does, with
// the rules there, and ends it with the test.
func prometheus(t *testing.T, token string, targets ...string) *server {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yaml")
	rules, err := filepath.Abs("rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n" +
		"rule_files: [" + rules + "]\nscrape_configs:\n" +
		"  - job_name: troupe\n    authorization: {credentials_file: " + token + "}\n" +
		"    static_configs: [{targets: [" + strings.Join(targets, ", ") + "]}]\n"
	write(t, config, text)
	promtool(t, "", "check", "config", config)
	s := &server{t: t, base: "http://" + freePort(t)}
	cmd := exec.Command("prometheus", "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+strings.TrimPrefix(s.base, "http://"), "--log.level=warn")
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatalf("cannot start Prometheus: %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("Prometheus said:\n%s", said.String())
		}
	})
	until(t, "Prometheus is ready", func() bool {
		res, err := http.Get(s.base + "/-/ready")
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	return s
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// until looks again and again until something holds.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !holds(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// get asks the API and gives the answer's data.
func (s *server) get(path string, query url.Values, data any) {
	s.t.Helper()
	res, err := http.Get(s.base + "/api/v1/" + path + "?" + query.Encode())
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || answer.Status != "success" {
		s.t.Fatalf("%s %v: %s (%v)", path, query, answer.Error, err)
	}
	if err := json.Unmarshal(answer.Data, data); err != nil {
		s.t.Fatal(err)
	}
}

// eval evaluates an expression now: its values, one a series.
func (s *server) eval(text string) []float64 {
	s.t.Helper()
	var data struct {
		ResultType string
		Result     []struct{ Value [2]any }
	}
	s.get("query", url.Values{"query": {text}}, &data)
	if data.ResultType != "vector" {
		s.t.Fatalf("%s is a %s", text, data.ResultType)
	}
	values := make([]float64, len(data.Result))
	for i, r := range data.Result {
		v, err := strconv.ParseFloat(fmt.Sprint(r.Value[1]), 64)
		if err != nil {
			s.t.Fatal(err)
		}
		values[i] = v
	}
	return values
}

// holds says whether a comparison gives anything.
func (s *server) holds(comparison string) bool { return len(s.eval(comparison)) > 0 }

// numbers says what is wrong with values that a panel shows.
func numbers(values []float64) string {
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Sprintf("it is %v", v)
		}
	}
	return ""
}

// promtool runs promtool, which must find nothing to say.
func promtool(t *testing.T, stdin string, args ...string) {
	t.Helper()
	cmd := exec.Command("promtool", args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil || stdin != "" && len(out) > 0 {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func scrape(t *testing.T, target, token string) string {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, "http://"+target+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s (%v)", target, res.Status, err)
	}
	return string(text)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
