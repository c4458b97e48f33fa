package observe

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/bus"
	"github.com/troupe-dev/troupe/runtime/record"
)

func TestList(t *testing.T) {
	h, c := open(t)
	if runs, err := c.List(t.Context()); err != nil || runs == nil || len(runs) != 0 {
		t.Errorf("with no run: %v, %v", runs, err)
	}
	h.run("old", 2*time.Hour, false)
	h.tick("old", 0, record.EndDone)
	h.run("cut", time.Hour, false)
	h.run("new", time.Minute, true)
	h.tick("new", 0, record.NotEnded)
	h.run("aborted", 3*time.Hour, false)
	h.tick("aborted", 0, record.EndAborted)
	if err := os.MkdirAll(filepath.Join(h.data, "runs", "half"), 0o700); err != nil {
		t.Fatal(err)
	}
	runs, err := c.List(t.Context())
	if err != nil || len(runs) != 5 {
		t.Fatalf("%+v, %v", runs, err)
	}
	for i, want := range []Run{
		{Run: "new", Status: Running, Ticks: 1, PID: os.Getpid()}, {Run: "cut", Status: Interrupted},
		{Run: "old", Status: Finished, Ticks: 1}, {Run: "aborted", Status: Aborted, Ticks: 1},
	} {
		got := runs[i]
		if got.Run != want.Run || got.Status != want.Status || got.Ticks != want.Ticks || got.PID != want.PID {
			t.Errorf("run %d: %+v, want %+v", i, got, want)
		}
		if got.Scenario != "play" || got.Seed != 7 || got.Last != 9 || got.Agents != 1 || len(got.Hash) != 64 || got.Error != "" {
			t.Errorf("run %d: %+v", i, got)
		}
	}
	if half := runs[4]; half.Run != "half" || half.Error == "" {
		t.Errorf("a run without a manifest: %+v, want what is wrong with it", half)
	}
}

func TestEvents(t *testing.T) {
	h, c := open(t)
	h.run("r", 0, false)
	h.tick("r", 0, record.NotEnded)
	h.tick("r", 1, record.EndDone)
	for _, x := range []struct{ from, ticks int }{{0, 2}, {1, 1}, {2, 0}, {99, 0}} {
		for _, follow := range []bool{false, true} {
			var out strings.Builder
			if err := c.Events(t.Context(), "r", x.from, follow, &out); err != nil {
				t.Error(err)
			}
			if n := strings.Count(out.String(), `"type":"tick"`); n != x.ticks {
				t.Errorf("from %d: %d ticks, want %d", x.from, n, x.ticks)
			}
		}
	}
}

func TestEntries(t *testing.T) {
	h, c := open(t)
	h.run("r", 0, true)
	for n := range 4 {
		var b bytes.Buffer
		if err := c.Entries(t.Context(), "r", &b); err != nil {
			t.Fatal(err)
		}
		entries, err := record.OpenCopy(bytes.NewReader(b.Bytes()), int64(b.Len()), nil)
		if err != nil {
			t.Fatal(err)
		}
		m, err := record.ReadManifest((&Store{Data: h.data}).Dir("r").Manifest())
		if err != nil {
			t.Fatal(err)
		}
		_, sum, err := record.Check(t.Context(), entries, m.Plan.Genesis())
		if _, hash, _ := h.logs["r"].Last(); err != nil || sum.Ticks != n || sum.Hash != hash {
			t.Errorf("%d ticks, hash %x, error %v; want %d, %x", sum.Ticks, sum.Hash, err, n, hash)
		}
		h.tick("r", n, record.NotEnded)
	}
}

// TestEntriesOfADamagedStore spoils one entry, in what it holds or in what comes
// before that: what is before it is given, and the error says which it is.
func TestEntriesOfADamagedStore(t *testing.T) {
	for part, at := range map[string]int{"length": 2, "number": 11, "time": 12, "length of subject": 20, "subject": 22, "payload": -9} {
		t.Run(part, func(t *testing.T) { testEntriesDamaged(t, at) })
	}
}

