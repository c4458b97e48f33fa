package gateway

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
)

// However a text is cut into parts, the key is not in what is passed on, and all else
// is; only what may be the beginning of a key waits for the next part.
func TestBlotter(t *testing.T) {
	for _, key := range []string{realKey, "aab", "x", ""} {
		text := strings.ReplaceAll("KEY sk- sk-real-canarsk-real-canary\n\naaaabab xKEYKEY\n\nKE sk-real-canar", "KEY", key)
		want := text
		if key != "" {
			want = strings.ReplaceAll(text, key, "[key]")
		}
		for size := 1; size <= len(text); size++ {
			var out bytes.Buffer
			b := newBlotter(&out, key)
			for rest := text; rest != ""; {
				n := min(size, len(rest))
				if _, err := io.WriteString(b, rest[:n]); err != nil {
					t.Fatal(err)
				}
				if waits := len(b.held); waits > 0 && !strings.HasPrefix(key, string(b.held)) || strings.HasSuffix(rest[:n], "\n") && waits > 0 {
					t.Errorf("%q waits after %q", b.held, rest[:n])
				}
				rest = rest[n:]
			}
			if err := b.end(); err != nil || out.String() != want {
				t.Errorf("%q without %q in parts of %d: %q, %v", text, key, size, out.String(), err)
			}
		}
	}
}

// A key that an upstream repeats reaches neither the agent nor what is kept, be it in a
// stream, in two reads of it, in a whole answer, or in one that is not billed.
func TestGatewayHidesKey(t *testing.T) {
	event := `data: {"type":"ping","said":"` + realKey + "\"}\n\n"
	half := strings.Index(event, realKey) + len(realKey)/2
	whole := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"type":"message","said":"`+realKey+`"}`)
	}
	for name, c := range map[string]struct {
		play         http.HandlerFunc
		method, path string
		want         string
	}{
		"stream":       {streams(stream, event, ending), http.MethodPost, "/v1/messages", stream + strings.Replace(event, realKey, "[key]", 1) + ending},
		"two reads":    {streams(stream, event[:half], event[half:], ending), http.MethodPost, "/v1/messages", stream + strings.Replace(event, realKey, "[key]", 1) + ending},
		"at its end":   {streams(stream, ending, ": "+realKey[:3]), http.MethodPost, "/v1/messages", stream + ending + ": " + realKey[:3]},
		"whole answer": {whole, http.MethodPost, "/v1/messages", `{"type":"message","said":"[key]"}`},
		"not billed":   {whole, http.MethodGet, "/v1/models", `{"type":"message","said":"[key]"}`},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, nil, c.play)
			status, answer, err := s.ask(c.method, c.path, s.token, asking)
			if status != http.StatusOK || answer != c.want || err != nil {
				t.Errorf("%d %q %v", status, answer, err)
			}
			err = ReadExchanges(s.dir, func(e *Exchange) error {
				body, err := ReadBody(s.dir, e.Response)
				if bytes.Contains(body, []byte(realKey)) || e.USD <= 0 {
					t.Errorf("it is kept as %q, for %s", body, e.USD)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// A stream that breaks off in the middle of the key gives nobody most of it.
func TestGatewayHidesHalfKey(t *testing.T) {
	s := newStage(t, nil, func(w http.ResponseWriter, r *http.Request) {
		streams(stream, `data: {"said":"`+realKey[:len(realKey)-1])(w, r)
		panic(http.ErrAbortHandler)
	})
	if _, answer, err := s.messages("one"); err == nil || strings.Contains(answer, realKey[:4]) || !strings.HasPrefix(answer, stream) {
		t.Errorf("%q %v", answer, err)
	}
}
