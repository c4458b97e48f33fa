package gateway

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/price"
)

const (
	realKey = "sk-real-canary"
	stream  = "data: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-haiku-4-5\",\"usage\":{\"input_tokens\":1000,\"output_tokens\":1}}}\n\n"
	ending  = "data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":200}}\n\ndata: {\"type\":\"message_stop\"}\n\n"
	asking  = `{"model":"claude-haiku-4-5","max_tokens":100,"stream":true,"messages":[{"role":"user","content":"in /tmp/w/x"}],"metadata":{"user_id":"%s"}}`
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A stage is a gateway between agents and an upstream that a test plays.
type stage struct {
	t       *testing.T
	url     string
	dir     string
	gateway *Gateway
	token   string
	tick    int

	mu      sync.Mutex
	keys    []string // that the upstream was shown
	used    []Exchange
	refused []error
	log     []string
}

func newStage(t *testing.T, change func(*Options), play http.HandlerFunc) *stage {
	t.Helper()
	s := &stage{t: t, dir: filepath.Join(t.TempDir(), "gateway")}
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.keys = append(s.keys, tokenOf(r.Header))
		s.mu.Unlock()
		_, _ = io.Copy(io.Discard, r.Body) // a server sees its client go once it has read all
		play(w, r)
	}))
	t.Cleanup(up.Close)
	x, err := OpenExchanges(s.dir, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	opts := Options{
		Upstreams: []Upstream{{API: "anthropic", URL: up.URL, Key: realKey}},
		Prices:    price.List(), Budgets: NewBudgets(), Exchanges: x,
		Turn:    func(string) (int, int) { return s.tick, 1 },
		Used:    func(e *Exchange) { s.mu.Lock(); defer s.mu.Unlock(); s.used = append(s.used, *e) },
		Refused: func(_ string, err error) { s.mu.Lock(); defer s.mu.Unlock(); s.refused = append(s.refused, err) },
		Wait:    func(string) func() { return func() {} },
		Log:     func(_, text string) { s.mu.Lock(); defer s.mu.Unlock(); s.log = append(s.log, text) },
	}
	if change != nil {
		change(&opts)
	}
	if s.gateway, err = New(opts); err != nil {
		t.Fatal(err)
	}
	s.admit("/tmp/w")
	t.Cleanup(s.gateway.Close)
	server := httptest.NewServer(s.gateway)
	t.Cleanup(server.Close)
	s.url = strings.TrimPrefix(server.URL, "http://")
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	return s
}

func (s *stage) admit(work string) {
	s.token = s.gateway.Admit(Client{Agent: "ann", Dirs: map[string]string{"work": work}})
}

