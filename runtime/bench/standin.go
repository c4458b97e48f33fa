package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A standIn is a model for nobody's money: it answers each request of the
// Messages API at once with the same text, as a stream of server-sent events.
type standIn struct {
	url    string
	server *http.Server
	wg     sync.WaitGroup
}

// newStandIn listens on an address of its own. Its text comes in so many parts.
// The caller closes it.
func newStandIn(text string, parts int) (*standIn, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("cannot stand in for a model: %w", err)
	}
	events := eventsOf(text, parts)
	s := &standIn{url: "http://" + l.Addr().String(), server: &http.Server{
		ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/messages") {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("Content-Type", "text/event-stream")
			for _, event := range events {
				_, _ = io.WriteString(w, event)
				_ = http.NewResponseController(w).Flush() // whoever has gone hears no more
			}
		}),
	}}
	s.wg.Go(func() { _ = s.server.Serve(l) })
	return s, nil
}

func (s *standIn) close() {
	_ = s.server.Close()
	s.wg.Wait()
}

// eventsOf are those of a message of one text, in so many parts.
func eventsOf(text string, parts int) (events []string) {
	add := func(kind string, fields map[string]any) {
		fields["type"] = kind
		data, err := json.Marshal(fields)
		if err != nil { // it is made of strings and numbers
			panic(err)
		}
		events = append(events, "event: "+kind+"\ndata: "+string(data)+"\n\n")
	}
	add("message_start", map[string]any{"message": map[string]any{
		"id": "msg_bench", "type": "message", "role": "assistant", "model": benchModel, "content": []any{},
		"stop_reason": nil, "usage": map[string]int{"input_tokens": 25_000, "output_tokens": 1},
	}})
	add("content_block_start", map[string]any{"index": 0, "content_block": map[string]string{"type": "text", "text": ""}})
	for i := range parts {
		from, to := i*len(text)/parts, (i+1)*len(text)/parts
		add("content_block_delta", map[string]any{"index": 0, "delta": map[string]string{"type": "text_delta", "text": text[from:to]}})
	}
	add("content_block_stop", map[string]any{"index": 0})
	add("message_delta", map[string]any{
		"delta": map[string]any{"stop_reason": "end_turn", "stop_sequence": nil}, "usage": map[string]int{"output_tokens": parts},
	})
	add("message_stop", map[string]any{})
	return events
}

// benchModel is one that has a price.
const benchModel = "claude-haiku-4-5"
