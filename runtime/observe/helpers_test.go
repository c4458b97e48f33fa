package observe

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/troupe-dev/troupe/bus"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patient is how long a test waits for what must happen.
const patient = 60 * time.Second

// A house is a data directory with a supervisor's store and API.
type house struct {
	t    testing.TB
	data string
	bus  *bus.Bus

	store *Store

	mu    sync.Mutex
	lives map[string]*Live
	logs  map[string]*record.Log
}

// open serves a new data directory until the test ends.
func open(t testing.TB) (*house, *client) {
	t.Helper()
	h := &house{t: t, data: t.TempDir(), lives: map[string]*Live{}, logs: map[string]*record.Log{}}
	var err error
	if h.bus, err = bus.Start(bus.Options{Dir: filepath.Join(h.data, "bus")}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.bus.Close)
	l, release, err := ListenControl(h.data)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	h.store = &Store{Data: h.data, Bus: h.bus, Live: h.live}
	t.Cleanup(Serve(l, h.store))
	t.Cleanup(func() { // as a supervisor ends: before Serve's stop waits for those who follow
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, l := range h.lives {
			l.Over()
		}
	})
	c := newClient(h.data)
	c.http.Transport = checkedTransport{t, apiRoutes(&Store{}, true), c.http.Transport}
	t.Cleanup(func() { _ = c.Close() })
	return h, c
}

func (h *house) live(run string) *Live {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lives[run]
}

// run makes a run that was started so long ago; a live one ends, resumably,
// when it is stopped.
func (h *house) run(name string, ago time.Duration, live bool) {
	h.t.Helper()
	h.runOf(name, plan.Plan{Name: "play", Seed: 7, Agents: []plan.Agent{{ID: "ann"}}, Clock: plan.Clock{Ticks: 9},
		Entries:   []plan.Entry{{ID: "ann"}},
		Processes: []plan.Process{{ID: "ann", Agents: []string{"ann"}}}}, ago, live)
}

// runOf makes a run of a plan.
func (h *house) runOf(name string, p plan.Plan, ago time.Duration, live bool) {
	h.t.Helper()
	s := Store{Data: h.data}
	if err := os.MkdirAll(s.Dir(name).Dir, 0o700); err != nil {
		h.t.Fatal(err)
	}
	err := record.WriteManifest(s.Dir(name).Manifest(), &record.Manifest{Run: name, Started: time.Now().Add(-ago).UTC(), Plan: p})
	if err != nil {
		h.t.Fatal(err)
	}
	m, err := record.ReadManifest(s.Dir(name).Manifest())
	if err != nil {
		h.t.Fatal(err)
	}
	stream, err := h.bus.CreateStream(name)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(stream.Close)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.logs[name] = record.Create(stream, m.Plan.Genesis())
	if live {
		var l *Live
		l = NewLive(func() { l.Over() })
		h.lives[name] = l
	}
}

// relog has a run's log begin anew.
func (h *house) relog(name string) {
	h.t.Helper()
	m, err := record.ReadManifest((&Store{Data: h.data}).Dir(name).Manifest())
	if err == nil {
		err = h.bus.DeleteStream(name)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	stream, err := h.bus.CreateStream(name)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(stream.Close)
	h.logs[name] = record.Create(stream, m.Plan.Genesis())
}

// tick commits the next tick of a run.
func (h *house) tick(name string, n int, end record.End) {
	h.t.Helper()
	h.commit(name, &record.Record{Tick: n, End: end})
}

// commit commits a record.
func (h *house) commit(name string, r *record.Record) {
	h.t.Helper()
	hash, err := h.logs[name].Append(h.t.Context(), r)
	if err != nil {
		h.t.Fatal(err)
	}
	if l := h.live(name); l != nil {
		l.Recorded(r, hash)
		l.Committed(State{Ticks: r.Tick + 1, Hash: hash, End: r.End})
	}
}

// A reader takes what a follower is sent, and says how many ticks it has.
type reader struct {
	mu    sync.Mutex
	text  strings.Builder
	ticks chan int // each tick's number as it comes
}

func newReader() *reader { return &reader{ticks: make(chan int, 1000)} }

func (r *reader) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := strings.LastIndex(r.text.String(), "\n") + 1
	r.text.Write(b)
	all := r.text.String()
	for line := range strings.Lines(all[before:]) {
		var e struct {
			Type string
			Tick int
		}
		if strings.HasSuffix(line, "\n") && json.Unmarshal([]byte(line), &e) == nil && e.Type == "tick" {
			r.ticks <- e.Tick
		}
	}
	return len(b), nil
}

// await waits for a tick.
func (r *reader) await(t *testing.T, want int) {
	t.Helper()
	select {
	case got := <-r.ticks:
		if got != want {
			t.Errorf("got tick %d, want %d", got, want)
		}
	case <-time.After(patient):
		t.Fatalf("tick %d did not come", want)
	}
}

// ends waits for what a call returns.
func ends(t *testing.T, done <-chan error, want error) {
	t.Helper()
	select {
	case err := <-done:
		if !errors.Is(err, want) {
			t.Errorf("it ended with %v, want %v", err, want)
		}
	case <-time.After(patient):
		t.Fatal("it did not end")
	}
}