// ask makes a request as ann does, and gives what came of it; an answer that broke
// off has an error.
func (s *stage) ask(method, path, token, body string) (status int, answer string, err error) {
	s.t.Helper()
	r, err := http.NewRequest(method, agent.LookupAPI("anthropic").Base(s.url, "ann")+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("X-Api-Key", token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, string(text), err
}

func (s *stage) messages(who string) (int, string, error) {
	s.t.Helper()
	return s.ask(http.MethodPost, "/v1/messages", s.token, fmt.Sprintf(asking, who))
}

func streams(parts ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, part := range parts {
			_, _ = io.WriteString(w, part)
			_ = http.NewResponseController(w).Flush()
		}
	}
}

// A request goes through with the real key, and is counted, kept and told.
func TestGateway(t *testing.T) {
	s := newStage(t, nil, streams(stream, ending))
	status, answer, err := s.messages("one")
	if status != 200 || answer != stream+ending || err != nil {
		t.Fatalf("%d %q %v", status, answer, err)
	}
	if len(s.keys) != 1 || s.keys[0] != realKey {
		t.Errorf("the upstream was shown %q", s.keys)
	}
	want := agent.FromDollars(1000*1/1e6 + 200*5/1e6)
	if len(s.used) != 1 || s.used[0].USD != want || s.used[0].Tokens != (price.Tokens{Input: 1000, Output: 200}) || !s.used[0].Whole {
		t.Errorf("it is told as %+v; want %s", s.used, want)
	}
	var kept []Exchange
	if err := ReadExchanges(s.dir, func(e *Exchange) error { kept = append(kept, *e); return nil }); err != nil || len(kept) != 1 {
		t.Fatalf("%d exchanges are kept: %v", len(kept), err)
	}
	for hash, want := range map[string]string{kept[0].Hash: string(NewNormaliser(map[string]string{"work": "/tmp/w"}).Normal(fmt.Appendf(nil, asking, "one"))), kept[0].Response: answer} {
		if got, err := ReadBody(s.dir, hash); string(got) != want || err != nil {
			t.Errorf("what is kept is %q: %v", got, err)
		}
	}
}

// Who has no token of the agent's, or asks for what is not passed on, gets nowhere.
func TestGatewayRefuses(t *testing.T) {
	s := newStage(t, nil, streams(stream, ending))
	ben := s.gateway.Admit(Client{Agent: "ben"})
	for _, c := range []struct {
		method, path, token string
		status              int
		says                string
	}{
		{http.MethodPost, "/v1/messages", ben, 401, "no token of ann's"},
		{http.MethodPost, "/v1/messages", "", 401, "no token of ann's"},
		{http.MethodPost, "/v1/files", s.token, 404, "does not pass on POST /v1/files"},
		{http.MethodGet, "/v1/messages", s.token, 404, "does not pass on GET /v1/messages"},
		{http.MethodGet, "/v1/models/../files", s.token, 404, "does not pass on GET /v1/models/../files"},
		{http.MethodGet, "/v1/models/%2e%2e/files", s.token, 404, "does not pass on GET /v1/models/../files"},
		{http.MethodGet, "/v1/models/..%2Ffiles", s.token, 404, "does not pass on GET /v1/models/../files"},
		{http.MethodGet, "/v1/models//x", s.token, 404, "does not pass on"},
		{http.MethodPost, "/v1/messages", s.token, 400, "no JSON object"},
	} {
		status, answer, err := s.ask(c.method, c.path, c.token, "{")
		if status != c.status || !strings.Contains(answer, c.says) || err != nil {
			t.Errorf("%s %s: %d %s %v", c.method, c.path, status, answer, err)
		}
	}
	s.gateway.Dismiss("ann")
	if status, _, _ := s.messages("x"); status != 401 {
		t.Errorf("a token that was taken away: %d", status)
	}
	if len(s.keys) > 0 {
		t.Errorf("the upstream was asked %d times", len(s.keys))
	}
}

// An agent whose process is started again is answered from the record what it has
// asked in the tick already; nothing is paid twice.
func TestGatewayAgain(t *testing.T) {
	s := newStage(t, nil, streams(stream, ending))
	for range 2 { // the same twice is two requests
		if _, _, err := s.messages("one"); err != nil {
			t.Fatal(err)
		}
	}
	s.gateway.Started("ann")
	for range 2 {
		if _, answer, err := s.messages("another process"); answer != stream+ending || err != nil {
			t.Fatalf("%q %v", answer, err)
		}
	}
	if len(s.keys) != 2 || len(s.used) != 2 {
		t.Errorf("the upstream was asked %d times and %d exchanges were told", len(s.keys), len(s.used))
	}
	if _, _, err := s.messages("a third"); err != nil || len(s.keys) != 3 {
		t.Errorf("a third request: %d at the upstream, %v", len(s.keys), err)
	}

	// Another supervisor has what the first one has kept, and tells what it cost.
	past, err := ReadPast(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	next := newStage(t, func(o *Options) { o.Past, o.Only, o.Exchanges = past, true, nil }, nil)
	next.admit("/elsewhere/w")
	body := strings.Replace(fmt.Sprintf(asking, "one"), "/tmp/w", "/elsewhere/w", 1)
	for i := range 3 {
		if _, answer, err := next.ask(http.MethodPost, "/v1/messages", next.token, body); answer != stream+ending || err != nil {
			t.Errorf("request %d: %q %v", i, answer, err)
		}
	}
	if status, answer, _ := next.ask(http.MethodPost, "/v1/messages", next.token, body); status != 409 || !strings.Contains(answer, "request 4 of ann at tick 0 has no counterpart") {
		t.Errorf("what is not on record: %d %s", status, answer)
	}
	if len(next.used) != 3 || past.Drift() != 0 || len(next.refused) != 1 {
		t.Errorf("%d told, %d drifted, %v", len(next.used), past.Drift(), next.refused)
	}
}

// A request that differs from the one on record is answered all the same, and
// counted, unless that is not wanted.
func TestGatewayDrift(t *testing.T) {
	s := newStage(t, nil, streams(stream, ending))
	if _, _, err := s.messages("one"); err != nil {
		t.Fatal(err)
	}
	for _, strict := range []bool{false, true} {
		past, err := ReadPast(s.dir)
		if err != nil {
			t.Fatal(err)
		}
		next := newStage(t, func(o *Options) { o.Past, o.Only, o.Strict, o.Exchanges = past, true, strict, nil }, nil)
		status, answer, err := next.ask(http.MethodPost, "/v1/messages", next.token, strings.Replace(asking, "/x", "/y", 1))
		if strict && (status != 409 || !strings.Contains(answer, "is not the one on record")) || !strict && (answer != stream+ending || past.Drift() != 1) || err != nil {
			t.Errorf("strict %t: %d %s %v", strict, status, answer, err)
		}
	}
}

// What an upstream does wrong is the agent's to see, and costs what it may have
// cost.
func TestGatewayTroubles(t *testing.T) {
	full := func(status int, times int, then http.HandlerFunc) http.HandlerFunc {
		n := 0
		return func(w http.ResponseWriter, r *http.Request) {
			if n++; n <= times {
				w.Header().Set("Retry-After-Ms", "1")
				w.WriteHeader(status)
				_, _ = io.WriteString(w, `{"type":"error","error":{"type":"rate_limit_error","message":"no room"}}`)
				return
			}
			then(w, r)
		}
	}
	haiku, _ := price.List().Of("claude-haiku-4-5")
	rest := agent.FromDollars(1000*1/1e6 + 100*5/1e6) // what it says of its input, and all that it may say
	for name, c := range map[string]struct {
		play   http.HandlerFunc
		status int
		broken bool
		asked  int
		cost   agent.USD
	}{
		"no room at first": {full(429, 3, streams(stream, ending)), 200, false, 4, agent.FromDollars(0.002)},
		"overloaded":       {full(529, 99, nil), 529, false, usualTries, 0},
		"an error":         {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "oh", 500) }, 500, false, 1, 0},
		"a cut stream":     {streams(stream), 200, true, 1, rest},
		"a malformed one":  {streams("data: {]\n\n"), 200, true, 1, haiku.Most(len(fmt.Sprintf(asking, "one")), 100, false)},
		"a stalled one":    {func(w http.ResponseWriter, r *http.Request) { streams(stream)(w, r); <-r.Context().Done() }, 200, true, 1, rest},
		"one that is mute": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 504, false, 1, 0},
		"one that is slow": {func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(50 * time.Millisecond)
			streams(stream, ending)(w, r)
		}, 200, false, 1, agent.FromDollars(0.002)},
		"broken off after all was said": {func(w http.ResponseWriter, r *http.Request) {
			streams(stream, ending)(w, r)
			panic(http.ErrAbortHandler)
		}, 200, false, 1, agent.FromDollars(0.002)},
		"silent after all was said": {func(w http.ResponseWriter, r *http.Request) {
			streams(stream, ending)(w, r)
			<-r.Context().Done()
		}, 200, false, 1, agent.FromDollars(0.002)},
		"no upstream there": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 502, false, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := NewBudgets()
			b.Enroll("ann", 0, Budget{Name: "all", USD: agent.Dollar})
			s := newStage(t, func(o *Options) {
				o.Budgets, o.Upstreams[0].First, o.Upstreams[0].Idle = b, 500*time.Millisecond, 300*time.Millisecond
			}, c.play)
			status, _, err := s.messages("one")
			s.gateway.Close() // its handlers have told all
			if status != c.status || c.broken != (err != nil) || len(s.keys) != c.asked {
				t.Errorf("%d %v after %d tries", status, err, len(s.keys))
			}
			if got := b.Spent()["all"]; got != c.cost {
				t.Errorf("it has cost %s, want %s", got, c.cost)
			}
			for _, line := range s.log {
				if strings.Contains(line, realKey) {
					t.Errorf("the key is in the log: %s", line)
				}
			}
		})
	}
}

