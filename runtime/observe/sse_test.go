package observe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/record"
)

// talkative is a record in which something happens: as much as its tick says.
func talkative(n int) *record.Record {
	r := &record.Record{Tick: n, Annex: record.Annex{Time: time.Unix(int64(n), 0)}}
	for i := range n % 4 {
		r.Messages = append(r.Messages, record.Message{From: "ann", Channel: "square", Body: fmt.Appendf(nil, `"%d of %d"`, i, n)})
	}
	r.Turns = []record.Turn{{Agent: "ann", Observation: []byte(`{"n":"\n\n"}`), Action: []byte(`{}`)}}
	return r
}

// A seen is what a client of a stream of events has got.
type seen struct {
	id, kind, data string
}

// parse reads whole events of a stream, and leaves signs of life out.
func parse(t testing.TB, text string) (all []seen) {
	t.Helper()
	for block := range strings.SplitSeq(strings.TrimSuffix(text, "\n\n"), "\n\n") {
		var e seen
		for line := range strings.SplitSeq(block, "\n") {
			key, value, ok := strings.Cut(line, ": ")
			switch {
			case line == ":" || line == "":
			case !ok:
				t.Errorf("no line of an event: %q", line)
			case key == "id":
				e.id = value
			case key == "event":
				e.kind = value
			case key == "data":
				e.data = value
			}
		}
		if e.kind != "" {
			all = append(all, e)
		}
	}
	return all
}

