package modeltest_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/troupe-dev/troupe/runtime/agent/modeltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start returns a server that ends with the test.
func start(t *testing.T, script modeltest.Script) *modeltest.Server {
	t.Helper()
	s := modeltest.Start(script)
	t.Cleanup(s.Close)
	return s
}

// user is a conversation of the user's texts alone.
func user(texts ...string) []any {
	var all []any
	for _, text := range texts {
		all = append(all, turn("user", text))
	}
	return all
}

func turn(role string, content any) any { return map[string]any{"role": role, "content": content} }

// An answer is what came back: a message, or the events of a stream, read to
// its end or to err.
type answer struct {
	*http.Response
	body []byte
	err  error
}

// ask calls the model with the key k.
func ask(ctx context.Context, t *testing.T, s *modeltest.Server, stream bool, messages ...any) answer {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"model": "m", "max_tokens": 9, "stream": stream, "messages": messages,
		"system": []any{map[string]any{"type": "text", "text": "You are Ann."}},
		"tools":  []any{map[string]any{"name": "Bash"}, map[string]any{"name": "Read"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return post(ctx, t, s.URL+"/v1/messages?beta=true", body, "X-Api-Key", "k", "Anthropic-Version", "2023-06-01")
}

// post sends a body with pairs of a header's name and value. An error is the
// answer's, not the test's.
func post(ctx context.Context, t *testing.T, url string, body []byte, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Error(err)
		return answer{err: err}
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return answer{err: err}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return answer{response, text, err}
}

// An event is one of a stream.
type event struct {
	Type    string
	Index   int
	Message struct {
		Usage usage
	}
	Block struct{ Type, ID, Name string } `json:"content_block"`
	Delta struct {
		Type, Text, Thinking, Signature string
		JSON                            string `json:"partial_json"`
		Stop                            string `json:"stop_reason"`
	}
	Usage usage
}

type usage struct {
	Input      int `json:"input_tokens"`
	Output     int `json:"output_tokens"`
	CacheRead  int `json:"cache_read_input_tokens"`
	CacheWrite int `json:"cache_creation_input_tokens"`
}

// events reads a stream. Each event's name must be its type.
func (a answer) events(t *testing.T) []event {
	t.Helper()
	if a.err != nil {
		t.Fatal(a.err)
	}
	var all []event
	name := ""
	for lines := bufio.NewScanner(bytes.NewReader(a.body)); lines.Scan(); {
		if s, is := strings.CutPrefix(lines.Text(), "event: "); is {
			name = s
		}
		if s, is := strings.CutPrefix(lines.Text(), "data: "); is {
			var e event
			if err := json.Unmarshal([]byte(s), &e); err != nil || e.Type != name {
				t.Fatalf("event %s is %s: %v", name, s, err)
			}
			all = append(all, e)
		}
	}
	return all
}

// story is a stream in short: what came, with deltas joined.
func story(all []event) string {
	var s strings.Builder
	for _, e := range all {
		switch e.Type {
		case "content_block_start":
			fmt.Fprintf(&s, "%d:%s%s[", e.Index, e.Block.Type, e.Block.Name)
		case "content_block_delta":
			d := e.Delta
			s.WriteString(d.Text + d.Thinking + d.JSON)
			if d.Signature != "" {
				s.WriteString("|sealed")
			}
		case "content_block_stop":
			s.WriteString("] ")
		case "message_delta":
			fmt.Fprintf(&s, "%s ", e.Delta.Stop)
		default:
			s.WriteString(e.Type + " ")
		}
	}
	return strings.TrimSpace(s.String())
}