// Who gives up while its request waits for a place at the upstream has nothing asked:
// nobody wants the answer, which would be paid.
func TestGatewayLeavesQueue(t *testing.T) {
	began, goOn := make(chan struct{}, 2), make(chan struct{})
	s := newStage(t, func(o *Options) { o.Upstreams[0].Most = 1 }, func(w http.ResponseWriter, r *http.Request) {
		began <- struct{}{}
		<-goOn
		streams(stream, ending)(w, r)
	})
	var first sync.WaitGroup
	first.Go(func() {
		if _, _, err := s.messages("one"); err != nil {
			t.Error(err)
		}
	})
	<-began
	ctx, giveUp := context.WithCancel(t.Context())
	var second sync.WaitGroup
	second.Go(func() {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, agent.LookupAPI("anthropic").Base(s.url, "ann")+"/v1/messages", strings.NewReader(fmt.Sprintf(asking, "two")))
		if err != nil {
			t.Error(err)
			return
		}
		r.Header.Set("X-Api-Key", s.token)
		if res, err := http.DefaultClient.Do(r); err == nil {
			t.Error("it is answered", res.Status, res.Body.Close())
		}
	})
	waiting := func(want int) {
		patience, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		for g := s.gateway.upstreams["anthropic"].governor; patience.Err() == nil; {
			g.mu.Lock()
			n := len(g.waiting)
			g.mu.Unlock()
			if n == want {
				return
			}
			runtime.Gosched()
		}
		t.Errorf("there are not %d requests that wait", want)
	}
	waiting(1)
	giveUp()
	second.Wait()
	waiting(0)
	close(goOn)
	first.Wait()
	s.gateway.Close()
	if len(s.keys) != 1 {
		t.Errorf("the upstream was asked %d times", len(s.keys))
	}
}