func streamed(t *testing.T, s *Store, run string, from Mark) string {
	t.Helper()
	var out strings.Builder
	if err := s.Stream(t.Context(), run, from, &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestReconnect: whoever comes back with any id gets exactly what follows it,
// wherever that has to be read from.
func TestReconnect(t *testing.T) {
	h, c := open(t)
	h.run("r", 0, false)
	const ticks = 25
	for n := range ticks {
		r := talkative(n)
		if n == ticks-1 {
			r.End = record.EndDone
		}
		h.commit("r", r)
	}
	all := parse(t, streamed(t, h.store, "r", Mark{}))
	var lines strings.Builder
	if err := c.Events(t.Context(), "r", 0, false, &lines); err != nil {
		t.Fatal(err)
	}
	var told strings.Builder
	for _, e := range all[:len(all)-1] {
		told.WriteString(e.data + "\n")
		if !strings.Contains(e.data, `"type":"`+e.kind+`"`) {
			t.Errorf("event %s of type %s is %s", e.id, e.kind, e.data)
		}
	}
	if told.String() != lines.String() {
		t.Errorf("the stream says\n%s\nand the lines\n%s", &told, &lines)
	}
	if last := all[len(all)-1]; last.kind != "end" || last.id != "" || !strings.Contains(last.data, `"status":"finished","ticks":25`) && !strings.Contains(last.data, `"status":"finished"`) {
		t.Errorf("the last event is %+v", last)
	}
	for i, e := range all[:len(all)-1] {
		from, err := ParseMark(e.id)
		if err != nil {
			t.Fatal(err)
		}
		if rest := parse(t, streamed(t, h.store, "r", from)); fmt.Sprint(rest) != fmt.Sprint(all[i+1:]) {
			t.Fatalf("after %s comes\n%v\nwant\n%v", e.id, rest, all[i+1:])
		}
	}
}

// TestReconnectWhileItGoes: readers that are cut off after any number of bytes and
// come back with the last id they have whole lose and double nothing, while ticks
// are committed, the run is stopped and goes on.
func TestReconnectWhileItGoes(t *testing.T) {
	h, _ := open(t)
	h.run("r", 0, true)
	const ticks, readers = 120, 8
	type result struct {
		got []seen
		err error
	}
	done := make(chan result, readers)
	for i := range readers {
		go func() {
			got, err := h.unreliable(t.Context(), rand.New(rand.NewPCG(1, uint64(i))))
			done <- result{got, err}
		}()
	}
	for n := range ticks {
		if n == ticks/2 { // another supervisor goes on with it
			h.live("r").Over()
			h.mu.Lock()
			h.lives["r"] = NewLive(func() {})
			h.mu.Unlock()
		}
		r := talkative(n)
		if n == ticks-1 {
			r.End = record.EndTicks
		}
		h.commit("r", r)
	}
	h.live("r").Over()
	want := parse(t, streamed(t, h.store, "r", Mark{}))
	for range readers {
		r := <-done
		if r.err != nil || fmt.Sprint(r.got) != fmt.Sprint(want) {
			t.Fatalf("%v: got %d events, want %d", r.err, len(r.got), len(want))
		}
	}
}

var errCut = errors.New("the line is cut")

// A cutWriter takes so many bytes.
type cutWriter struct {
	strings.Builder
	left int
}

func (c *cutWriter) Write(b []byte) (int, error) {
	if len(b) > c.left {
		c.Builder.Write(b[:c.left])
		return c.left, errCut
	}
	c.left -= len(b)
	return c.Builder.Write(b)
}

// unreliable follows run r over connections that break, to its end.
func (h *house) unreliable(ctx context.Context, rnd *rand.Rand) (all []seen, err error) {
	for from := (Mark{}); ; {
		w := &cutWriter{left: rnd.IntN(3000)}
		err := h.store.Stream(ctx, "r", from, w)
		if err != nil && !errors.Is(err, errCut) {
			return all, err
		}
		whole := w.String()
		whole = whole[:max(0, strings.LastIndex(whole, "\n\n"))]
		for _, e := range parse(h.t, whole) {
			if e.kind == "end" && strings.Contains(e.data, `"interrupted"`) {
				continue
			}
			all = append(all, e)
			if e.kind == "end" {
				return all, nil
			}
			if from, err = ParseMark(e.id); err != nil {
				return all, err
			}
		}
	}
}

// TestStalledReader: one that takes nothing keeps neither the run nor the others
// from going on, and gets all of it once it reads.
func TestStalledReader(t *testing.T) {
	h, _ := open(t)
	h.run("r", 0, true)
	stalled, out := io.Pipe()
	first := make(chan error, 1)
	go func() { first <- h.store.Stream(t.Context(), "r", Mark{}, out) }()
	big := strings.Repeat("x", 600<<10)
	const ticks = 18 // more than the window holds
	second := make(chan string, 1)
	go func() { second <- streamed(t, h.store, "r", Mark{}) }()
	for n := range ticks {
		r := &record.Record{Tick: n, Messages: []record.Message{{From: "a", To: "b", Body: []byte(`"` + big + `"`)}}}
		if n == ticks-1 {
			r.End = record.EndDone
		}
		h.commit("r", r)
	}
	want := <-second
	go func() { _ = out.CloseWithError(<-first) }()
	got, err := io.ReadAll(stalled)
	if err != nil && !errors.Is(err, io.ErrClosedPipe) || string(got) != want {
		t.Errorf("%v: the reader that stalled got %d bytes, the other %d", err, len(got), len(want))
	}
}

func TestStreamsOverHTTP(t *testing.T) {
	h, c := open(t)
	h.run("r", 0, false)
	h.commit("r", talkative(0))
	h.commit("r", talkative(1))
	for _, x := range []struct {
		path, last string
		status     int
		want       string
	}{
		{"events?from=1", "", 200, "1.0 1.1 1.2 1.3 end"},
		{"events", "0.1", 200, "0.2 1.0 1.1 1.2 1.3 end"},
		{"events?last_event_id=1.2", "", 200, "1.3 end"},
		{"events", "1.9", 200, "end"},
		{"events", "77.0", 200, "end"},
		{"events", "x", 400, ""},
		{"events", "1.-1", 400, ""},
		{"events?from=-1", "", 400, ""},
		{"frames", "", 200, "1 end"},
		{"frames?from=1", "", 200, "1 end"},
		{"frames", "0", 200, "1 end"},
		{"frames", "1", 200, "end"},
		{"frames", "1.0", 400, ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://troupe/v1/runs/r/"+x.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", "text/event-stream")
		if x.last != "" {
			req.Header.Set("Last-Event-ID", x.last)
		}
		res, err := c.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != x.status {
			t.Errorf("%s after %q: %s, %v: %s", x.path, x.last, res.Status, err, body)
			continue
		}
		if x.status != 200 {
			continue
		}
		if kind := res.Header.Get("Content-Type"); kind != "text/event-stream" {
			t.Errorf("%s is %s", x.path, kind)
		}
		var ids []string
		for _, e := range parse(t, string(body)) {
			ids = append(ids, e.id)
			if e.kind == "end" {
				ids[len(ids)-1] = "end"
			}
		}
		if got := strings.Join(ids, " "); got != x.want {
			t.Errorf("%s after %q: %s, want %s", x.path, x.last, got, x.want)
		}
	}
}