func testEntriesDamaged(t *testing.T, at int) {
	h, _ := open(t)
	h.run("r", 0, false)
	const ticks, bad = 9, 5
	for n := range ticks {
		h.tick("r", n, record.NotEnded)
	}
	h.bus.Close()
	damage(t, h.data, bad, at)
	var err error
	if h.bus, err = bus.Start(bus.Options{Dir: filepath.Join(h.data, "bus")}); err != nil {
		t.Fatal(err)
	}
	defer h.bus.Close()
	var b bytes.Buffer
	err = (&Store{Data: h.data, Bus: h.bus}).Entries(t.Context(), "r", &b)
	if err == nil || !strings.Contains(err.Error(), "the store is damaged: cannot read the log of r: entry 5 is lost or damaged on disk") {
		t.Errorf("error is %v", err)
	}
	entries, err := record.OpenCopy(bytes.NewReader(b.Bytes()), int64(b.Len()), nil)
	if err != nil {
		t.Fatal(err)
	}
	if last, _ := entries.Last(t.Context()); last != bad-1 {
		t.Errorf("%d entries came, want %d", last, bad-1)
	}
}

// damage flips a bit of an entry of the only log, in a byte counted from its
// start or, where that is negative, from its end.
func damage(t *testing.T, data string, entry, at int) {
	t.Helper()
	blocks, err := filepath.Glob(filepath.Join(data, "bus", "jetstream", "*", "streams", "*", "msgs", "1.blk"))
	if err != nil || len(blocks) != 1 {
		t.Fatalf("blocks of the store: %v, %v", blocks, err)
	}
	text, err := os.ReadFile(blocks[0])
	if err != nil {
		t.Fatal(err)
	}
	start, end := 0, 0
	for range entry {
		start, end = end, end+int(binary.LittleEndian.Uint32(text[end:])&^(1<<31)) // its length
	}
	if at < 0 {
		start = end
	}
	text[start+at] ^= 1
	if err := os.WriteFile(blocks[0], text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestNoSuchRun(t *testing.T) {
	_, c := open(t)
	for _, run := range []string{"none", "..", "a/b", "a b", "", "x\x00y", strings.Repeat("x", 300)} {
		for what, err := range map[string]error{
			"events":  c.Events(t.Context(), run, 0, true, io.Discard),
			"entries": c.Entries(t.Context(), run, io.Discard),
			"log":     c.Log(t.Context(), run, "ann", All, io.Discard),
			"stop":    c.Stop(t.Context(), run),
			"remove":  c.Remove(t.Context(), run, true),
		} {
			if !errors.Is(err, ErrNoRun) {
				t.Errorf("%s of %.20q: %v, want %v", what, run, err, ErrNoRun)
			}
		}
	}
}

func TestStop(t *testing.T) {
	h, c := open(t)
	h.run("over", 0, false)
	h.run("live", 0, true)
	if err := c.Stop(t.Context(), "over"); !errors.Is(err, ErrNotRunning) {
		t.Errorf("of a run that is over: %v", err)
	}
	if err := c.Stop(t.Context(), "live"); err != nil {
		t.Error(err)
	}
	if _, over := h.live("live").More(); !over {
		t.Error("stop returned before the run was over")
	}
}

func TestStopGivenUp(t *testing.T) {
	h, c := open(t)
	h.run("slow", 0, true)
	asked := make(chan struct{})
	h.mu.Lock()
	h.lives["slow"] = NewLive(func() { close(asked) })
	h.mu.Unlock()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Stop(ctx, "slow") }()
	<-asked
	cancel()
	ends(t, done, context.Canceled)
}

func TestRemove(t *testing.T) {
	h, c := open(t)
	h.run("live", 0, true)
	h.tick("live", 0, record.NotEnded)
	if err := c.Remove(t.Context(), "live", false); !errors.Is(err, ErrRunning) {
		t.Errorf("of a run that is running: %v", err)
	}
	if _, over := h.live("live").More(); over {
		t.Error("a refused removal stopped the run")
	}
	if err := c.Remove(t.Context(), "live", true); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(h.data, "runs", "live")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its directory: %v", err)
	}
	if err := c.Remove(t.Context(), "live", true); !errors.Is(err, ErrNoRun) {
		t.Errorf("a second time: %v", err)
	}
}