// What is answered in the background tells nobody here what it took, and is not asked.
func TestGatewayBackground(t *testing.T) {
	s := newStage(t, func(o *Options) { o.Upstreams[0].API = "openai" }, streams())
	r, err := http.NewRequest(http.MethodPost, "http://"+s.url+"/ann/openai/v1/responses", strings.NewReader(`{"model":"gpt-5","background":true}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), "in the background") || err != nil || len(s.keys) > 0 {
		t.Errorf("%d %s %v; the upstream was asked %d times", res.StatusCode, text, err, len(s.keys))
	}
}

// Close ends whatever is under way, and nothing is after it: an answer that is not whole
// does not look like one.
func TestGatewayCloses(t *testing.T) {
	for name, c := range map[string]struct{ method, path string }{
		"billed":     {http.MethodPost, "/v1/messages"},
		"not billed": {http.MethodGet, "/v1/models"},
	} {
		t.Run(name, func(t *testing.T) {
			began := make(chan struct{}, 9)
			s := newStage(t, nil, func(_ http.ResponseWriter, r *http.Request) {
				began <- struct{}{}
				<-r.Context().Done()
			})
			answered := make(chan string)
			go func() {
				status, answer, err := s.ask(c.method, c.path, s.token, asking)
				if err == nil && status < 500 {
					t.Errorf("%d %q", status, answer)
				}
				close(answered)
			}()
			<-began
			s.gateway.Close()
			select {
			case <-answered:
			case <-time.After(10 * time.Second):
				t.Error("it waits for the upstream")
			}
			if _, _, err := s.ask(c.method, c.path, s.token, asking); err == nil || len(s.keys) != 1 {
				t.Errorf("a closed gateway: %v; the upstream was asked %d times", err, len(s.keys))
			}
		})
	}
}
