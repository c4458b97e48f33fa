package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/price"
)

// conversation is a request of about 100 KB, as a tool makes after some turns.
func conversation() []byte {
	messages := []any{}
	for i := range 50 {
		messages = append(messages, map[string]any{
			"role":    [2]string{"user", "assistant"}[i%2],
			"content": []any{map[string]any{"type": "text", "text": strings.Repeat("a line of /tmp/w/main.go\n", 80)}},
		})
	}
	body, err := json.Marshal(map[string]any{"model": "claude-haiku-4-5", "max_tokens": 1000, "stream": true, "messages": messages})
	if err != nil {
		panic(err)
	}
	return body
}

// dirs are an agent's, as a run has them.
var dirs = map[string]string{
	"agent":      "/tmp/runs/village/agents/ann",
	"run":        "/tmp/runs/village",
	"agent-slug": "-tmp-runs-village-agents-ann",
}

func BenchmarkNormal(b *testing.B) {
	body, n := conversation(), NewNormaliser(dirs)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		n.Normal(body)
	}
}

// BenchmarkExchange is one request on its way through, with an upstream beside it.
func BenchmarkExchange(b *testing.B) {
	for _, kept := range []bool{false, true} {
		b.Run(fmt.Sprintf("recorded=%v", kept), func(b *testing.B) {
			up := httptest.NewServer(streams(stream, strings.Repeat("data: {\"type\":\"ping\"}\n\n", 50), ending))
			defer up.Close()
			o := Options{
				Upstreams: []Upstream{{API: "anthropic", URL: up.URL, Key: realKey}},
				Prices:    price.List(), Budgets: NewBudgets(),
				Turn:    func(string) (int, int) { return 0, 1 },
				Used:    func(*Exchange) {},
				Refused: func(string, error) {},
				Wait:    func(string) func() { return func() {} },
				Log:     func(string, string) {},
			}
			if kept {
				x, err := OpenExchanges(filepath.Join(b.TempDir(), "gateway"), false)
				if err != nil {
					b.Fatal(err)
				}
				defer func() { _ = x.Close() }()
				o.Exchanges = x
			}
			g, err := New(o)
			if err != nil {
				b.Fatal(err)
			}
			defer g.Close()
			token, body, n := g.Admit(Client{Agent: "ann", Dirs: dirs}), conversation(), 0
			b.ReportAllocs()
			for b.Loop() {
				n++
				text := bytes.Replace(body, []byte("main.go"), fmt.Appendf(nil, "%07d", n), 1)
				r := httptest.NewRequest(http.MethodPost, "/ann/anthropic/v1/messages", bytes.NewReader(text))
				r.Header.Set("X-Api-Key", token)
				w := httptest.NewRecorder()
				if g.ServeHTTP(w, r); w.Code != http.StatusOK {
					b.Fatalf("status %d: %s", w.Code, w.Body)
				}
			}
		})
	}
}