func TestLog(t *testing.T) {
	h, c := open(t)
	h.run("r", 0, false)
	file := (&Store{Data: h.data}).Dir("r").AgentLog("ann")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{file + ".1": "first\n", file: "then\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	if err := c.Log(t.Context(), "r", "ann", All, &out); err != nil || out.String() != "first\nthen\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
	for tail := range 14 {
		want := ""
		switch {
		case tail >= len("first\nthen\n"):
			want = "first\nthen\n"
		case tail >= len("then\n"):
			want = "then\n"
		}
		out.Reset()
		if err := c.Log(t.Context(), "r", "ann", tail, &out); err != nil || out.String() != want {
			t.Errorf("the last %d bytes: %q, %v; want %q", tail, out.String(), err, want)
		}
	}
	out.Reset()
	if err := c.Log(t.Context(), "r", "", All, &out); err != nil || out.String() != "" {
		t.Errorf("of a world that logged nothing: %q, %v", out.String(), err)
	}
	if err := c.Log(t.Context(), "r", "zoe", All, &out); !errors.Is(err, ErrNoLog) {
		t.Errorf("of nobody: %v", err)
	}
}

func TestRequestsThatAreNone(t *testing.T) {
	h, c := open(t)
	h.run("r", 0, true)
	for request, want := range map[string]int{
		"POST /v1/runs": 400, "DELETE /v1/runs": 405, "GET /v1/runs/r/stop": 405, "PUT /v1/runs/r": 405, "POST /v1/runs/r": 405,
		"POST /v1/runs/r/events": 405, "GET /": 404, "GET /v2/runs": 404, "POST /v1/runs/r/start": 404,
		"GET /v1/runs/r/events?from=-1": 400, "GET /v1/runs/r/events?from=x": 400, "GET /v1/runs/r/events?from=99999999999999999999": 400,
	} {
		method, path, _ := strings.Cut(request, " ")
		req, err := http.NewRequestWithContext(t.Context(), method, "http://troupe"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := c.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: %s, want %d", request, res.Status, want)
		}
	}
	if _, over := h.live("r").More(); over {
		t.Error("one of them stopped the run")
	}
}

// A run that is only being made, to be played later, waits like one of the queue.
func TestRunThatIsMade(t *testing.T) {
	h, c := open(t)
	h.run("r", 0, true)
	h.live("r").Waits = true
	if r, err := c.Get(t.Context(), "r"); err != nil || r.Status != Queued {
		t.Errorf("it is %s, %v", r.Status, err)
	}
	const waits = "not as the run stands: run r waits until there is room for it"
	if _, err := c.Turn(t.Context(), "r", "ann", HumanWait{}); err == nil || err.Error() != waits {
		t.Errorf("a turn of it: %v", err)
	}
	if err := c.Pause(t.Context(), "r"); err == nil || err.Error() != waits {
		t.Errorf("to hold it up: %v", err)
	}
}

// A slowRemoval takes longer than a server that stops waits for those who look.
type slowRemoval struct {
	Runs
	begun chan struct{}
}

func (s slowRemoval) Remove(ctx context.Context, _ string, _ bool) error {
	close(s.begun)
	<-ctx.Done()
	time.Sleep(100 * time.Millisecond)
	return nil
}

// Who has something removed is told that it is done, though the server stops.
func TestRemovalsAreAnswered(t *testing.T) {
	t.Parallel() // much of it waits
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	runs := slowRemoval{begun: make(chan struct{})}
	stop := Serve(l, runs)
	asks, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = asks.Close() }()
	if _, err := io.WriteString(asks, "DELETE /v1/runs/r HTTP/1.1\r\nHost: troupe\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-runs.begun
	stop()
	res, err := http.ReadResponse(bufio.NewReader(asks), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusNoContent {
		t.Errorf("got %s", res.Status)
	}
}

// Before it is known what is to be played, nobody is told that nothing is.
func TestAskedBeforeItIsOpen(t *testing.T) {
	h, _ := open(t)
	opened := make(chan struct{})
	store := &Store{Data: h.data, Bus: h.bus, Live: h.live, Busy: func() func() { return func() {} }, Opened: func(ctx context.Context) error {
		select {
		case <-opened:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
	handler := Handler(store)
	answer := func(ctx context.Context) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1/runs", nil))
		return w
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if w := answer(gone); w.Code < 400 {
		t.Errorf("who did not wait is told %d %s", w.Code, w.Body)
	}
	close(opened)
	if w := answer(t.Context()); w.Code != http.StatusOK {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}
